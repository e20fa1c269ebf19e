"""Each of 500 seeded corruptions of the target is found and named, and nothing else is."""
# ruff: noqa: S608 -- statements are put together from names that stand in this file

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from operations.transfer.exports import ExportFolder
from operations.transfer.tables import all_tables
from operations.transfer.target import Target
from operations.transfer.verification import Verification, VerificationResult

from .conftest import Database
from .network import FILES, MEMBERS, POSTS, SECRET

pytestmark = pytest.mark.postgres_only

MANY = 500
BATCH_SIZE = 10
Location = tuple[str, str, str]


@dataclass(frozen=True)
class Corruption:
    """A corruption of the target: its kind, the locations that must be named, and its statements."""

    kind: str
    locations: frozenset[Location]
    statements: tuple[str, ...]


def dropping_constraints(table: str, which: str) -> str:
    """Drop the constraints of a table for which the condition holds."""
    return (
        f"DO $$ DECLARE n text; BEGIN FOR n IN SELECT conname FROM pg_constraint WHERE conrelid = '{table}'::regclass "
        f"AND {which} LOOP EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I', n); END LOOP; END $$"
    )


WITHOUT_KEYS = dropping_constraints("feed_posttag", "contype IN ('p', 'u')")
WITHOUT_REFERENCE = dropping_constraints(
    "feed_savedpost", "contype = 'f' AND confrelid = 'users_user'::regclass"
)


def changed(kind: str, table: str, row: int, field: str, value: str) -> Corruption:
    """One field of one row gets another value (SQL)."""
    label = table.replace("_", ".", 1)
    statement = f'UPDATE {table} SET "{field}" = {value} WHERE id = {row}'
    return Corruption(kind, frozenset({(label, str(row), field)}), (statement,))


TEXTS = [
    ("users_user", "headline", MEMBERS),
    ("users_user", "username", MEMBERS),
    ("feed_comment", "text", POSTS),
]
HIDDEN_TEXTS = [("users_user", "password", MEMBERS), ("messaging_entry", "text", 30)]
NUMBERS = [
    ("feed_post", "comment_count", POSTS),
    ("feed_post", "like_count", POSTS),
    ("feed_comment", "reply_count", POSTS),
]
MOMENTS = [
    ("feed_post", "created_at", POSTS),
    ("feed_comment", "created_at", POSTS),
    ("feed_reaction", "created_at", POSTS),
]
KEYS = [
    ("feed_post", "author_id", POSTS),
    ("feed_comment", "post_id", POSTS),
    ("feed_comment", "author_id", POSTS),
]
ROWS = [("feed_post", POSTS), ("feed_comment", POSTS), ("feed_reaction", POSTS), ("django_admin_log", 20)]
COPIES = {
    "feed_comment": "post_id, author_id, text, html, reply_count, created_at",
    "feed_posttag": "post_id, tag_id",
}
LABELS = {"django_admin_log": "admin.logentry"}
COUNTED = ["feed_post", "feed_comment", "users_user", "feed_reaction", "messaging_entry"]


def text_bit(chance: random.Random) -> Corruption:
    """One bit of one letter; the lowest, so that it stays a letter of the same length."""
    table, field, rows = chance.choice(TEXTS + HIDDEN_TEXTS)
    at = chance.randint(1, 4)
    value = f'overlay("{field}" placing chr(ascii(substr("{field}", {at}, 1)) # 1) from {at} for 1)'
    return changed("bit of a text", table, chance.randint(1, rows), field, value)


def number_bit(chance: random.Random) -> Corruption:
    table, field, rows = chance.choice(NUMBERS)
    value = f'"{field}" # {1 << chance.randrange(14)}'
    return changed("bit of a number", table, chance.randint(1, rows), field, value)


def truth(chance: random.Random) -> Corruption:
    field = chance.choice(["is_active", "is_staff", "is_superuser", "open_to_work"])
    return changed("truth turned", "users_user", chance.randint(1, MEMBERS), field, f"NOT {field}")


def other_key(chance: random.Random) -> Corruption:
    """Two rows swap what they refer to."""
    table, field, rows = chance.choice(KEYS)
    label, one = table.replace("_", ".", 1), chance.randint(1, rows)
    other = one % rows + 1  # neighbours refer to different rows
    statement = (
        f"UPDATE {table} a SET {field} = b.{field} FROM {table} b "
        f"WHERE (a.id, b.id) IN (({one}, {other}), ({other}, {one}))"
    )
    return Corruption(
        "keys swapped", frozenset({(label, str(one), field), (label, str(other), field)}), (statement,)
    )


def other_id(chance: random.Random) -> Corruption:
    """Two rows swap their primary keys: all that differs between them is found in both."""
    one = chance.randint(1, POSTS)
    other = one % POSTS + 1
    statements = tuple(
        f"UPDATE feed_comment SET id = {new} WHERE id = {old}"
        for old, new in ((one, -1), (other, one), (-1, other))
    )
    locations = {
        ("feed.comment", str(row), field)
        for row in (one, other)
        for field in ("text", "html", "post_id", "author_id", "created_at")
    }
    return Corruption("ids swapped", frozenset(locations), statements)


def lost(chance: random.Random) -> Corruption:
    table, rows = chance.choice(ROWS)
    row = chance.randint(1, rows)
    label = LABELS.get(table, table.replace("_", ".", 1))
    return Corruption(
        "row lost", frozenset({(label, str(row), "")}), (f"DELETE FROM {table} WHERE id = {row}",)
    )


def doubled(chance: random.Random) -> Corruption:
    """A row once more, under another id or (with the index gone) under its own."""
    row = chance.randint(1, 50)
    if chance.random() < 0.5:
        columns, new = COPIES["feed_comment"], chance.randint(10_000, 99_999)
        copied = f"SELECT {new}, {columns} FROM feed_comment WHERE id = {row}"
        # The sequence has not heard of the new id.
        locations = frozenset({("feed.comment", str(new), ""), ("feed.comment", "", "id")})
        return Corruption("row doubled", locations, (f"INSERT INTO feed_comment (id, {columns}) {copied}",))
    statements = (
        WITHOUT_KEYS,
        f"INSERT INTO feed_posttag (id, post_id, tag_id) SELECT * FROM feed_posttag WHERE id = {row}",
    )
    return Corruption("row doubled", frozenset({("feed.posttag", str(row), "")}), statements)


def zone(chance: random.Random) -> Corruption:
    table, field, rows = chance.choice(MOMENTS)
    shift = chance.choice(["1 hour", "-1 hour", "2 hours", "5 hours 30 minutes", "1 microsecond"])
    return changed("zone shifted", table, chance.randint(1, rows), field, f"{field} + interval '{shift}'")


def cut(chance: random.Random) -> Corruption:
    table, field, rows = chance.choice([(t, f, r) for t, f, r in TEXTS if f != "username"])
    return changed(
        "text cut", table, chance.randint(1, rows), field, f'left("{field}", -{chance.randint(1, 3)})'
    )


def null_or_empty(chance: random.Random) -> Corruption:
    if chance.random() < 0.5:
        row = chance.choice([n for n in range(1, MEMBERS + 1) if (n % 10) == 0])  # those whose name is empty
        found = changed("NULL for ''", "users_user", row, "name", "NULL")
        return Corruption(
            found.kind,
            found.locations,
            ("ALTER TABLE users_user ALTER name DROP NOT NULL", *found.statements),
        )
    return changed("'' for NULL", "messaging_conversation", 1, "pair", "''")


def null_moment(chance: random.Random) -> Corruption:
    row = chance.choice([n for n in range(1, POSTS + 1) if n % 2 == 0])
    return changed("NULL for a moment", "feed_post", row, "edited_at", "NULL")


def sequence_behind(chance: random.Random) -> Corruption:
    table = chance.choice(COUNTED)
    statement = f"ALTER TABLE {table} ALTER id RESTART WITH {chance.randint(1, 25)}"
    return Corruption("sequence behind", frozenset({(table.replace("_", ".", 1), "", "id")}), (statement,))


def reference_gone(chance: random.Random) -> Corruption:
    return Corruption("foreign key gone", frozenset({("feed.savedpost", "", "member")}), (WITHOUT_REFERENCE,))


def file_gone(chance: random.Random) -> Corruption:
    name = chance.choice(list(FILES))
    return Corruption("file missing", frozenset({("media", name, "")}), (f"FILE GONE {name}",))


def file_changed(chance: random.Random) -> Corruption:
    name = chance.choice([name for name, content in FILES.items() if content])
    return Corruption("file changed", frozenset({("media", name, "")}), (f"FILE BIT {name}",))


Maker = Callable[[random.Random], Corruption]
MAKERS: list[Maker] = [
    text_bit, text_bit, number_bit, truth, other_key, other_id, lost, lost, doubled, zone, zone, cut, cut,
    null_or_empty, null_moment, sequence_behind, reference_gone, file_gone, file_changed,
]  # fmt: skip


def seeded(chance: random.Random) -> list[list[Corruption]]:
    """500 corruptions, ten at a time; those of one time touch no row in common."""
    rounds = []
    for _ in range(MANY // BATCH_SIZE):
        together: list[Corruption] = []
        taken: set[tuple[str, str]] = set()
        while len(together) < BATCH_SIZE:
            found = chance.choice(MAKERS)(chance)
            rows = {location[:2] for location in found.locations}
            if not rows & taken:
                taken |= rows
                together.append(found)
        rounds.append(together)
    return rounds


def apply_corruption(target: Target, statement: str, media: Path) -> None:
    """Do it: to a file of the target, or to its tables."""
    if not statement.startswith("FILE"):
        target.run_statement(statement)
        return
    path = media / statement.split(" ", 2)[2]
    if statement.startswith("FILE GONE"):
        path.unlink()
    else:
        data = path.read_bytes()
        path.write_bytes(bytes([data[0] ^ 4]) + data[1:])


def found_with(moved: Database, export: Path, corruptions: list[Corruption]) -> VerificationResult:
    """What the verification says of a target with these corruptions, which is whole again afterwards."""
    folder = ExportFolder(export, all_tables())
    with closing(Target(folder.tables, read_only=False)) as target:
        # As after a crash or a mistake: without triggers and foreign keys.
        target.run_statement("SET LOCAL session_replication_role = replica")
        for statement in [statement for one in corruptions for statement in one.statements]:
            apply_corruption(target, statement, moved.media)
        findings = Verification(folder, target, max_named=1000).compare_all()
    for name, content in FILES.items():
        (moved.media / name).write_bytes(content)
    return findings


def places_of(findings: VerificationResult) -> set[Location]:
    return {(problem.table, problem.row, problem.field) for problem in findings.differences}


def is_besides(problem: str) -> bool:
    """A lost row leaves those that refer to it as orphans, and a corruption may take a constraint away: true, too."""
    return any(words in problem for words in ("refers to", "the target lacks: ", "the target has besides: "))


def find_missed(findings: VerificationResult, corruption: Corruption) -> bool:
    locations = places_of(findings)
    if corruption.kind == "ids swapped":  # comments may agree in some fields
        return not any(location in locations for location in corruption.locations)
    return not corruption.locations <= locations


def test_each_of_500_corruptions_is_found_and_named(moved: Database, built_export: Path) -> None:
    kinds: Counter[str] = Counter()
    for number, corruptions in enumerate(seeded(random.Random(20_261_123))):
        findings = found_with(moved, built_export, corruptions)
        assert [one for one in corruptions if find_missed(findings, one)] == [], number
        expected = {location for one in corruptions for location in one.locations}
        others = [problem for problem in findings.differences if not is_besides(str(problem))]
        assert {(one.table, one.row, one.field) for one in others} <= expected, number
        assert SECRET not in "".join(map(str, findings.differences))
        kinds.update(one.kind for one in corruptions)
    assert sum(kinds.values()) == MANY
    assert min(kinds.values()) >= 10, kinds
    assert moved.verify_with(built_export).differences == []


def one_by_one() -> Iterator[tuple[str, Corruption]]:
    chance = random.Random(7)
    for maker in dict.fromkeys(MAKERS):
        yield maker.__name__, maker(chance)


@pytest.mark.parametrize("corruption", [pytest.param(one, id=name) for name, one in one_by_one()])
def test_each_kind_is_found_by_itself(moved: Database, built_export: Path, corruption: Corruption) -> None:
    assert not find_missed(found_with(moved, built_export, [corruption]), corruption)


orphaned = partial(Corruption, "orphan", frozenset({("feed.comment", "8", "author")}))


def test_an_orphan_is_named(moved: Database, built_export: Path) -> None:
    corruption = orphaned(("UPDATE feed_comment SET author_id = 777 WHERE id = 8",))
    findings = found_with(moved, built_export, [corruption])
    assert ("feed.comment", "8", "author") in places_of(findings)
    assert "refers to users_user 777, which does not exist" in "".join(map(str, findings.differences))


def test_a_foreign_key_that_was_never_checked_is_named(moved: Database, built_export: Path) -> None:
    statement = (
        "UPDATE pg_constraint SET convalidated = false "
        "WHERE contype = 'f' AND conrelid = 'feed_savedpost'::regclass AND confrelid = 'feed_post'::regclass"
    )
    findings = found_with(moved, built_export, [Corruption("unchecked", frozenset(), (statement,))])
    assert places_of(findings) == {("feed.savedpost", "", "post"), ("feed_savedpost", "", "")}
    assert "NOT VALID" in "".join(map(str, findings.differences))

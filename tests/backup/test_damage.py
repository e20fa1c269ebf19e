"""A backup that is not as it was written is not believed, wherever the damage is: bits, cuts, moved chunks."""

import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from operations.backup import container, keys
from operations.backup.backup_file import BackupFile
from operations.backup.container import CHUNK_BYTES, TAG_BYTES
from operations.transfer.problems import TransferRefused

from .conftest import KEY

# What is read is the same on every database.
pytestmark = pytest.mark.sqlite_only

SEALED = CHUNK_BYTES + TAG_BYTES
BITS, CUTS = 150, 40

Damage = tuple[str, bytes]


def key_of(path: Path) -> str:
    return KEY if path.name == "sealed.backup" else ""


@pytest.fixture(params=["plain", "encrypted"])
def backup(request: pytest.FixtureRequest) -> Path:
    """Either kind."""
    path: Path = request.getfixturevalue(request.param)
    return path


@pytest.fixture(autouse=True)
def _quick_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of one salt is made once: hundreds of copies have the same."""
    monkeypatch.setattr(container, "derive_key_material", cache(keys.derive_key_material))


def flip_bits(data: bytes, chance: random.Random) -> Iterator[Damage]:
    """One bit at a time: in the first line, in its neighbourhood, and anywhere."""
    line = data.index(b"\n")
    offsets = [chance.randrange(line + 1) for _ in range(40)]
    offsets += [chance.randrange(len(data)) for _ in range(BITS - 45)]
    offsets += [line + 1, line + SEALED, line + SEALED + 1, len(data) - 1, len(data) - TAG_BYTES]
    for offset in offsets:
        changed = bytearray(data)
        changed[offset] ^= 1 << chance.randrange(8)
        yield f"bit at {offset}", bytes(changed)


def truncate_copies(data: bytes, chance: random.Random) -> Iterator[Damage]:
    """The end is missing: anywhere, and where a chunk ends."""
    start = data.index(b"\n") + 1
    ends = [chance.randrange(len(data)) for _ in range(CUTS)]
    ends += [0, 1, start - 1, start, start + TAG_BYTES, len(data) - 1, len(data) - TAG_BYTES]
    ends += list(range(start + SEALED, len(data), SEALED))
    for end in ends:
        yield f"cut at {end}", data[:end]


def move_chunks(data: bytes, other: bytes) -> Iterator[Damage]:
    """Chunks in another order, twice, left out, of another backup; and something behind the end."""
    start = data.index(b"\n") + 1
    line, pieces = data[:start], [data[n : n + SEALED] for n in range(start, len(data), SEALED)]
    for n in range(len(pieces) - 2):
        yield (
            f"chunks {n} and {n + 1} swapped",
            line + b"".join([*pieces[:n], pieces[n + 1], pieces[n], *pieces[n + 2 :]]),
        )
        yield f"chunk {n} twice", line + b"".join([*pieces[: n + 1], *pieces[n:]])
        yield f"chunk {n} left out", line + b"".join([*pieces[:n], *pieces[n + 1 :]])
    begin = other.index(b"\n") + 1
    yield "a chunk of another backup", line + other[begin : begin + SEALED] + b"".join(pieces[1:])
    yield "the line of another backup", other[:begin] + b"".join(pieces)
    yield "a byte behind the end", data + b"\0"
    yield "a chunk behind the end", data + pieces[-1]
    yield "twice", data * 2


def test_every_damage_is_found(backup: Path, plain: Path, encrypted: Path, tmp_path: Path) -> None:
    data, chance = backup.read_bytes(), random.Random(20_261_123)
    other = (plain if backup == encrypted else encrypted).read_bytes()
    damages = [*flip_bits(data, chance), *truncate_copies(data, chance), *move_chunks(data, other)]
    assert len(damages) >= 200
    copy = tmp_path / "copy.backup"
    believed = []
    for what, damaged in damages:
        copy.write_bytes(damaged)
        try:
            BackupFile(copy, key_of(backup))
        except TransferRefused:
            continue
        believed.append(what)
    assert believed == []


def test_a_sound_copy_is_believed(backup: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.backup"
    copy.write_bytes(backup.read_bytes())
    assert BackupFile(copy, key_of(backup)).manifest == BackupFile(backup, key_of(backup)).manifest


def expect_refusal(path: Path, key: str) -> str:
    with pytest.raises(TransferRefused) as refused:
        BackupFile(path, key)
    return str(refused.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda data: b"", "is not a backup of LinkUp"),
        (lambda data: b"PGDMP" + data, "is not a backup of LinkUp"),
        (lambda data: data.replace(b'"format": 1', b'"format": 2', 1), "has format 2; this LinkUp reads"),
        (lambda data: data[: data.index(b"\n") + 1 + SEALED], "was cut short: it ends at byte"),
        (lambda data: data[:-5], "is damaged or was cut short, at byte"),
        (lambda data: data[:90_000] + b"XX" + data[90_002:], "is damaged between the bytes 65,"),
    ],
)
def test_what_is_wrong_is_reported(
    backup: Path, tmp_path: Path, change: Callable[[bytes], bytes], expected: str
) -> None:
    copy = tmp_path / "copy.backup"
    copy.write_bytes(change(backup.read_bytes()))
    assert expected in expect_refusal(copy, key_of(backup))


def test_without_its_key_it_stays_shut(encrypted: Path) -> None:
    assert "is encrypted: give its key" in expect_refusal(encrypted, "")
    output = expect_refusal(encrypted, KEY + "!")
    assert "The key is not the one" in output
    assert KEY not in output


def test_nothing_of_the_network_can_be_read_from_an_encrypted_one(encrypted: Path, plain: Path) -> None:
    data = encrypted.read_bytes()
    assert b"posts/ff/big.webp" in plain.read_bytes()
    assert not [word for word in (b"posts/ff/big.webp", b"manifest.json", b"feed.post") if word in data]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "The backup cannot be read: No such file" in expect_refusal(tmp_path / "no.backup", "")

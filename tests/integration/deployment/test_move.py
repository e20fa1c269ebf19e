"""A network moves from SQLite to PostgreSQL and is served from there: 1,000 members, 20,000 in the checkpoint."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg2
import pytest

from demo.people import PASSWORD
from scripts.nginx import NginxSite, prepare_nginx
from scripts.servers import HOST, Server, find_free_port
from scripts.stack import Stack, is_port_open
from scripts.visitor import Visitor
from tests.integration.conftest import FaultTable

from .conftest import Removal
from .installation import Installation
from .sample import FIGURES, Step

# Django alone takes about 70 MiB; the bar for a million rows is 300.
MOST_MIB = 200
MOVES = ("export", "import", "verify")

COUNT = "SELECT count(*) FROM %s"

# What must find nothing: each says where rows do not fit together.
UNREAD = """
SELECT * FROM messaging_membership seat WHERE left_at IS NULL AND unread <> (
    SELECT count(*) FROM messaging_entry entry
    WHERE entry.conversation_id = seat.conversation_id AND kind = 'message' AND deleted_at IS NULL
      AND seq > seat.read_seq AND seq >= seat.first_seq AND author_id IS DISTINCT FROM seat.member_id)
"""
NUMBERS = """
SELECT conversation.id FROM messaging_conversation conversation JOIN messaging_entry entry
    ON entry.conversation_id = conversation.id
GROUP BY conversation.id HAVING count(*) <> last_seq OR max(seq) <> last_seq OR min(seq) <> 1
"""
SORT_KEYS = """
SELECT * FROM messaging_membership seat
WHERE place <> (SELECT max(id) FROM messaging_entry entry WHERE entry.conversation_id = seat.conversation_id)
   OR delivered_seq < read_seq
   OR delivered_seq > (SELECT last_seq FROM messaging_conversation WHERE id = seat.conversation_id)
"""
REACTIONS = """
SELECT * FROM feed_post post LEFT JOIN (SELECT post_id, count(*) AS number FROM feed_reaction GROUP BY post_id) real
    ON real.post_id = post.id
WHERE like_count + celebrate_count + support_count + insightful_count + curious_count <> coalesce(number, 0)
"""
COMMENTS = """
SELECT * FROM feed_post post LEFT JOIN (
    SELECT post_id, count(*) AS number FROM feed_comment WHERE deleted_at IS NULL GROUP BY post_id) real
    ON real.post_id = post.id
WHERE comment_count <> coalesce(number, 0)
"""
NOTIFICATIONS = """
SELECT * FROM notifications_notification line
WHERE place <> (SELECT max(id) FROM notifications_fact fact WHERE fact.notification_id = line.id)
"""


@pytest.fixture(scope="module")
def steps(removal: Removal) -> dict[str, Step]:
    """What each step of the move took, when it has come to its end."""
    assert removal.process.wait() == 0
    steps = json.loads((removal.folder / FIGURES).read_text())
    return {values["name"]: Step(**values) for values in steps}


def rows(removal: Removal, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What PostgreSQL answers."""
    with closing(psycopg2.connect(removal.server.url)) as connection, connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return list(cursor.fetchall())


def test_the_network_arrives_whole(steps: dict[str, Step], removal: Removal, fault_table: FaultTable) -> None:
    network = f"{removal.members:,} members"
    for step in steps.values():
        fault_table.record_duration(network, f"{step.name}, processor", step.cpu)
        fault_table.record_count(network, f"{step.name}, most MiB", round(step.peak_mib))
        assert step.code == 0, step.said
    assert list(steps)[-1] == "verify"
    assert "The same: " in steps["verify"].said
    assert {name: steps[name].peak_mib for name in MOVES if steps[name].peak_mib > MOST_MIB} == {}


def test_it_is_as_large_as_was_asked(steps: dict[str, Step], removal: Removal) -> None:
    members = removal.members
    wanted = {
        "users_user": members,
        "feed_post": members,
        "feed_comment": 2 * members,
        "feed_reaction": 2 * members,
        "network_connection": 9 * members,
        "messaging_conversation": members // 4,
        "messaging_entry": members,
        "messaging_attachment": members // 500,
        "notifications_fact": members // 2,
    }
    found = {table: rows(removal, COUNT % table)[0][0] for table in wanted}
    assert {table: number for table, number in found.items() if number < wanted[table]} == {}
    pictures = list((removal.folder / "postgresql" / "media").rglob("*.webp"))
    assert len(pictures) >= 3 * 200 + 2 * members // 500


@pytest.mark.parametrize(
    "query",
    [UNREAD, NUMBERS, SORT_KEYS, REACTIONS, COMMENTS, NOTIFICATIONS],
    ids=["unread", "numbers", "sort keys", "reactions", "comments", "notifications"],
)
def test_what_the_services_promise_holds_there(steps: dict[str, Step], removal: Removal, query: str) -> None:
    assert rows(removal, query)[:3] == []


@pytest.fixture(scope="module")
def moved(installation: Installation, removal: Removal, steps: dict[str, Step]) -> Iterator[Stack]:
    """The deployed LinkUp once more, on the database and the uploads that have moved."""
    data = removal.folder / "postgresql"
    folder = removal.folder / "nginx"
    folder.mkdir()
    site = NginxSite(
        folder=folder,
        static=installation.linkup / "staticfiles",
        media=data / "media",
        http_port=find_free_port(),
        https_port=find_free_port(),
        web_port=find_free_port(),
        ws_port=find_free_port(),
    )
    variables = {
        "DATABASE_URL": removal.server.url,
        "DATA_DIR": str(data),
        "MEDIA_ROOT": str(site.media),
        "LOG_DIR": str(data / "logs"),
        "STATIC_ROOT": str(site.static),
        "SITE_URL": f"https://localhost:{site.https_port}",
    }
    gunicorn = ["gunicorn", "--config", "gunicorn.conf.py", "--bind", f"{HOST}:{site.web_port}"]
    web = installation.server("moved", gunicorn, site.web_port, **variables)
    nginx = Server(prepare_nginx(site), lambda: is_port_open(site.https_port), folder, None, signal.SIGTERM)
    with ExitStack() as exit_stack:
        for server in (web, nginx):
            server.start()
            exit_stack.callback(server.stop)
        yield Stack(
            origin=f"https://localhost:{site.https_port}",
            http_origin=f"http://localhost:{site.http_port}",
            site=site,
            environment={**installation.environment, **variables},
            postgres=removal.server,
            redis=installation.redis,
            web=web,
            ws=web,
            nginx=nginx,
        )


def test_a_member_finds_everything_again(moved: Stack, removal: Removal) -> None:
    [[conversation, attachment]] = rows(
        removal,
        """SELECT entry.conversation_id, attachment.id FROM messaging_attachment attachment
           JOIN messaging_entry entry ON entry.id = attachment.entry_id
           JOIN messaging_membership seat ON seat.conversation_id = entry.conversation_id
           JOIN users_user ON users_user.id = seat.member_id WHERE username = 'bench' ORDER BY 1 LIMIT 1""",
    )
    [[words]] = rows(
        removal,
        "SELECT text FROM messaging_entry WHERE conversation_id = %s AND seq = 1",
        conversation,
    )
    [[photo]] = rows(removal, "SELECT photo FROM users_user WHERE photo <> '' ORDER BY id LIMIT 1")
    picture = f"/messages/{conversation}/files/{attachment}/"
    with Visitor(moved) as stranger:
        assert stranger.get(picture).status in {302, 404}
        stranger.sign_in("member00001", PASSWORD)
        assert stranger.get(picture).status == 404
    with Visitor(moved) as member:
        member.sign_in("bench", PASSWORD)
        for page in ("/", "/messages/", "/notifications/", "/members/member00002/"):
            assert member.get(page).status == 200, page
        answer = member.get(f"/messages/{conversation}/")
        assert answer.status == 200
        assert words.split()[0] in answer.text
        shown = member.get(picture)
        assert (shown.status, shown.header("Content-Type"), shown.body[8:12]) == (200, "image/webp", b"WEBP")
        face = member.get(f"/media/{photo}-192.webp")
        assert (face.status, face.body[8:12]) == (200, b"WEBP")

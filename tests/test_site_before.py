"""Site data of the version before still opens: databases, a backup and an export (tests/site_before/README.md)."""

import gzip
import json
import shutil
import tarfile
import uuid
from collections.abc import Iterable, Iterator, Set
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core import mail
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from core.models import OutgoingMail
from core.outgoing_mail import deliver_due
from messaging.models import Conversation, Entry
from operations.transfer.tables import LEFT_OUT
from professional_network.settings.base import PASSWORD_HASHERS
from users.models import User

from .backup.conftest import Server, new_server, use_server
from .cases import all_cases
from .site_before.content import CLIENT_ID, PASSWORD, PDF, SUBMISSION_ID
from .site_before.make_site import PASSPHRASE, ROWS, SECRET_KEY

pytestmark = [pytest.mark.both, pytest.mark.slow]

FOLDER = Path(__file__).parent / "site_before"
# The name of Django's cookie then; members stay signed in only while it stays.
COOKIE = "sessionid"
# `migrate` adds to these with each version.
GROWING = {"auth_permission", "django_content_type"}
# Of these a backup and an export have no rows.
ENDED = {apps.get_model(label)._meta.db_table for label in LEFT_OUT}
ROWS_BEFORE: dict[str, int] = json.loads((FOLDER / ROWS).read_text())

# Address → what Alice's page shows. {talk}, {crew}, {quay} and {draft} are ids.
PAGES = {
    "/": ["The <strong>new quay</strong> opens", "A red crane", "Worth a visit", "The plan as a document"],
    "/members/alice/": ["Harbour engineer", "Bilbao", "<strong>quays</strong>", "Dock master", "Quays Ltd"],
    "/members/alice/posts/": ["new quay", "Second draft"],
    "/members/bob/": ["Bob Baker 日本語"],
    "/members/": ["Gina", "Carla"],
    "/network/": ["Erin", "We met at the fair"],
    "/network/sent/": ["Dan"],
    "/network/connections/": ["Bob Baker 日本語", "Carla"],
    "/network/following/": ["Gina"],
    "/network/blocked/": ["Hal"],
    "/posts/{quay}/": ["Congratulations to all", "Thank you", "A reply that stays", 'href="/tags/harbour/"'],
    "/posts/{quay}/reactions/": ["Bob Baker 日本語", "Carla", "Dan", "Erin", "Fred"],
    "/posts/{draft}/history/": ["First draft"],
    "/tags/plans/": ["The plan as a document"],
    "/saved/": ["The plan as a document", "plan.pdf"],
    "/messages/": ["Harbour crew", "One that is unread"],
    "/messages/?box=requests": ["May I ask something?"],
    "/messages/{talk}/": ["Shall we meet?", "<em>one</em>", "notes.txt", "One that is unread"],
    "/messages/{talk}/search/?q=drawings": ["drawings"],
    "/messages/{crew}/about/": ["Harbour crew", "Bob Baker 日本語"],
    "/notifications/": ["Erin", "Gina", "Carla", "Bob Baker 日本語"],
    "/notifications/preferences/": ["21:30", "06:15", "Europe/Madrid"],
    "/settings/profile/": ["Harbour engineer", "I build **quays**."],
    "/settings/privacy/": ['<option value="2" selected>My connections</option>'],
    "/settings/experience/": ["Dock master", "Apprentice"],
    "/settings/education/": ["Nautical College"],
    "/settings/skills/": ["Welding"],
    "/settings/links/": ["https://example.org/alice"],
    "/accounts/email/": ["alice@example.org"],
}
# What only others wrote for others, or what was taken back, is on none of them.
ON_NO_PAGE = ["To be deleted", "A hidden post", "A hidden comment", "Too early", "Cheap watches"]


def files_in(name: str) -> dict[str, bytes]:
    """Return the files of a tar in the folder."""
    with tarfile.open(FOLDER / name) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]  # files have content


def unpack(name: str, folder: Path) -> Path:
    for path, content in files_in(name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def database_name() -> str:
    return {"sqlite": "sqlite", "postgresql": "postgres"}[connections["default"].vendor]


def rows_of(server: Server, without: Set[str] = frozenset()) -> dict[str, int]:
    """Count the rows of the tables that the site had, but those that grow."""
    return {table: server.count(table) for table in ROWS_BEFORE if table not in GROWING | without}


def rows_before(without: Set[str] = frozenset()) -> dict[str, int]:
    return {table: rows for table, rows in ROWS_BEFORE.items() if table not in GROWING | without}


@pytest.fixture(scope="module", autouse=True)
def _databases_of_their_own(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let the tests use databases that pytest-django did not create."""
    with django_db_blocker.unblock(), override_settings(SECRET_KEY=SECRET_KEY):
        yield


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The database of the version before after `migrate`, with its files; to be copied only."""
    with new_server(tmp_path_factory.mktemp("opened")) as server:
        if server.is_sqlite:
            Path(server.name).write_bytes(gzip.decompress((FOLDER / "sqlite.db.gz").read_bytes()))
        else:
            server.run(gzip.decompress((FOLDER / "postgres.sql.gz").read_bytes()).decode())
        unpack(f"{database_name()}.media.tar.gz", server.media)
        with use_server(server):
            call_command("migrate", verbosity=0, interactive=False)
        yield server


@pytest.fixture
def site(opened: Server, tmp_path: Path) -> Iterator[Server]:
    """A copy of it, the site of the settings."""
    with new_server(tmp_path, opened.name) as server:
        shutil.copytree(opened.media, server.media)
        with use_server(server):
            yield server


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The backup of the version before, restored into a server without tables; to be copied only."""
    with new_server(tmp_path_factory.mktemp("restored")) as server:
        with use_server(server):
            call_command("restore", str(FOLDER / "plain.backup"), quiet=True, stdout=StringIO())
        yield server


def browser_of_alice() -> Client:
    """The browser in which Alice signed in at the version before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_key FROM django_session WHERE expire_date > '2100-01-01'")
        ((key,),) = cursor.fetchall()
    client = Client()
    client.cookies[COOKIE] = key
    return client


def fetch_text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return b"".join(response).decode()


def find_ids() -> dict[str, int]:
    """The ids that addresses name, found in the words of the content."""
    with connection.cursor() as cursor:

        def find(statement: str) -> int:
            cursor.execute(statement)
            ((found,),) = cursor.fetchall()
            return int(found)

        return {
            "talk": find("SELECT conversation_id FROM messaging_entry WHERE text = 'Shall we meet?'"),
            "crew": find("SELECT id FROM messaging_conversation WHERE title = 'Harbour crew'"),
            "quay": find("SELECT id FROM feed_post WHERE text LIKE 'The **new quay%'"),
            "draft": find("SELECT id FROM feed_post WHERE text LIKE 'Second draft%'"),
        }


def assert_pages_show_the_content(client: Client, pages: Iterable[str] = PAGES) -> None:
    ids, shown = find_ids(), ""
    with all_cases() as case:
        for address in pages:
            with case(address):
                text = fetch_text(client, address.format(**ids))
                assert [word for word in PAGES[address] if word not in text] == []
                shown += text
    assert [word for word in ON_NO_PAGE if word in shown] == []


def test_migrate_runs_to_the_end_and_loses_no_row(site: Server) -> None:
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    assert rows_of(site) == rows_before()
    assert site.files() == files_in(f"{database_name()}.media.tar.gz")


def test_a_session_from_before_opens_pages_of_every_kind(site: Server) -> None:
    assert_pages_show_the_content(browser_of_alice())


def test_files_from_before_are_served(site: Server) -> None:
    alice, files = browser_of_alice(), site.files()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT photo, cover FROM users_user u JOIN users_profile p ON p.user_id = u.id WHERE u.id = 1"
        )
        ((photo, cover),) = cursor.fetchall()
        cursor.execute("SELECT post_id, id, file FROM feed_postimage ORDER BY id")
        pictures = cursor.fetchall()
        cursor.execute("SELECT id, document FROM feed_post WHERE document != ''")
        ((post, document),) = cursor.fetchall()
        cursor.execute(
            "SELECT conversation_id, a.id, stored, a.kind FROM messaging_attachment a "
            "JOIN messaging_entry e ON e.id = a.entry_id ORDER BY a.id"
        )
        attachments = cursor.fetchall()
    served = {f"/media/{photo}-{size}.webp": f"{photo}-{size}.webp" for size in (512, 192, 64)}
    served[f"/media/{cover}-1500.webp"] = f"{cover}-1500.webp"
    served[f"/posts/{post}/document/"] = document
    for post, pk, file in pictures:
        served |= {f"/posts/{post}/pictures/{pk}/?size={size}": f"{file}-{size}.webp" for size in (1600, 800)}
    for talk, pk, stored, kind in attachments:
        address = f"/messages/{talk}/files/{pk}/"
        if kind == "file":
            served[address] = stored
        else:
            served |= {f"{address}?size={size}": f"{stored}-{size}.webp" for size in (1600, 800)}
    assert sorted(served.values()) == sorted(files)
    assert files[document] == PDF
    with all_cases() as case:
        for address, name in served.items():
            with case(address):
                assert b"".join(alice.get(address)) == files[name]


def test_a_message_joins_a_conversation_from_before(site: Server) -> None:
    talk = Conversation.objects.get(pk=find_ids()["talk"])
    address = f"/messages/{talk.pk}/send/"
    response = browser_of_alice().post(address, {"text": "Still here", "client_id": str(uuid.uuid4())})
    assert response.status_code == 302
    entry = Entry.objects.get(text="Still here")
    assert (entry.conversation_id, entry.seq) == (talk.pk, talk.last_seq + 1)
    bob = Client()
    with override_settings(PASSWORD_HASHERS=PASSWORD_HASHERS):
        response = bob.post("/accounts/login/", {"login": "bob@example.org", "password": PASSWORD})
        assert response.status_code == 302
        assert "Still here" in fetch_text(bob, f"/messages/{talk.pk}/")


def test_what_was_sent_before_and_is_sent_again_exists_once(site: Server) -> None:
    alice, bob = browser_of_alice(), Client()
    bob.force_login(User.objects.get(username="bob"))
    address = f"/messages/{find_ids()['talk']}/send/"
    message, post = {"client_id": str(CLIENT_ID)}, {"submission_id": str(SUBMISSION_ID), "audience": "2"}
    answers = [
        bob.post(address, {**message, "text": "At *noon*"}, headers={"Accept": "application/json"}),
        bob.post(address, {**message, "text": "Other words"}, headers={"Accept": "application/json"}),
        alice.post("/posts/", {**post, "text": "First draft"}),
        alice.post("/posts/", {**post, "text": "Other words"}),
    ]
    assert [response.status_code for response in answers] == [200, 409, 302, 422]
    # Of the tables that are in a backup: Bob has one session more.
    assert rows_of(site, ENDED) == rows_before(ENDED)


def test_mail_that_waited_is_sent(site: Server) -> None:
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    deliver_due()
    (message,) = mail.outbox
    assert (message.to, message.subject, message.body) == (["bob@example.org"], "Waiting", "This waits.")
    assert message.extra_headers["X-Test"] == "1"
    assert OutgoingMail.objects.count() == 0


def test_a_backup_from_before_is_restored_and_opens(restored: Server, tmp_path: Path) -> None:
    # `restore` has compared rows and files with the backup; a difference would have raised CommandError.
    assert rows_of(restored, ENDED) == rows_before(ENDED)
    assert restored.files() == files_in("sqlite.media.tar.gz")
    with new_server(tmp_path, restored.name) as server:
        shutil.copytree(restored.media, server.media)
        with use_server(server):
            alice = Client()
            with override_settings(PASSWORD_HASHERS=PASSWORD_HASHERS):
                alice.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
                assert_pages_show_the_content(alice)


def test_an_encrypted_backup_from_before_is_read() -> None:
    said = StringIO()
    with override_settings(BACKUP_KEY=PASSPHRASE):
        call_command("backup", check=FOLDER / "encrypted.backup", quiet=True, stdout=said)
    assert said.getvalue().startswith("Sound: ")
    assert "12 files" in said.getvalue()


@pytest.mark.postgres_only
def test_an_export_from_before_is_imported_and_the_same(restored: Server, tmp_path: Path) -> None:
    folder, said = unpack("export.tar.gz", tmp_path / "export"), StringIO()
    with new_server(tmp_path, restored.name) as server, use_server(server):
        call_command("flush", verbosity=0, interactive=False)
        assert server.count("users_user") == 0
        call_command("import_data", folder, quiet=True, stdout=said)
        call_command("verify_migration", folder, quiet=True, stdout=said)
        assert "The same: " in said.getvalue()
        assert rows_of(server, ENDED) == rows_before(ENDED)
        assert server.files() == files_in("sqlite.media.tar.gz")

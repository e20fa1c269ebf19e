"""`manage.py doctor` beside real servers: well, and with each of them away."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
import redis as redis_py
from aiosmtpd.controller import Controller

from scripts.programs import ROOT
from scripts.servers import HOST, find_free_port, postgres_server, redis_server
from scripts.stack import Stack


class Sink:
    """A mail server that keeps nothing, and refuses given senders and receivers."""

    refused_senders: tuple[str, ...] = ()
    refused_receivers: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.receivers: list[str] = []
        self.messages = 0

    async def handle_MAIL(  # noqa: N802 -- aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.refused_senders:
            return "553 not yours"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.refused_receivers:
            return "554 relay access denied"
        self.receivers.append(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        self.messages += 1
        return "250 OK"


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def mail_port(sink: Sink) -> Iterator[int]:
    controller = Controller(sink, hostname=HOST, port=find_free_port())
    controller.start()
    yield controller.port
    controller.stop()


def doctor(stack: Stack, **variables: str) -> tuple[int, str]:
    """The exit code and what was said."""
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--no-color"],
        cwd=ROOT,
        env={
            **stack.environment,
            "SITE_URL": stack.origin,
            "SSL_CERT_FILE": str(stack.certificate),
            **variables,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout


def line_of(said: str, subject: str, verdict: str) -> str:
    """The line with this verdict on `subject`, with its hint."""
    lines = said.splitlines()
    for index, line in enumerate(lines):
        if line.startswith(f"{verdict:<8} {subject:<12}"):
            return "\n".join([line, *lines[index + 1 : index + 2]])
    raise AssertionError(f"no {verdict} on {subject} in\n{said}")


def test_all_is_well(stack: Stack, mail_port: int) -> None:
    code, said = doctor(stack, EMAIL_PORT=str(mail_port))
    assert code == 0, said
    for subject in (
        "versions",
        "settings",
        "database",
        "migrations",
        "Redis",
        "storage",
        "mail",
        "addresses",
        "clock",
        "disk",
    ):
        line_of(said, subject, "ok")
    assert "failure" not in said
    # The certificate of the run lives for a few days.
    assert "localhost" in said.splitlines()[-1] or "localhost" in said.splitlines()[-2]


def test_a_redis_that_is_away_is_one_failure_among_answers(stack: Stack, mail_port: int) -> None:
    away = f"redis://:a-password-of-redis@{HOST}:{find_free_port()}/0"
    code, said = doctor(stack, EMAIL_PORT=str(mail_port), REDIS_URL=away)
    assert code == 1
    assert "Start Redis" in line_of(said, "Redis", "failure")
    line_of(said, "database", "ok")
    line_of(said, "mail", "ok")
    assert "a-password-of-redis" not in said


def test_a_redis_that_takes_no_writes_or_anybody_is_named(stack: Stack, mail_port: int) -> None:
    with redis_server() as cache, redis_py.Redis.from_url(cache.url) as client:
        well = doctor(stack, EMAIL_PORT=str(mail_port), REDIS_URL=cache.url)[1]
        client.config_set("requirepass", "")
        client.acl_setuser(
            "linkup", enabled=True, passwords=["+secret-of-acl"], keys=["*"], commands=["+@all"]
        )
        named = cache.url.replace(cache.url.partition("@")[0], "redis://linkup:secret-of-acl")
        open_ = doctor(stack, EMAIL_PORT=str(mail_port), REDIS_URL=named)[1]
        client.config_set("maxmemory", "1kb")
        full = doctor(stack, EMAIL_PORT=str(mail_port), REDIS_URL=named)
    assert "without a password" not in well
    assert "requirepass" in line_of(open_, "Redis", "warning")
    assert full[0] == 1
    assert "refuses writes: its memory is full" in line_of(full[1], "Redis", "failure")
    assert "maxmemory" in line_of(full[1], "Redis", "failure")


def test_mail_is_offered_up_to_its_receiver_and_none_is_sent(
    stack: Stack, mail_port: int, sink: Sink
) -> None:
    sender = "Verein für Musik, Köln <no-reply@example.org>"
    variables = {"EMAIL_PORT": str(mail_port), "DEFAULT_FROM_EMAIL": sender, "ADMINS": "admin@example.org"}
    line_of(doctor(stack, **variables)[1], "mail", "ok")
    assert (sink.receivers, sink.messages) == (["admin@example.org"], 0)
    sink.refused_receivers = ("admin@example.org", "no-reply@example.org")
    code, said = doctor(stack, **variables)
    assert code == 1
    assert "let it relay" in line_of(said, "mail", "failure")
    code, said = doctor(stack, **{**variables, "ADMINS": ""})
    assert code == 0
    assert "ADMINS" in line_of(said, "mail", "warning")
    sink.refused_senders = ("no-reply@example.org",)
    code, said = doctor(stack, **variables)
    assert code == 1
    assert "DEFAULT_FROM_EMAIL" in line_of(said, "mail", "failure")


def test_debug_in_production_is_a_failure(stack: Stack, mail_port: int) -> None:
    code, said = doctor(stack, EMAIL_PORT=str(mail_port), DEBUG="1")
    assert code == 1
    assert "DEBUG is on" in line_of(said, "settings", "failure")


# What is wrong with the database's address, and what the hint names.
WRONG_ADDRESSES = {
    "postgres://linkup@127.0.0.1:{port}/nowhere": "CREATE DATABASE",
    "postgres://stranger@127.0.0.1:{port}/linkup": "CREATE ROLE",
    "postgres://linkup@no-such-host.invalid:{port}/linkup": "There is no such host",
    "postgres://linkup@127.0.0.1:{port}/linkup?sslmode=require": "has no TLS",
    "postgres://linkup@127.0.0.1:{port}/linkup?sslmode=verify-full&sslrootcert=/no/ca.pem": "has no TLS",
    "postgres://linkup@127.0.0.1:1/linkup": "Start PostgreSQL",
    "postgres:///linkup?host=/no/socket": "There is no socket",
    "postgres://guarded:wrong@127.0.0.1:{port}/linkup": "ALTER ROLE",
}


def test_the_cure_fits_what_is_wrong_with_the_database(stack: Stack, mail_port: int) -> None:
    port = urlsplit(stack.postgres.url).port
    lock_guarded_role(stack)
    wrong = []
    for address, words in WRONG_ADDRESSES.items():
        code, said = doctor(stack, EMAIL_PORT=str(mail_port), DATABASE_URL=address.format(port=port))
        if code != 1 or words not in line_of(said, "database", "failure"):
            wrong.append((address, line_of(said, "database", "failure")))
    assert not wrong


def lock_guarded_role(stack: Stack) -> None:
    """A role whose password is asked for, unlike those of the private server."""
    file = stack.postgres.folder / "data" / "pg_hba.conf"
    file.write_text(f"host all guarded 127.0.0.1/32 scram-sha-256\n{file.read_text()}")
    connection = psycopg2.connect(stack.postgres.url)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        cursor.execute("SELECT pg_reload_conf()")
    connection.close()


def test_a_mail_server_that_is_away_is_named_with_its_cure(stack: Stack) -> None:
    code, said = doctor(stack, EMAIL_PORT=str(find_free_port()))
    assert code == 1
    assert "EMAIL_HOST" in line_of(said, "mail", "failure")


def test_a_certificate_that_nobody_trusts_is_a_failure(stack: Stack, mail_port: int) -> None:
    code, said = doctor(stack, EMAIL_PORT=str(mail_port), SSL_CERT_FILE="")
    assert code == 1
    assert "certbot" in line_of(said, "certificate", "failure")


def test_an_empty_database_asks_for_migrate(stack: Stack, mail_port: int) -> None:
    with postgres_server() as empty:
        code, said = doctor(stack, EMAIL_PORT=str(mail_port), DATABASE_URL=empty.url)
    assert code == 1
    assert "manage.py migrate" in line_of(said, "migrations", "failure")
    line_of(said, "database", "ok")


def test_a_database_that_is_away_does_not_keep_the_others_from_being_asked(
    stack: Stack, mail_port: int
) -> None:
    away = f"postgres://linkup:a-password-of-the-database@{HOST}:{find_free_port()}/linkup"
    code, said = doctor(stack, EMAIL_PORT=str(mail_port), DATABASE_URL=away)
    assert code == 1
    line_of(said, "database", "failure")
    line_of(said, "Redis", "ok")
    line_of(said, "storage", "ok")
    assert "a-password-of-the-database" not in said


def test_media_that_cannot_be_written_are_a_failure(stack: Stack, mail_port: int) -> None:
    code, said = doctor(stack, EMAIL_PORT=str(mail_port), MEDIA_ROOT="/proc/linkup")
    assert code == 1
    line_of(said, "storage", "failure")
    assert "/proc/linkup" in line_of(said, "disk", "failure")


def test_a_log_folder_that_cannot_be_written_is_not_a_full_disk(stack: Stack, mail_port: int) -> None:
    code, said = doctor(stack, EMAIL_PORT=str(mail_port), LOG_DIR="/proc/linkup/logs")
    assert code == 1
    line = line_of(said, "disk", "failure")
    assert "logs: /proc/linkup/logs cannot be written" in line
    assert "chown" in line
    assert "Make room" not in line

"""`manage.py doctor` beside real servers: well, and with each of them away."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller

from scripts.programs import ROOT
from scripts.servers import HOST, free_port, postgres_server
from scripts.stack import Stack


class Sink:
    """A mail server that keeps nothing."""


@pytest.fixture
def mail_port() -> Iterator[int]:
    controller = Controller(Sink(), hostname=HOST, port=free_port())
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
    """The line with this verdict on `subject`, with its cure."""
    lines = said.splitlines()
    for place, line in enumerate(lines):
        if line.startswith(f"{verdict:<8} {subject:<12}"):
            return "\n".join([line, *lines[place + 1 : place + 2]])
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
        "clock",
        "disk",
    ):
        line_of(said, subject, "ok")
    assert "failure" not in said
    # The certificate of the run lives for a few days.
    assert "localhost" in said.splitlines()[-1] or "localhost" in said.splitlines()[-2]


def test_a_redis_that_is_away_is_one_failure_among_answers(stack: Stack, mail_port: int) -> None:
    away = f"redis://:a-password-of-redis@{HOST}:{free_port()}/0"
    code, said = doctor(stack, EMAIL_PORT=str(mail_port), REDIS_URL=away)
    assert code == 1
    line_of(said, "Redis", "failure")
    line_of(said, "database", "ok")
    line_of(said, "mail", "ok")
    assert "a-password-of-redis" not in said


def test_a_mail_server_that_is_away_is_named_with_its_cure(stack: Stack) -> None:
    code, said = doctor(stack, EMAIL_PORT=str(free_port()))
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
    away = f"postgres://linkup:a-password-of-the-database@{HOST}:{free_port()}/linkup"
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

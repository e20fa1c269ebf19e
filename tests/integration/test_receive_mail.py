"""Bounces in the production stack: mail is sent by SMTP, its report comes back by pipe, Maildir and LMTP."""

import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.tests.reports import failure_report
from scripts.programs import ROOT
from scripts.stack import Stack
from scripts.visitor import Visitor
from tests.e2e.mailbox import Mailbox, link_in

from .people import PASSWORD, make_people

DOMAIN = "bounce.example.org"
NOTIFY = """
from core.mail import MailClass, Subscription, send_mail
from users.models import User
from django.db import transaction
subscription = Subscription("test", "https://network.example.org/stop/")
with transaction.atomic():
    for to in User.objects.filter(username__startswith="carol").values_list("email", flat=True):
        send_mail(to=to, subject="%s", text="x", mail_class=MailClass.NOTIFICATION, subscription=subscription)
"""
NAMES = ("carol", "carol-lmtp", "carol-maildir")
# Mail to it never fails: once its copy is there, the others have been sent or not.
WITNESS = "carol-witness@example.org"


@pytest.fixture(scope="module")
def mailbox(stack: Stack) -> Iterator[Mailbox]:
    """The mail server of the stack, which has a domain for bounces for the time of this module."""
    mailbox = Mailbox()
    mailbox.start()
    former = dict(stack.environment)
    variables = {"EMAIL_PORT": str(mailbox.port), "BOUNCE_DOMAIN": DOMAIN}
    make_people(stack, (*NAMES, "carol-witness"))
    use_environment(stack, {**former, **variables})
    yield mailbox
    use_environment(stack, former)
    mailbox.stop()


def use_environment(stack: Stack, environment: dict[str, str]) -> None:
    """Start gunicorn and the worker again with these variables."""
    stack.environment.clear()
    stack.environment.update(environment)
    for server in (stack.web, stack.work):
        assert server
        assert server.environment is not None
        for name in ("EMAIL_PORT", "BOUNCE_DOMAIN"):
            if name in environment:
                server.environment[name] = environment[name]
            else:
                server.environment.pop(name, None)
        server.stop()
        server.start()


def notify(stack: Stack, mailbox: Mailbox, subject: str, *expected: str) -> dict[str, str]:
    """Send a notification to everybody; return the envelope senders of those that must arrive."""
    stack.run_manage_command("shell", "--command", NOTIFY % subject)
    mailbox.wait_for(WITNESS, subject=subject, seconds=30)
    return {
        name: str(mailbox.wait_for(name, subject=subject, seconds=30)["X-Envelope-From"]) for name in expected
    }


def subjects_for(mailbox: Mailbox, address: str) -> list[str]:
    return [str(message["Subject"]) for message in mailbox.sent_to(address)]


def pipe(stack: Stack, recipient: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run the command as Postfix does, with the recipient in the environment."""
    return subprocess.run(
        [sys.executable, "manage.py", "receive_mail"],
        cwd=ROOT,
        env={**stack.environment, "ORIGINAL_RECIPIENT": recipient},
        input=content,
        capture_output=True,
        check=False,
    )


@contextmanager
def lmtp_server(stack: Stack) -> Iterator[int]:
    """`receive_mail --lmtp` on a free port."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "receive_mail", "--lmtp", "0"],
        cwd=ROOT,
        env=stack.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        yield int(process.stdout.readline().rpartition(":")[2])
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        process.stdout.close()


def return_by_lmtp(stack: Stack, sender: str, address: str) -> None:
    """Deliver the report about `address`; each recipient gets a separate answer."""
    with lmtp_server(stack) as port, smtplib.LMTP("127.0.0.1", port, timeout=30) as client:
        unknown = f"bounce+x@{DOMAIN}"
        # The report is about another address than the mail was sent to: nothing happens.
        assert client.sendmail("", [sender], failure_report(WITNESS)) == {}
        refused = client.sendmail("", [unknown, sender], failure_report(address))
        assert {recipient: code for recipient, (code, _text) in refused.items()} == {unknown: 550}
        client.mail("")
        assert [client.rcpt(sender)[0] for _twice in range(2)] == [250, 250]
        client.putcmd("data")
        assert client.getreply()[0] == 354
        client.send(b"no header\r\n.\r\n")
        assert [client.getreply()[0] for _recipient in range(2)] == [554, 554]
        assert client.docmd("mail from:<> size=30000000")[0] == 552


def return_by_pipe(stack: Stack, sender: str, address: str) -> None:
    """Deliver the report about `address`, after a forged one."""
    forged = pipe(stack, sender.replace("+", "+a", 1), failure_report(address))
    assert forged.returncode == os.EX_NOUSER
    assert b"There is no such address." in forged.stderr
    assert pipe(stack, sender, failure_report(address)).returncode == os.EX_OK


def return_by_maildir(stack: Stack, sender: str, address: str, folder: Path) -> None:
    """Deliver the report about `address` into a Maildir, as a mail server does."""
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir()
    head = f"Delivered-To: linkup@localhost\nX-Original-To: {sender}\n".encode()
    (folder / "new" / "1.host").write_bytes(head + failure_report(address))
    printed = stack.run_manage_command("receive_mail", "--maildir", str(folder))
    assert printed.strip().endswith("1 accepted, 0 refused, 0 left")
    assert [file.name for file in (folder / "cur").iterdir()] == ["1.host:2,S"]


def test_a_bounce_stops_mail_until_the_member_has_another_address(
    stack: Stack, mailbox: Mailbox, tmp_path: Path
) -> None:
    carol, lmtp, maildir = addresses = [f"{name}@example.org" for name in NAMES]
    senders = notify(stack, mailbox, "first", *addresses)
    assert len(set(senders.values())) == 3
    assert all(sender.endswith(f"@{DOMAIN}") for sender in senders.values())

    return_by_lmtp(stack, senders[lmtp], lmtp)
    return_by_pipe(stack, senders[carol], carol)
    return_by_maildir(stack, senders[maildir], maildir, tmp_path)
    notify(stack, mailbox, "second")
    assert [subjects_for(mailbox, address) for address in addresses] == [["first"]] * 3

    with Visitor(stack) as visitor:
        visitor.sign_in("carol", PASSWORD)
        assert f"Mail to {carol} cannot be delivered" in visitor.get("/accounts/email/").text
        visitor.submit_form("/accounts/reauthenticate/", password=PASSWORD)
        visitor.submit_form("/accounts/email/", email="carol@new.example", action_add="")
        message = mailbox.wait_for("carol@new.example")
        visitor.submit_form("/" + link_in(message, "confirm-email").split("/", 3)[3])
        assert "cannot be delivered" not in visitor.get("/accounts/email/").text
    notify(stack, mailbox, "third", "carol@new.example")

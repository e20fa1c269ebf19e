"""An answer by mail, all for real: the mail of the site, the reply of a mail program, `manage.py receive_mail`."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import pytest

from scripts.programs import ROOT
from scripts.stack import Stack
from scripts.visitor import Visitor
from tests.e2e.mailbox import Mailbox, text_of

from .people import PASSWORD, make_people

DOMAIN = "reply.example.org"
QUESTION = "When do we meet on Monday?"
ANSWER = "At nine, at the north door."


@pytest.fixture
def mailbox(stack: Stack) -> Iterator[Mailbox]:
    """The mail server of the stack, whose mails can be answered during the test."""
    mailbox = Mailbox()
    mailbox.start()
    former = restart_with(stack, {"REPLY_DOMAIN": DOMAIN, "EMAIL_PORT": str(mailbox.port)})
    yield mailbox
    restart_with(stack, former)
    mailbox.stop()


def restart_with(stack: Stack, variables: Mapping[str, str]) -> dict[str, str]:
    """Start gunicorn and the worker with other variables; return the former ones."""
    former = {name: stack.environment.get(name, "") for name in variables}
    for server in (stack.web, stack.work):
        assert server
        assert server.environment
        server.environment.update(variables)
        server.stop()
        server.start()
    return former


def receive_mail(stack: Stack, recipient: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
    """Give a message to the command as Postfix does, on standard input, with the recipient as a variable."""
    return subprocess.run(
        [sys.executable, "manage.py", "receive_mail"],
        cwd=ROOT,
        env={**stack.environment, "REPLY_DOMAIN": DOMAIN, "ORIGINAL_RECIPIENT": recipient},
        input=content,
        capture_output=True,
        check=False,
    )


def reply_to(question: EmailMessage, sender: str, text: str) -> bytes:
    """The reply that a mail program writes, with the quotation below the text."""
    reply = EmailMessage()
    reply["From"], reply["To"] = sender, question["Reply-To"]
    reply["Subject"] = f"Re: {question['Subject']}"
    reply["Message-ID"] = "<reply1@mail.example.org>"
    reply["In-Reply-To"] = reply["References"] = question["Message-ID"]
    quotation = "\n".join(f"> {line}" for line in text_of(question).splitlines())
    introduction = f"On Mon, 30 Nov 2026 at 15:04, LinkUp\n<{question['Reply-To']}> wrote:"
    reply.set_content(f"{text}\n\nAlice\n-- \nSent from a train\n\n{introduction}\n\n{quotation}\n")
    return reply.as_bytes()


def test_an_answer_by_mail_is_in_the_conversation_once(stack: Stack, mailbox: Mailbox) -> None:
    # Members who get no other mail of the shared stack.
    make_people(stack, ("asker", "answerer"))
    with Visitor(stack) as asker:
        asker.sign_in("asker", PASSWORD)
        conversation = asker.submit_form("/messages/to/answerer/", text=QUESTION).header("Location")
        question = mailbox.wait_for("answerer@example.org", subject="wrote to you", seconds=60)
        assert str(question["Reply-To"]).endswith(f"@{DOMAIN}")
        assert "write above this line" in text_of(question)
        address = str(question["Reply-To"])
        foreign = receive_mail(stack, address, reply_to(question, "Alice <eve@example.org>", "Not me."))
        assert foreign.returncode == os.EX_DATAERR
        answer = reply_to(question, "Alice <answerer@example.org>", ANSWER)
        with ThreadPoolExecutor(2) as pool:
            at_once = list(pool.map(lambda _turn: receive_mail(stack, address, answer), range(2)))
        for received in (*at_once, receive_mail(stack, address, answer)):
            assert received.returncode == 0, received.stderr
        page = asker.get(conversation).text
    assert page.count(f"<p>{ANSWER}") == 1
    assert "Not me." not in page
    assert "Sent from a train" not in page
    assert "write above this line" not in page
    assert len(mailbox.sent_to("answerer@example.org")) == 1

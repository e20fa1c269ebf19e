"""`manage.py receive_mail`: receive bounces and replies from the mail server of the machine."""

import asyncio
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.inbound_mail import MAX_BYTES, Outcome, receive_message
from core.inbound_mail.lmtp import serve_lmtp
from core.inbound_mail.maildir import receive_maildir

# Set by Postfix (pipe, local) and Exim for a program that they give mail to.
RECIPIENT_VARIABLES = ("ORIGINAL_RECIPIENT", "RECIPIENT")


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Receive mail to addresses that LinkUp has signed: one message on standard input, the new messages of a "
        "Maildir, or by LMTP on a port of 127.0.0.1 until it is stopped. See docs/MAIL.md."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--recipient", default="", help="the address of the envelope")
        ways = parser.add_mutually_exclusive_group()
        ways.add_argument("--maildir", type=Path, metavar="PATH")
        ways.add_argument("--lmtp", type=int, metavar="PORT")

    def handle(
        self, *args: Any, recipient: str, maildir: Path | None, lmtp: int | None, **options: Any
    ) -> None:
        if lmtp is not None:
            asyncio.run(serve_lmtp(lmtp, started=self._announce_port))
        elif maildir is not None:
            self._receive_maildir(maildir, recipient)
        else:
            self._receive_standard_input(recipient)

    def _announce_port(self, port: int) -> None:
        self.stdout.write(f"LMTP on 127.0.0.1:{port}")
        self.stdout.flush()

    def _receive_maildir(self, path: Path, recipient: str) -> None:
        try:
            counts = receive_maildir(path, recipient)
        except OSError as error:
            raise CommandError(f"{path} is no Maildir that can be changed: {error.strerror}") from error
        self.stdout.write(", ".join(f"{number} {name}" for name, number in counts.items()))

    def _receive_standard_input(self, recipient: str) -> None:
        """Receive one message; a refusal ends with a code of sysexits.h, from which the mail server makes its own."""
        recipient = recipient or next(filter(None, map(os.environ.get, RECIPIENT_VARIABLES)), "")
        outcome = receive_message(recipient=recipient, content=sys.stdin.buffer.read(MAX_BYTES + 1))
        if not outcome.is_accepted:
            self.stderr.write(f"{outcome.status} {outcome.text}", style_func=str)
            sys.exit(exit_code(outcome))


def exit_code(outcome: Outcome) -> int:
    """Return the code of sysexits.h: EX_TEMPFAIL, EX_NOUSER or EX_DATAERR."""
    if outcome.is_temporary:
        return os.EX_TEMPFAIL
    return os.EX_NOUSER if outcome.status.startswith("5.1.") else os.EX_DATAERR

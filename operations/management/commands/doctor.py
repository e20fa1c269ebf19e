"""`manage.py doctor`: check everything that LinkUp depends on, and say what to do about problems."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ...doctor import CHECKS, Verdict, collect_findings, mail_checks


class Command(BaseCommand):
    """One line for each finding; the exit code is 0 when nothing failed, 1 otherwise."""

    help = "Examine settings, database, migrations, Redis, storage, mail, clock, disk, nginx, certificate and versions."
    # They are one of the checks: a problem there must not keep the others from running.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """`--mail` looks at mail alone, and closer."""
        parser.add_argument(
            "--mail",
            action="store_true",
            help="Examine mail alone: a message, the mail server, SPF, DKIM, DMARC, PTR. Nothing is sent.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the findings, each problem with its hint below it."""
        paint = {
            Verdict.OK: self.style.SUCCESS,
            Verdict.WARNING: self.style.WARNING,
            Verdict.FAILURE: self.style.ERROR,
        }
        worst = Verdict.OK
        for finding in collect_findings(mail_checks() if options["mail"] else CHECKS):
            worst = max(worst, finding.verdict)
            word = paint[finding.verdict](f"{finding.verdict.label:<8}")
            self.stdout.write(f"{word} {finding.subject:<12} {finding.text}")
            if finding.hint:
                self.stdout.write(f"{'':<22}→ {finding.hint}")
        if worst is Verdict.FAILURE:
            sys.exit(1)

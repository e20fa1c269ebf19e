"""`manage.py doctor`: examine everything that LinkUp leans on, and say what to do where something is wrong."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from ...doctor import QUESTIONS, Verdict, examine


class Command(BaseCommand):
    """One line for each finding; the exit code is 0 when nothing failed, 1 otherwise."""

    help = "Examine settings, database, migrations, Redis, storage, mail, clock, disk, nginx, certificate and versions."
    # The checks are one of the questions: a fault there must not keep the others from being asked.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the findings; what is wrong with its cure below it."""
        paint = {
            Verdict.OK: self.style.SUCCESS,
            Verdict.WARNING: self.style.WARNING,
            Verdict.FAILURE: self.style.ERROR,
        }
        worst = Verdict.OK
        for finding in examine(QUESTIONS):
            worst = max(worst, finding.verdict)
            word = paint[finding.verdict](f"{finding.verdict.word:<8}")
            self.stdout.write(f"{word} {finding.subject:<12} {finding.text}")
            if finding.cure:
                self.stdout.write(f"{'':<22}→ {finding.cure}")
        if worst is Verdict.FAILURE:
            sys.exit(1)

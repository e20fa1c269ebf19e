"""`manage.py drain`: make load balancers stop sending requests before the servers stop. `--off` undoes it."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.observability.drain import drain_file


class Command(BaseCommand):
    """Create the drain file, and wait until load balancers have seen the 503 of `/readiness/`."""

    help = "Make /readiness/ return 503, then wait DRAIN_SECONDS, so that a load balancer stops sending requests."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add `--off` and `--seconds`."""
        parser.add_argument("--off", action="store_true", help="become ready again")
        parser.add_argument("--seconds", type=float, help="wait this long instead of DRAIN_SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create or delete the drain file. Raises CommandError without a DRAIN_FILE, as in development."""
        path = drain_file()
        if path is None:
            raise CommandError("There is no DRAIN_FILE in these settings; use the production settings.")
        if options["off"]:
            path.unlink(missing_ok=True)
            return
        # In a new container the folder may be missing.
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        seconds = options["seconds"]
        time.sleep(getattr(settings, "DRAIN_SECONDS", 0) if seconds is None else max(0.0, seconds))

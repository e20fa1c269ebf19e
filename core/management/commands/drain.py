"""`manage.py drain`: send visitors elsewhere before the servers stop. `--off` takes it back."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.observability.drain import drain_file


class Command(BaseCommand):
    """Write the drain file, and wait until load balancers have seen the 503 of `/readiness/`."""

    help = "Make /readiness/ answer 503, then wait DRAIN_SECONDS, so that a load balancer stops sending visitors."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--off`, and the seconds for this once."""
        parser.add_argument("--off", action="store_true", help="be ready again")
        parser.add_argument("--seconds", type=float, help="wait so long instead of DRAIN_SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where no DRAIN_FILE is configured, as in development."""
        path = drain_file()
        if path is None:
            raise CommandError("There is no DRAIN_FILE in these settings; only production drains.")
        if options["off"]:
            path.unlink(missing_ok=True)
            return
        # In a container the folder may be as new as the container.
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        seconds = options["seconds"]
        time.sleep(getattr(settings, "DRAIN_SECONDS", 0) if seconds is None else max(0.0, seconds))

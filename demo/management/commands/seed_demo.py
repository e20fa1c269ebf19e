"""Fills a development database with the demo network."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo import seed
from demo.people import PASSWORD


class Command(BaseCommand):
    """See `help`."""

    help = "Make the demo network: 60 members and 200 posts; where it is already, nothing is done."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="say it aloud: twice is once (it always is)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO_NETWORK:
            raise CommandError(
                "seed_demo refuses: the passwords of the demo members are public, so they belong into a "
                "development or test database only (DJANGO_ENVIRONMENT=development)."
            )
        if seed.demo_exists():
            self.stdout.write("The demo network is here already; nothing was changed.")
            return
        self.stdout.write("Making a small demo network, this takes a few seconds …")
        seed.create_demo_network(log=lambda words: self.stdout.write(f"  {words}"))
        self.stdout.write(f"Sign in as alice, bob, charlie, mona or admin with the password {PASSWORD}.")

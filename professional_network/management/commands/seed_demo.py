"""Fills a development database with the demo network, or with a crowd for benches."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from professional_network.demo import crowd, seed
from professional_network.demo.people import PASSWORD


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Make the demo network: 60 members and 200 posts; where it is already, nothing is done. "
        "With --members and --posts: a crowd for benches instead."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="say it aloud: twice is once (it always is)")
        parser.add_argument(
            "--members", type=int, metavar="N", help="a crowd of N members, one of them `bench`"
        )
        parser.add_argument(
            "--posts", type=int, metavar="N", help="N posts of the crowd, each with responses"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO_NETWORK:
            raise CommandError(
                "seed_demo refuses: the passwords of the demo members are public, so they belong into a "
                "development or test database only (DJANGO_ENVIRONMENT=development)."
            )
        if options["members"] is None and options["posts"] is None:
            self._demo_network()
        else:
            self._crowd(options["members"], options["posts"])

    def _demo_network(self) -> None:
        if seed.is_here():
            self.stdout.write("The demo network is here already; nothing was changed.")
            return
        self.stdout.write("Making a small demo network, this takes a few seconds …")
        seed.make_demo_network(say=self._say)
        self.stdout.write(f"Sign in as alice, bob, charlie, mona or admin with the password {PASSWORD}.")

    def _crowd(self, members: int | None, posts: int | None) -> None:
        if members is None or posts is None or members < crowd.FEWEST or posts < 0:
            raise CommandError(f"Give both: --members (at least {crowd.FEWEST}) and --posts.")
        try:
            crowd.make(members=members, posts=posts, say=self._say)
        except crowd.NotTheSameCrowd as error:
            raise CommandError(f"{error}; use an empty database for another one.") from error
        self.stdout.write(f"Sign in as {crowd.BENCH} with the password {PASSWORD}.")

    def _say(self, words: str) -> None:
        self.stdout.write(f"  {words}")

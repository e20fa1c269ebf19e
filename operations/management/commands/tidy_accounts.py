"""Removes accounts that were never confirmed, expired sessions, and former addresses; for a timer."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from users.accounts.abandoned_accounts import (
    abandoned_accounts,
    delete_abandoned_accounts,
    delete_expired_sessions,
)
from users.accounts.email_addresses import delete_expired_former_addresses


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Remove the accounts whose address was never confirmed within UNCONFIRMED_ACCOUNT_DAYS and that hold nothing, "
        "so that their names are free again; sessions that have expired; and former addresses that can no longer be "
        "restored. Run it once a day. Two at once do no harm, and running it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say which accounts would go, and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            names = list(abandoned_accounts().values_list("username", flat=True))
            self.stdout.write("\n".join([*names, f"{len(names)} accounts would be removed."]))
            return
        accounts, sessions = delete_abandoned_accounts(), delete_expired_sessions()
        addresses = delete_expired_former_addresses()
        self.stdout.write(
            f"{accounts} unconfirmed accounts, {sessions} expired sessions, {addresses} former addresses were removed."
        )

"""Periodic tasks that remove what has expired. Imported in UsersConfig.ready, which registers them."""

from datetime import timedelta

from core.tasks import periodic

from .accounts.abandoned_accounts import delete_abandoned_accounts, delete_expired_sessions
from .accounts.email_addresses import delete_expired_former_addresses


@periodic("users.tidy_accounts", every=timedelta(days=1), offset=timedelta(hours=4, minutes=10), seconds=900)
def tidy_accounts() -> None:
    """Remove accounts that were never confirmed, and former addresses, as `manage.py tidy_accounts`."""
    delete_abandoned_accounts()
    delete_expired_former_addresses()


@periodic("users.delete_expired_sessions", every=timedelta(hours=6), seconds=600)
def remove_expired_sessions() -> None:
    """Remove expired sessions."""
    delete_expired_sessions()

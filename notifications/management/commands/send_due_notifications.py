"""Sends the mail that waited; for a timer."""

import logging
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from core.outgoing_mail import deliver_due
from notifications.mailing import members_with_due_mail, send_due

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Send the mail about notifications that waited for the end of quiet hours, or for its reader to leave; one "
        "mail for each member. Run it every few minutes. Two at once do no harm."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        sent = 0
        for member in members_with_due_mail(timezone.now()):
            try:
                sent += send_due(member_id=member)
            except Exception:
                # One member's mail must not keep those of all others; it is tried again next time.
                logger.exception("the mail to member %d could not be made", member)
        # What waits for the mail server leaves here as well, should no server process be there to send it.
        while deliver_due():
            pass
        self.stdout.write(f"{sent} mails were sent.")

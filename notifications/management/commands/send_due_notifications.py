"""Command that sends due notification mail; run by a timer."""

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
        "Send the notification mail that is due, such as after quiet hours; one mail for each member. Run it every few "
        "minutes. Two runs at once do no harm."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        sent = 0
        for member in members_with_due_mail(timezone.now()):
            try:
                sent += send_due(member_id=member)
            except Exception:
                # One failure must not stop the mails to other members; it is tried again next time.
                logger.exception("the mail to member %d could not be sent", member)
        # Queued mail is sent here as well, in case no server process is running to send it.
        while deliver_due():
            pass
        self.stdout.write(f"{sent} mails were sent.")

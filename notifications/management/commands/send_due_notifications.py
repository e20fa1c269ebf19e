"""Command that sends due notification mail now, in place of the periodic task."""

from typing import Any

from django.core.management.base import BaseCommand

from core.outgoing_mail import deliver_due
from notifications.mailing import send_all_due


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Send the notification mail that is due, such as after quiet hours, and the mail that waits for the mail "
        "server. Workers do so every minute; two runs at once do no harm."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        sent = send_all_due()
        # Queued mail is sent here as well, in case no worker is running to send it.
        while deliver_due():
            pass
        self.stdout.write(f"{sent} mails were sent.")

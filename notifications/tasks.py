"""Background tasks. Imported in NotificationsConfig.ready, which registers them."""

from datetime import timedelta

from core.tasks import periodic, task

from .mailing import send_all_due, send_due


# Each member's mail is one transaction, which marks what it sent: a second run sends the rest.
@task("notifications.mail", is_atomic=False)
def send_due_mails(*, members: list[int]) -> None:
    """Send each member's due mail."""
    for member in members:
        send_due(member_id=member)


@periodic("notifications.send_waiting_mails", every=timedelta(minutes=1), seconds=300)
def send_waiting_mails() -> None:
    """Send the mail that waited for the end of quiet hours, or for the member to look."""
    send_all_due()

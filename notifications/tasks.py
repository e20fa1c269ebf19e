"""Background tasks. Imported in NotificationsConfig.ready, which registers them."""

from core.tasks import task

from .mailing import send_due


@task("notifications.mail")
def send_due_mails(*, members: list[int]) -> None:
    """Send each member's due mail."""
    for member in members:
        send_due(member_id=member)

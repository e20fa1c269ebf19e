"""Work after the commit. Imported in NotificationsConfig.ready, which registers it."""

from core.tasks import task

from .mailing import send_due


@task("notifications.mail")
def mail(*, members: list[int]) -> None:
    """Send to each of the members what is due."""
    for member in members:
        send_due(member_id=member)

"""Work after the commit. Imported in NotificationsConfig.ready, which registers it."""

from core.tasks import task

from .mailing import send_due

# Each mail is a conversation with a mail server: one comment that names fifty must not wait for fifty of them. The
# others leave with `manage.py send_due_notifications`.
AT_ONCE = 10


@task("notifications.mail")
def mail(*, members: list[int]) -> None:
    """Send to each of the members what is due."""
    for member in members[:AT_ONCE]:
        send_due(member_id=member)

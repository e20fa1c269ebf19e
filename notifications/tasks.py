"""Work after the commit. Imported in NotificationsConfig.ready, which registers it."""

from time import monotonic

from core.tasks import task

from .mailing import send_due

# Each mail is a conversation with a mail server: one comment that names fifty must not wait for fifty of them. The
# others leave with `manage.py send_due_notifications`.
AT_ONCE = 10
# Nor for one that hangs: after so many seconds the rest is left to them, too.
PATIENCE = 3.0


@task("notifications.mail")
def mail(*, members: list[int]) -> None:
    """Send to each of the members what is due, as far as the mail server is quick."""
    until = monotonic() + PATIENCE
    for member in members[:AT_ONCE]:
        if monotonic() > until:
            return
        send_due(member_id=member)

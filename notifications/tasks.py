"""Background tasks. Imported in NotificationsConfig.ready, which registers them."""

from datetime import datetime, timedelta
from typing import Any

from core.tasks import periodic, task
from users.models import User

from .drafts import load_drafts
from .mailing import send_all_due, send_due
from .services import NOTIFY_TASK, store_notifications


@task(NOTIFY_TASK)
def store_packed_notifications(*, actor: int, drafts: list[dict[str, Any]], done_at: str) -> None:
    """Notify the members of what `actor` did at `done_at`, unless it was undone; a second run adds nothing."""
    user = User.objects.get(pk=actor)
    found = load_drafts(drafts, actor=user, done_at=datetime.fromisoformat(done_at))
    store_notifications(actor=user, drafts=found)


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

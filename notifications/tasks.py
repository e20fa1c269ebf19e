"""Background tasks. Imported in NotificationsConfig.ready, which registers them."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core.tasks import enqueue_on_commit, periodic, task
from users.models import User

from .digest.mailing import is_any_due, may_send, send_batch
from .drafts import load_drafts
from .mailing import send_all_due, send_due
from .services import NOTIFY_TASK, add_missing_digest_schedules, store_notifications


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


# Under this key at most one waits for its turn, so that no more are at work than workers are free.
DIGESTS = "notifications.send_digests"
# How long digests wait for the mail server when much mail waits for it already.
PAUSE = timedelta(seconds=5)


# Each digest is one transaction, which moves its time on: a second run sends the rest.
@task(DIGESTS, is_atomic=False)
def send_digests() -> None:
    """Send a batch of the digests that are due; the rest is sent after other tasks."""
    if not may_send():
        enqueue_on_commit(DIGESTS, key=DIGESTS, due_at=timezone.now() + PAUSE)
    elif send_batch():
        enqueue_on_commit(DIGESTS, key=DIGESTS)


@periodic("notifications.start_digests", every=timedelta(minutes=1))
def start_digests() -> None:
    """Send digests that have become due, or that a killed process has left."""
    if is_any_due(timezone.now()):
        enqueue_on_commit(DIGESTS, key=DIGESTS)


@periodic("notifications.add_digest_schedules", every=timedelta(hours=1), seconds=300)
def add_digest_schedules() -> None:
    """Give new members the default digest."""
    add_missing_digest_schedules()

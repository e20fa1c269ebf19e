"""Helpers of the tests of notifications: page texts, sent mails and socket frames."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from core.models import QueuedTask
from core.sockets.frames import (
    Event,
    Frame,
    TabState,
    event_renderers,
    frame_handlers,
    heartbeat_parts,
    openers,
)
from core.tasks.execution import execute_task
from messaging.presence import touch
from notifications.display.notification_view import build_views
from notifications.models import Notification
from notifications.services import NOTIFY_TASK
from users.models import User

Commit = Callable[..., AbstractContextManager[Any]]

HOSTILE = "<script>alert('x')</script>\r\nBcc: everybody@example.org {who} %s %(who)s"
LINK = re.compile(r"http://localhost:8000(/[^\s\"<>]*)")


def page_texts(member: User) -> list[str]:
    """The sentences on the member's page, the latest first."""
    return [
        view.text
        for view in build_views(list(Notification.objects.visible_to(member).order_by("-sort_key")), member)
    ]


def row_of(member: User) -> Notification:
    """The member's only notification, visible or not."""
    return Notification.objects.get(recipient=member)


def run_notification_tasks() -> None:
    """Execute the tasks that notify many members. In a test without commits they wait in the table."""
    for pk in QueuedTask.objects.filter(name=NOTIFY_TASK).values_list("pk", flat=True):
        execute_task(pk)


def mark_visible(member: User) -> None:
    """Mark the member as having a page in view now."""
    touch([member.pk])


def take_mails() -> list[EmailMultiAlternatives]:
    """Return and clear the mails sent since the last call."""
    sent = list(mail.outbox)
    mail.outbox.clear()
    assert all(isinstance(message, EmailMultiAlternatives) for message in sent)
    return [message for message in sent if isinstance(message, EmailMultiAlternatives)]


def stop_link(message: EmailMultiAlternatives) -> str:
    """The path of the mail's unsubscribe link."""
    found = LINK.search(message.extra_headers["List-Unsubscribe"])
    assert found
    return found[1]


def page_of(client: Client, address: str = "/notifications/", status: int = 200, **options: object) -> str:
    response = client.get(address, **options)  # type: ignore[arg-type]
    assert response.status_code == status, response.content[:300]
    return response.content.decode()


def frames_of(tab: TabState, event: Event) -> list[Frame]:
    """The frames that a tab gets for an event."""
    return [frame for render in event_renderers[str(event["type"])] for frame in render(tab, event) or ()]


def send(tab: TabState, **frame: object) -> list[Frame]:
    """The frames that a tab gets in response to a frame."""
    return [answer for handle in frame_handlers[str(frame["type"])] for answer in handle(tab, frame) or ()]


def opening_frames(tab: TabState) -> list[Frame]:
    return [frame for opener in openers for frame in opener(tab) or ()]


def heartbeat_counts(*tabs: TabState) -> dict[TabState, int]:
    return {tab: int(values["unread"]) for tab, values in heartbeat_parts["notifications"](tabs).items()}

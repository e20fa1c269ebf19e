"""Every mail that the product sends, sent by the code that sends it."""

from collections.abc import Callable
from datetime import time, timedelta
from uuid import uuid4

from allauth.account.adapter import get_adapter
from django.utils import timezone

from network.models import Connection, Follow
from notifications import services
from notifications.kinds import Channel, Kind
from notifications.mailing import TEMPLATE as NOTIFICATIONS
from notifications.mailing import send_due
from notifications.models import Notification, QuietHours
from notifications.replies.refusals import TEMPLATE as REPLY_REFUSED
from notifications.replies.refusals import RefusedReply, mail_refusal
from notifications.replies.reply_addresses import ReplyTarget, TargetKind
from notifications.tests.test_mail_texts import ACTS
from users.accounts.email_addresses import change_address, send_address_check
from users.accounts.mail_templates import ADDRESS_CHECK, ALLAUTH_MAILS, EMAIL_CHANGED
from users.models import User

PAGE = "http://localhost:8000/accounts/page/6e1-c2b0f4a2/"
# What allauth gives to its templates.
ACCOUNT_CONTEXT = {
    "activate_url": PAGE,
    "password_reset_url": PAGE,
    "signup_url": PAGE,
    "deleted_email": "new@example.org",
    "ip": "192.0.2.7",
    "user_agent": "Firefox",
}


def send_account_mail(name: str, member: User) -> None:
    """Send one of allauth's mails to the member; the one for strangers to an address without account."""
    address = "stranger@example.org" if name == "unknown_account" else member.email
    context = {**ACCOUNT_CONTEXT, "timestamp": timezone.now(), "user": member}
    get_adapter().send_mail(f"account/email/{name}", address, context)


def send_notification_mail(acts: list[Callable[[], object]], member: User) -> None:
    """Do `acts`, among strangers, while the member has quiet hours, then send one mail about all of them."""
    for model in (Notification, Connection, Follow):
        model.objects.all().delete()
    services.set_preferences(member=member, choices={(kind, Channel.MAIL): True for kind in Kind})
    services.set_quiet_hours(member=member, start=time(0), end=time(23, 59, 59), zone="UTC")
    for act in acts:
        act()
    QuietHours.objects.all().delete()
    Notification.objects.update(mail_due_at=timezone.now() - timedelta(minutes=1))
    send_due(member_id=member.pk)


def sample_senders(member: User, other: User) -> dict[str, list[Callable[[], object]]]:
    """For each template of the product, functions that send mails from it; `other` acts on `member`."""
    samples: dict[str, list[Callable[[], object]]] = {
        f"account/email/{name}": [lambda name=name: send_account_mail(name, member)]  # type: ignore[misc]
        for name in ALLAUTH_MAILS
    }
    samples[EMAIL_CHANGED] = [
        lambda: change_address(user=member, email="new@example.org"),
        lambda: change_address(user=member, email="newer@example.org", is_final=True),
    ]
    samples[ADDRESS_CHECK] = [lambda: send_address_check(user=member)]
    kinds = [kind for kind in Kind if kind is not Kind.INVITATION]
    acts = {kind: (lambda kind=kind: ACTS[kind](member, other)) for kind in Kind}
    samples[NOTIFICATIONS] = [
        *[lambda kind=kind: send_notification_mail([acts[kind]], member) for kind in Kind],
        lambda: send_notification_mail([acts[kind] for kind in kinds], member),
    ]
    samples[REPLY_REFUSED] = [
        lambda kind=kind: mail_refusal(  # type: ignore[misc]
            RefusedReply(
                member=member,
                target=ReplyTarget(member.pk, kind, 1, 1),
                client_id=uuid4(),
                message_id="<a1@example.org>",
                reason="Attachments cannot be sent by mail. Add them on the page.",
                text="See the plan.\n\nAlice",
            )
        )
        for kind in TargetKind
    ]
    return samples

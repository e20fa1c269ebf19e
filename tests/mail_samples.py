"""Every mail that the product sends, sent by the code that sends it."""

from collections.abc import Callable
from datetime import time, timedelta
from uuid import uuid4

from allauth.account.adapter import get_adapter
from django.utils import timezone

from feed.tests.factories import answer, say
from network.models import Connection, Follow
from network.services import follow_member, invite_member
from notifications import services
from notifications.digest.mailing import TEMPLATE as DIGEST
from notifications.digest.mailing import send_batch
from notifications.kinds import Channel, Kind
from notifications.mailing import TEMPLATE as NOTIFICATIONS
from notifications.mailing import send_due
from notifications.models import Notification, QuietHours
from notifications.replies.refusals import TEMPLATE as REPLY_REFUSED
from notifications.replies.refusals import RefusedReply, mail_refusal
from notifications.replies.reply_addresses import ReplyTarget, TargetKind
from notifications.tests.digests import add_school, make_due, make_schoolmate
from notifications.tests.test_mail_texts import ACTS, write
from tests.cast import connect, make_member
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


def send_digest_mail(member: User, other: User) -> None:
    """Send a digest with every section; `other` is in most of them."""
    for model in (Notification, Connection, Follow):
        model.objects.all().delete()
    with services.without_delivery():
        fill_digest(member, other)
    make_due(member)
    send_batch()


def fill_digest(member: User, other: User) -> None:
    """Do what the digest of `member` is about."""
    add_school(member)
    amira = make_member("amira", name="Amira Haddad", headline="Port planner at Harbour Works")
    connect(member, amira)
    follow_member(follower=member, followed=other)
    for author, text, answers in [
        (other, "The **new quay** opens on Saturday: who comes along, and who brings the boat?", 3),
        (amira, "What we learned from ten years of tide tables", 1),
    ]:
        post = say(author, text)
        for _number in range(answers):
            answer(post, amira if author is other else other)
    note = "We met at the fair in Graz, at the stand with the model ships."
    invite_member(inviter=other, invitee=member, note=note)
    write(member, other)
    make_schoolmate("ben", name="Ben Okafor", headline="Naval architect")
    headline = "Student of hydraulic engineering, from September in Trieste"
    make_schoolmate("chiara", name="Chiara Rossi", headline=headline)
    long_ago = timezone.now() - timedelta(days=99)
    dora = make_member("dora", name="Dora Weiß", headline="Harbour master", joined_at=long_ago)
    connect(amira, dora)


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
    samples[DIGEST] = [lambda: send_digest_mail(member, other)]
    return samples

"""Every mail of the product: its class, the headers that follow from it, its subject and its thread."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.core import mail as outgoing
from django.core.cache import cache
from django.test import override_settings

from core.mail import MailClass, Subscription, send_mail
from core.mail_headers import LONGEST_SUBJECT, declared_mail, shorten_subject
from core.models import OutgoingMail
from core.tests.mail_server import MailServer, mail_server
from feed.tests.factories import answer, react, say
from notifications.kinds import Kind
from notifications.replies.refusals import TEMPLATE as REPLY_REFUSED
from notifications.tests.test_mail_texts import ACTS
from scripts.programs import ROOT
from tests.cases import all_cases, rolled_back
from tests.mail_samples import sample_senders, send_notification_mail
from users.accounts.mail_templates import ADDRESS_CHECK, EMAIL_CHANGED
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "Maximiliana-Alexandrina von und zu Hohenlohe-Waldenburg-Schillingsfürst zu Berg"
OF_LISTS = {"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"}

# Every builder of mail and its class: whoever adds a mail decides here what it is.
CLASSES = {
    "account/email/account_already_exists": MailClass.TRANSACTIONAL,
    ADDRESS_CHECK: MailClass.TRANSACTIONAL,
    EMAIL_CHANGED: MailClass.TRANSACTIONAL,
    "account/email/email_confirmation": MailClass.TRANSACTIONAL,
    "account/email/email_confirmation_signup": MailClass.TRANSACTIONAL,
    "account/email/email_deleted": MailClass.TRANSACTIONAL,
    "account/email/new_sign_in": MailClass.TRANSACTIONAL,
    "account/email/password_changed": MailClass.TRANSACTIONAL,
    "account/email/password_reset": MailClass.TRANSACTIONAL,
    "account/email/password_reset_key": MailClass.TRANSACTIONAL,
    "account/email/password_set": MailClass.TRANSACTIONAL,
    "account/email/unknown_account": MailClass.TRANSACTIONAL,
    "notifications/mail/digest": MailClass.BULK,
    "notifications/mail/notifications": MailClass.NOTIFICATION,
    REPLY_REFUSED: MailClass.TRANSACTIONAL,
}
# The mails that answer a mail say so (RFC 3834).
ANSWERS = {REPLY_REFUSED}


def sent_mails() -> Iterator[EmailMessage]:
    """The messages sent since the last call, as a receiver parses them."""
    for message in outgoing.outbox:
        yield message_from_bytes(message.message().as_bytes(), policy=policy.default)
    outgoing.outbox.clear()


def test_every_template_of_a_mail_has_its_class_and_a_sample(alice: User, charlie: User) -> None:
    found = {
        path.as_posix().partition("/templates/")[2].removesuffix("_subject.txt")
        for path in ROOT.glob("*/templates/**/*_subject.txt")
    }
    declared = {name: kind for name, kind in declared_mail().items() if name != "hello"}
    assert found == set(CLASSES)
    assert declared == CLASSES
    assert set(sample_senders(alice, charlie)) == found


def test_each_mail_has_the_headers_of_its_class_and_a_short_subject(alice: User, charlie: User) -> None:
    User.objects.filter(pk__in=[alice.pk, charlie.pk]).update(name=LONG)
    alice.refresh_from_db()
    charlie.refresh_from_db()
    ids = set()
    with all_cases() as case:
        for template, senders in sample_senders(alice, charlie).items():
            for send in senders:
                cache.clear()  # the limits of mail to one mailbox
                send()
                (message,) = [sent for sent in sent_mails() if sent["To"] != charlie.email]
                with case(f"{template} {message['Subject']}"):
                    has_list = CLASSES[template] is not MailClass.TRANSACTIONAL
                    assert (
                        message["Auto-Submitted"]
                        == f"auto-{'replied' if template in ANSWERS else 'generated'}"
                    )
                    assert OF_LISTS & set(message.keys()) == (OF_LISTS if has_list else set())
                    assert ("Precedence" in message) == (CLASSES[template] is MailClass.BULK)
                    assert re.fullmatch(r"<[0-9a-f]{24}@localhost>", message["Message-ID"])
                    assert len(str(message["Subject"])) <= LONGEST_SUBJECT
                    ids.add(message["Message-ID"])
    assert len(ids) == sum(map(len, sample_senders(alice, charlie).values()))


def test_a_list_is_named_after_the_kind_and_the_host(alice: User, charlie: User) -> None:
    with override_settings(SITE_URL="https://network.example.org:8443"):
        send_notification_mail([lambda: ACTS[Kind.COMMENT](alice, charlie)], alice)
    (message,) = sent_mails()
    assert message["List-Id"] == "<comment.notifications.network.example.org>"
    assert re.fullmatch(r"comment\.notifications:notification:linkup:[0-9a-f]{12}", message["Feedback-ID"])
    assert (
        str(message["List-Unsubscribe"])
        .strip()
        .startswith("<https://network.example.org:8443/notifications/")
    )


def test_mails_about_one_post_or_conversation_form_a_thread(alice: User, charlie: User) -> None:
    first, second = say(alice), say(alice)
    acts = [
        [lambda: answer(first, charlie)],
        [lambda: react(first, charlie)],
        [lambda: answer(second, charlie)],
        [lambda: answer(first, charlie), lambda: react(first, charlie)],
        [lambda: answer(first, charlie), lambda: answer(second, charlie)],
        [lambda: ACTS[Kind.FOLLOW](alice, charlie)],
        [lambda: ACTS[Kind.MESSAGE](alice, charlie)],
    ]
    roots = []
    for each in acts:
        with rolled_back():
            send_notification_mail(each, alice)  # type: ignore[arg-type]
            (row,) = OutgoingMail.objects.all()
            assert row.headers.get("References") == row.headers.get("In-Reply-To")
            roots.append(str(row.headers.get("References", "")))
    one, other = f"<post.{first.pk}@localhost>", f"<post.{second.pk}@localhost>"
    assert roots[:6] == [one, one, other, one, "", ""]
    assert re.fullmatch(r"<conversation\.\d+@localhost>", roots[6])


def test_a_mail_has_a_subscription_unless_it_is_transactional() -> None:
    subscription = Subscription("digest", "https://network.example.org/stop/")
    for mail_class, given in [
        (MailClass.TRANSACTIONAL, subscription),
        (MailClass.NOTIFICATION, None),
        (MailClass.BULK, None),
    ]:
        with pytest.raises(ValueError, match="have a subscription"):
            send_mail(to="bob@example.org", subject="x", text="x", mail_class=mail_class, subscription=given)
    send_mail(
        to="bob@example.org", subject="x", text="x", mail_class=MailClass.BULK, subscription=subscription
    )
    (message,) = sent_mails()
    assert (message["Precedence"], message["List-Id"]) == ("bulk", "<digest.localhost>")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def test_each_attempt_has_the_same_message_id_and_the_sender_of_the_envelope(server: MailServer) -> None:
    server.to_data = "451 later"
    with override_settings(
        DEFAULT_FROM_EMAIL='"Köln, Verein" <net@example.org>', MAIL_ENVELOPE_SENDER="bounces@example.org"
    ):
        send_mail(to="bob@example.org", subject="x", text="x", mail_class=MailClass.TRANSACTIONAL)
        row = OutgoingMail.objects.get()
        server.to_data = "250 OK"
        OutgoingMail.objects.update(next_attempt_at="2020-01-01T00:00Z")
        send_mail(to="eve@example.org", subject="y", text="y", mail_class=MailClass.TRANSACTIONAL)
    assert server.offered_ids[0] == server.offered_ids[1] == row.headers["Message-ID"]
    assert set(server.senders) == {"bounces@example.org"}
    assert not OutgoingMail.objects.exists()


def test_a_subject_is_cut_at_a_word() -> None:
    with all_cases() as case:
        for subject, shown in [
            ("x" * 60, "x" * 60),
            ("x" * 61, "x" * 59 + "…"),
            ("word " * 12 + "word", "word " * 11 + "word…"),
            (
                "Three posts, that your network answered most, and five other things",
                "Three posts, that your network answered most, and five…",
            ),
            (f"{'a' * 10} {'b' * 80}", f"{'a' * 10} {'b' * 48}…"),
            ("one\r\ntwo", "one two"),
        ]:
            with case(subject):
                assert shorten_subject(subject) == shown

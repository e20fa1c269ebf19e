"""Classes of mail, and the headers that follow from the class of a message."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.text import Truncator

# Lists of mails on a phone show about as many.
LONGEST_SUBJECT = 60
# Feedback-ID: the provider groups complaints by the last part, which has 5 to 15 characters.
SENDER_ID_LENGTH = 12
# RFC 3834: suppresses automatic replies such as vacation notices. Every mail has it, those of the log included.
AUTOMATIC = {"Auto-Submitted": "auto-generated"}


class MailClass(StrEnum):
    """Why a message is sent, which decides whether it can be unsubscribed from."""

    # The member did something that needs it: confirm an address, choose a password.
    TRANSACTIONAL = "transactional"
    # Something happened that concerns the member.
    NOTIFICATION = "notification"
    # The same for many, at a time that the site chooses: a digest.
    BULK = "bulk"


@dataclass(frozen=True)
class Subscription:
    """What a member can unsubscribe from: `list_name` (a-z, dots and hyphens), by a POST without signing in."""

    list_name: str
    unsubscribe_url: str


_classes: dict[str, MailClass] = {}
# Mails by which the owner of an address confirms it: they are sent to suppressed addresses, too.
_confirmations: set[str] = set()


def declare_mail(template: str, mail_class: MailClass, *, confirms_address: bool = False) -> str:
    """Declare the class of the mail that is rendered from `template`, and return `template`.

    With `confirms_address` it is sent although mail to the address has failed before: the owner asks for it.
    """
    if confirms_address:
        _confirmations.add(template)
    if _classes.get(template, mail_class) != mail_class:
        raise ValueError(f"mail template {template} is declared with two classes")
    _classes[template] = mail_class
    return template


def class_of_mail(template: str) -> MailClass:
    """Return the class of the mail of `template`; raise LookupError when it is not declared."""
    try:
        return _classes[template]
    except KeyError:
        raise LookupError(f"declare the class of the mail {template} (core.mail.declare_mail)") from None


def confirms_address(template: str) -> bool:
    """Return whether the mail of `template` confirms the address that it is sent to."""
    return template in _confirmations


def declared_mail() -> Mapping[str, MailClass]:
    """Return the classes of all declared templates."""
    return dict(_classes)


def build_headers(
    mail_class: MailClass, *, subscription: Subscription | None = None, thread: str = ""
) -> dict[str, str]:
    """Return the headers of one new message.

    The subject matter `thread` (such as "post.12") has one root id, which no message has itself: mail programs show all
    that refer to it as one thread, whichever of them arrived (RFC 5322 3.6.4). Raises ValueError when a message needs a
    subscription and has none, or the reverse.
    """
    if (subscription is None) != (mail_class is MailClass.TRANSACTIONAL):
        raise ValueError("notifications and bulk mail have a subscription, transactional mail has none")
    host = mail_host()
    headers = {
        # Stored with the message, so that each attempt repeats it and the receiver can recognise a second copy.
        "Message-ID": f"<{secrets.token_hex(12)}@{host}>",
        **AUTOMATIC,
    }
    if thread:
        root = f"<{thread}@{host}>"
        headers |= {"In-Reply-To": root, "References": root}
    if subscription is None:
        return headers
    name = subscription.list_name
    sender = hashlib.sha256(host.encode()).hexdigest()[:SENDER_ID_LENGTH]
    headers |= {
        "List-Id": f"<{name}.{host}>",  # RFC 2919
        "List-Unsubscribe": f"<{subscription.unsubscribe_url}>",  # RFC 2369
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
        "Feedback-ID": f"{name}:{mail_class}:linkup:{sender}",
    }
    if mail_class is MailClass.BULK:
        headers["Precedence"] = "bulk"
    return headers


def mail_host() -> str:
    """Return the host of the site as the right side of ids; an IPv6 address has hyphens in place of colons."""
    return (urlsplit(settings.SITE_URL).hostname or "localhost").replace(":", "-")


def shorten_subject(subject: str) -> str:
    """Return the subject in one line of at most LONGEST_SUBJECT characters, cut at a word with an ellipsis.

    Without line breaks, text of a member cannot add a header (RFC 5322 2.2).
    """
    subject = " ".join(subject.split())
    if len(subject) <= LONGEST_SUBJECT:
        return subject
    start = subject[:LONGEST_SUBJECT]
    words = start.rpartition(" ")[0].rstrip(" ,;:–-")
    # One word that is longer than half of the line is cut itself.
    if len(words) * 2 >= LONGEST_SUBJECT:
        return f"{words}…"
    return str(Truncator(subject).chars(LONGEST_SUBJECT))

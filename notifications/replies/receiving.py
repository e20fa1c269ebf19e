"""Receives answers by mail. Imported in NotificationsConfig.ready, which registers their addresses."""

import hashlib
import logging
import uuid
from email.message import Message
from email.utils import getaddresses

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext_lazy

from core.inbound_mail import ACCEPTED, InboundAddress, Outcome, inbound_recipient, refuse
from core.inbound_mail.outcomes import NO_SUCH_ADDRESS
from core.text.cleaning import has_visible_text
from network.models import Member, available_to
from users.accounts.identifiers import fold_address
from users.models import User

from .automatic_mail import is_automatic
from .body_text import find_text, has_attachments
from .cutting import TooLongReply, UnclearReply, cut_reply
from .posting import ReplyRefused, post_reply
from .refusals import RefusedReply, mail_refusal
from .reply_addresses import KIND, VALID_FOR, ReplyTarget, read_target

logger = logging.getLogger(__name__)

# A client id is the same for the same mail to the same address.
_NAMESPACE = uuid.UUID("5f0a3c1e-8f5e-4b6e-9d38-0a1b7c2d4e6f")
LONGEST_HEADER = 1000
# Python's parser calls itself for each comment in a comment.
MAX_BRACKETS = 10

_EMPTY = gettext_lazy(
    "There were no words of your own in your mail, only a quotation. Write above the quotation."
)
_UNCLEAR = gettext_lazy(
    "LinkUp could not tell your words from the quoted ones. Write all of your answer above the quotation."
)
_TOO_LONG = gettext_lazy("Your mail is too long.")
_ATTACHED = gettext_lazy("Attachments cannot be sent by mail. Add them on the page.")


@inbound_recipient(KIND, domain_setting="REPLY_DOMAIN", valid_for=VALID_FOR)
def receive_reply(message: Message, address: InboundAddress) -> Outcome:
    """Post the answer; the same mail twice is posted once.

    The member must have sent it from the confirmed address of the account: the address says where the answer belongs,
    and a mail may be forwarded with it. What cannot be posted is returned to the member, and to nobody else.
    """
    if is_automatic(message):
        logger.info("an automatic mail to an answer address is dropped")
        return ACCEPTED
    target = read_target(address)
    member = target and Member.objects.filter(available_to(AnonymousUser()), pk=target.member_id).first()
    if target is None or member is None:
        return NO_SUCH_ADDRESS
    if not _is_sent_by(message, member):
        return refuse("Answers are accepted only from the mail address of the member who got the mail.")
    text, words = find_text(message), ""
    client_id = _make_client_id(message, text, target)
    try:
        words = _cut_words(text)
        if has_attachments(message):
            raise ReplyRefused(_ATTACHED)
        post_reply(member=member, target=target, client_id=client_id, text=words)
    except ReplyRefused as refusal:
        refused = RefusedReply(member, target, client_id, _message_id(message), str(refusal), words or text)
        return mail_refusal(refused)
    return ACCEPTED


def _cut_words(text: str) -> str:
    """The own words in `text`. Raises ReplyRefused."""
    try:
        words = cut_reply(text)
    except UnclearReply:
        raise ReplyRefused(_UNCLEAR) from None
    except TooLongReply:
        raise ReplyRefused(_TOO_LONG) from None
    if not has_visible_text(words):
        raise ReplyRefused(_EMPTY)
    return words


def _is_sent_by(message: Message, member: User) -> bool:
    """Whether the one address in From is the member's confirmed one."""
    headers = [str(header) for header in message.get_all("From", [])]
    if len(headers) != 1 or len(headers[0]) > LONGEST_HEADER or headers[0].count("(") > MAX_BRACKETS:
        return False
    senders = getaddresses(headers)
    if len(senders) != 1:
        return False
    confirmed = EmailAddress.objects.filter(user=member, verified=True)
    return bool(confirmed.filter(email=fold_address(senders[0][1])).exists())


def _message_id(message: Message) -> str:
    return str(message["Message-ID"] or "").strip()[:LONGEST_HEADER]


def _make_client_id(message: Message, text: str, target: ReplyTarget) -> uuid.UUID:
    """The same id for the same mail; without a Message-ID, which each program writes, by date and content."""
    identity = _message_id(message) or repr((message["Date"], text))
    digest = hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()
    return uuid.uuid5(_NAMESPACE, f"{digest}:{tuple(map(int, target))}")

"""The functions of apps that receive mail, by kind of address."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message

from django.conf import settings

from .outcomes import Outcome
from .signed_addresses import InboundAddress

ReceiveFunction = Callable[[Message, InboundAddress], Outcome]


@dataclass(frozen=True)
class InboundRecipient:
    """The function of one kind of address, where such addresses are, and for how long they are valid."""

    kind: str
    function: ReceiveFunction
    domain_setting: str
    valid_for: timedelta

    @property
    def domain(self) -> str:
        """The domain of its addresses; "" while the kind is off."""
        domain: str = getattr(settings, self.domain_setting)
        return domain


_recipients: dict[str, InboundRecipient] = {}


def inbound_recipient(
    kind: str, *, domain_setting: str, valid_for: timedelta
) -> Callable[[ReceiveFunction], ReceiveFunction]:
    """Register the decorated function for mail to `<kind>+<token>@<domain>`, with a domain from the settings.

    The function gets the parsed message (compat32: `get_payload(decode=True)` never raises) and the verified address,
    and returns an Outcome. It runs in a transaction: an exception rolls back, and the mail server tries again later. It
    may run twice for one message, when the mail server did not get the answer. Raises ValueError for a second function.
    """

    def register(function: ReceiveFunction) -> ReceiveFunction:
        if kind in _recipients:
            raise ValueError(f"mail to {kind}+… has two recipients")
        _recipients[kind] = InboundRecipient(kind, function, domain_setting, valid_for)
        return function

    return register


def find_recipient(kind: str) -> InboundRecipient | None:
    """Return the recipient of this kind of address, or None."""
    return _recipients.get(kind)

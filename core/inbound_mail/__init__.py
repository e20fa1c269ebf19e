"""Mail to the server: signed addresses, the functions of apps that receive it, and the ways by which it arrives.

An app registers a function for its kind of address with `inbound_recipient`; `manage.py receive_mail` calls
`receive_message` for each message and recipient. See docs/decisions/0051.
"""

from .outcomes import ACCEPTED, Outcome, refuse
from .receive import MAX_BYTES, check_recipient, receive_message
from .registry import inbound_recipient
from .signed_addresses import InboundAddress, InvalidAddress, make_address, read_address

__all__ = [
    "ACCEPTED",
    "MAX_BYTES",
    "InboundAddress",
    "InvalidAddress",
    "Outcome",
    "check_recipient",
    "inbound_recipient",
    "make_address",
    "read_address",
    "receive_message",
    "refuse",
]

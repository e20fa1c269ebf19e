"""Recognises mail that no person has written: vacation notices, bounces, lists, and mail that goes in a circle."""

from email.message import Message

# A mail passes a handful of servers; in a circle it passes them again and again (RFC 5321 6.3).
MAX_HOPS = 30
_MACHINE_PRECEDENCE = {"bulk", "junk", "list", "auto_reply"}
# Headers that only programs write.
_MACHINE_HEADERS = (
    "List-Id",
    "X-Auto-Response-Suppress",
    "X-Autoreply",
    "X-Autorespond",
    "X-Autorespond-For",
    "X-Loop",
    "X-Failed-Recipients",
)


def is_automatic(message: Message) -> bool:
    """Return whether the mail is to be dropped without an answer (RFC 3834, RFC 2919)."""
    submitted = _value_of(message, "Auto-Submitted")
    return (
        (bool(submitted) and not submitted.startswith("no"))
        or _value_of(message, "Precedence") in _MACHINE_PRECEDENCE
        or any(message[name] is not None for name in _MACHINE_HEADERS)
        # The null sender, as the mail server notes it when it delivers.
        or any(str(path).strip() == "<>" for path in message.get_all("Return-Path", []))
        or message.get_content_type() in {"multipart/report", "message/delivery-status"}
        or len(message.get_all("Received", [])) > MAX_HOPS
    )


def _value_of(message: Message, name: str) -> str:
    return str(message[name] or "")[:100].strip().lower()

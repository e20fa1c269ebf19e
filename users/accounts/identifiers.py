"""Folding of usernames and addresses to the form in which they are stored, looked up, compared and counted."""

from core.text.mail_addresses import (
    LONGEST_EMAIL,
    LONGEST_LOCAL_PART,
    MOST_CHARACTERS,
    fold_address,
    fold_ascii,
)

__all__ = [
    "LONGEST_EMAIL",
    "LONGEST_LOCAL_PART",
    "fold_address",
    "fold_identifier",
    "fold_username",
    "mailbox_key",
    "names_account",
]


def fold_identifier(typed: str) -> str:
    """Return the username, or with an @ the address, in its stored form; return text that names no account unchanged.

    Every lookup, count and comparison of accounts must use this function, so that all agree on which identifiers are
    the same.
    """
    return fold_address(typed) if "@" in typed[:MOST_CHARACTERS] else fold_username(typed)


def fold_username(typed: str) -> str:
    """Return the username in its stored form. Only A to Z are lower-cased, not the kelvin sign, "ſ" or "İ"."""
    return fold_ascii(typed)


def names_account(folded: str) -> bool:
    """Return whether an account may have this identifier: only printable ASCII can be a username or an address."""
    return 0 < len(folded) <= LONGEST_EMAIL and folded.isascii() and folded.isprintable()


def mailbox_key(address: str) -> str:
    """Return the key of mail limits, the same for all spellings that commonly reach one mailbox.

    The tag after a + and dots in the local part are ignored, as the largest providers do. Two mailboxes that differ
    only in a dot share a limit, which at most delays their mail.
    """
    local, _at, domain = fold_address(address).rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"

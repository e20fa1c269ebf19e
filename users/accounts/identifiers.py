"""Folding of usernames and addresses to the form in which they are stored, looked up, compared and counted."""

LONGEST_EMAIL = 254
# RFC 5321 4.5.3.1.1: mail servers refuse longer ones.
LONGEST_LOCAL_PART = 64
# IDNA 2003 and 2008 turn a domain with one of these into different domains.
AMBIGUOUS = frozenset("ßς\u200c\u200d")
# Longer than any identifier of an account; longer input is cut before any work is done on it.
MOST_CHARACTERS = 320


def fold_identifier(typed: str) -> str:
    """Return the username, or with an @ the address, in its stored form; return text that names no account unchanged.

    Every lookup, count and comparison of accounts must use this function, so that all agree on which identifiers are
    the same.
    """
    return fold_address(typed) if "@" in typed[:MOST_CHARACTERS] else fold_username(typed)


def fold_username(typed: str) -> str:
    """Return the username in its stored form. Only A to Z are lower-cased, not the kelvin sign, "ſ" or "İ"."""
    typed = typed[:MOST_CHARACTERS].strip()
    return typed.lower() if typed.isascii() else typed


def fold_address(typed: str) -> str:
    """Return the address in its stored form: in lower case, with the domain in IDNA form."""
    local, at, domain = typed[:MOST_CHARACTERS].strip().rpartition("@")
    if not domain.isascii() and not AMBIGUOUS & set(domain):
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            pass  # an invalid domain, like an ambiguous one: the address stays unchanged and names no account
    return fold_username(local) + at + fold_username(domain)


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

"""Usernames and addresses in the one form in which they are stored, looked up, compared and counted."""

LONGEST_EMAIL = 254
# Nothing longer can name an account; what is longer is cut before any work is done on it.
MOST_CHARACTERS = 320


def fold_identifier(typed: str) -> str:
    """Return the username, or with an @ the address, as it is stored; text that names no account comes back as it is.

    Everything that looks for an account, counts for one or asks whether one exists goes through here: two foldings of
    one identifier are two accounts to one of them.
    """
    return fold_address(typed) if "@" in typed[:MOST_CHARACTERS] else fold_username(typed)


def fold_username(typed: str) -> str:
    """Return the username as it is stored. Only A to Z have a small letter: kelvin sign, "ſ", "İ" have none."""
    typed = typed[:MOST_CHARACTERS].strip()
    return typed.lower() if typed.isascii() else typed


def fold_address(typed: str) -> str:
    """Return the address as it is stored: in small letters, and its domain as mail servers are asked for it (IDNA)."""
    local, at, domain = typed[:MOST_CHARACTERS].strip().rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            pass  # no domain, so no address: it stays what it is, and names nobody
    return fold_username(local) + at + fold_username(domain)


def names_account(folded: str) -> bool:
    """Return whether an account may be called so. Names and addresses are ASCII, so nothing else is ever looked for."""
    return 0 < len(folded) <= LONGEST_EMAIL and folded.isascii() and folded.isprintable()


def mailbox_key(address: str) -> str:
    """Return what limits of mail count by: spellings that commonly reach one mailbox are one.

    What follows a + is a tag, and dots of the local part say nothing to the largest providers. Two neighbours who
    differ in a dot alone share a count, which costs them a wait at most.
    """
    local, _at, domain = fold_address(address).rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"

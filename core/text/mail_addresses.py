"""The form in which mail addresses are stored and compared: one mailbox has one."""

LONGEST_EMAIL = 254
# RFC 5321 4.5.3.1.1: mail servers refuse longer ones.
LONGEST_LOCAL_PART = 64
# IDNA 2003 and 2008 turn a domain with one of these into different domains.
AMBIGUOUS = frozenset("ßς\u200c\u200d")
# Longer than any address; longer input is cut before any work is done on it.
MOST_CHARACTERS = 320


def fold_ascii(text: str) -> str:
    """Return the text with A to Z in lower case, if it is ASCII; the kelvin sign, "ſ" and "İ" stay as they are."""
    text = text[:MOST_CHARACTERS].strip()
    return text.lower() if text.isascii() else text


def fold_address(typed: str) -> str:
    """Return the address in its stored form: in lower case, with the domain in IDNA form."""
    local, at, domain = typed[:MOST_CHARACTERS].strip().rpartition("@")
    if not domain.isascii() and not AMBIGUOUS & set(domain):
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            pass  # an invalid domain, like an ambiguous one: the address stays unchanged and names no account
    return fold_ascii(local) + at + fold_ascii(domain)

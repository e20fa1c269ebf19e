"""Security contacts of this site (SECURITY_CONTACT), for /.well-known/security.txt."""

import re
from typing import cast
from urllib.parse import urlsplit

from django.conf import settings

# Without characters that could begin another line.
ADDRESS = re.compile(r"[^\s@:/<>]+@[^\s@:/<>]+\.[^\s@:/<>]+")
URI = re.compile(r"(?:https://|mailto:|tel:)[^\s<>]+")


def security_contacts() -> list[str]:
    """Return the contacts as URIs: SECURITY_CONTACT, else the administrators, else `security@` this site."""
    administrators = [address for _name, address in cast(list[tuple[str, str]], settings.ADMINS)]
    entries = settings.SECURITY_CONTACT or administrators
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return [contact for entry in entries if (contact := as_uri(entry))] or [f"mailto:security@{host}"]


def as_uri(entry: str) -> str:
    """Return a mail address or a URI (https, mailto, tel) as a URI; "" for anything else."""
    if ADDRESS.fullmatch(entry):
        return f"mailto:{entry}"
    return entry if URI.fullmatch(entry) else ""

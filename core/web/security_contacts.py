"""Security contacts of this site (SECURITY_CONTACT), for /.well-known/security.txt."""

import re
from typing import cast
from urllib.parse import urlsplit

from django.conf import settings

# Without what could begin another line.
ADDRESS = re.compile(r"[^\s@:/<>]+@[^\s@:/<>]+\.[^\s@:/<>]+")
URI = re.compile(r"(?:https://|mailto:|tel:)[^\s<>]+")


def security_contacts() -> list[str]:
    """The contacts as URIs: those that were given, else the administrators, else `security@` this site."""
    administrators = [address for _name, address in cast(list[tuple[str, str]], settings.ADMINS)]
    given = settings.SECURITY_CONTACT or administrators
    return [contact for entry in given if (contact := as_uri(entry))] or [f"mailto:security@{_host()}"]


def as_uri(entry: str) -> str:
    """A mail address or a URI (https, mailto, tel) as a URI; "" for anything else."""
    if ADDRESS.fullmatch(entry):
        return f"mailto:{entry}"
    return entry if URI.fullmatch(entry) else ""


def _host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"

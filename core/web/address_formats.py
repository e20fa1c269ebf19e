"""Addresses of pages from what `reverse` returned once: a call of it takes twenty times as long."""

from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.urls import get_script_prefix, get_urlconf, reverse

from core.database.lru_cache import LRUCache

# Values that every pattern with an id, a username or a word takes.
_PLACEHOLDERS = ("737700000000000001", "737700000000000002")
# What `reverse` does not quote: RFC 3986 allows it in a path.
_SAFE = "!$&'()*+,;=/~:@"
# About 300 bytes each.
MAX_ADDRESSES = 5000
# Longer arguments are not kept: a visitor may have typed them.
MAX_ARGUMENT = 64

_addresses: LRUCache[str] = LRUCache(MAX_ADDRESSES)


class AddressFormat:
    """The addresses of the URL name `name`, whose arguments are ids or words.

    Calling it returns what `reverse(name, args=arguments)` does, but does not check the arguments. A process has one
    URL configuration, and serves the site at the root of its host.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        # By number of arguments.
        self._formats: dict[int, str] = {}

    def __call__(self, *arguments: int | str) -> str:
        count = len(arguments)
        found = self._formats.get(count) or self._formats.setdefault(count, self._find_format(count))
        return found.format(*(quote(str(value), _SAFE) for value in arguments))

    def _find_format(self, count: int) -> str:
        placeholders = _PLACEHOLDERS[:count]
        address = reverse(self._name, args=placeholders).replace("{", "{{").replace("}", "}}")
        for index, placeholder in enumerate(placeholders):
            if address.count(placeholder) != 1:
                raise ValueError(f"{self._name}: {address} does not show where its arguments belong.")
            address = address.replace(placeholder, f"{{{index}}}")
        return address


def find_address(name: str, args: list[Any], kwargs: dict[str, Any], current_app: str | None = None) -> str:
    """Return `reverse(name, args=args, kwargs=kwargs)`, from the cache where the arguments are ids or short texts."""
    values = (*args, *kwargs.values())
    if not all(type(value) is int or (type(value) is str and len(value) <= MAX_ARGUMENT) for value in values):
        return reverse(name, args=args, kwargs=kwargs, current_app=current_app)
    # Where addresses begin and which patterns there are, so that tests and mounted sites get their own.
    site = (get_script_prefix(), get_urlconf() or settings.ROOT_URLCONF)
    return _addresses.get_or_make(
        (name, tuple(args), tuple(kwargs.items()), current_app, site),
        lambda: reverse(name, args=args, kwargs=kwargs, current_app=current_app),
    )

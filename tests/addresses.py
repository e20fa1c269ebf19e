"""One address for every pattern of the product, the administration's included."""

from collections.abc import Iterator

from django.urls import URLResolver, get_resolver, reverse

# What stands for a part of an address; "1" for all others.
SAMPLES = {
    "username": "alice",
    "tag": "circle",
    "section": "experience",
    "app_label": "users",
    "key": "x",
    "name": "a.webp",
}


def every_address() -> dict[str, str]:
    """Addresses by the full names of their patterns; nobody need be there who would answer."""
    return dict(_addresses(get_resolver(), ()))


def _addresses(resolver: URLResolver, namespaces: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _addresses(pattern, inner)
        elif pattern.name:
            name = ":".join((*namespaces, pattern.name))
            arguments = pattern.pattern.regex.groupindex
            yield name, reverse(name, kwargs={argument: SAMPLES.get(argument, "1") for argument in arguments})

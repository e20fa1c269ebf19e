"""A sample URL for each named URL pattern, including those of the admin."""

from collections.abc import Iterator

from django.urls import URLResolver, get_resolver, reverse

# Values of URL arguments; "1" for all others.
SAMPLES = {
    "username": "alice",
    "tag": "circle",
    "section": "experience",
    "app_label": "users",
    "key": "x",
    "name": "a.webp",
}


def list_sample_urls() -> dict[str, str]:
    """Return URLs by the full names of their patterns. Their objects need not exist."""
    return dict(_iterate_urls(get_resolver(), ()))


def _iterate_urls(resolver: URLResolver, namespaces: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _iterate_urls(pattern, inner)
        elif pattern.name:
            name = ":".join((*namespaces, pattern.name))
            arguments = pattern.pattern.regex.groupindex
            yield name, reverse(name, kwargs={argument: SAMPLES.get(argument, "1") for argument in arguments})

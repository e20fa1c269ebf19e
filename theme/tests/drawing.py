"""Draws a piece of template the way a page does."""

from typing import Any

from django.http import HttpRequest
from django.template import Context, Template


def draw(source: str, **values: Any) -> str:
    """`source` rendered with `values`, without the white space around it."""
    return Template(source).render(Context(values)).strip()


def request_to(path: str, view_name: str = "") -> HttpRequest:
    """A request for `path`, as the URL resolver would have left it."""
    request = HttpRequest()
    request.path, _, query = path.partition("?")
    request.META["QUERY_STRING"] = query
    request.resolver_match = type("Match", (), {"view_name": view_name})()
    return request

"""Rendering of template code and requests for it."""

from typing import Any

from django.http import HttpRequest
from django.template import Context, Template


def render_template(source: str, **values: Any) -> str:
    """Render `source` with `values`, without surrounding white space."""
    return Template(source).render(Context(values)).strip()


def make_request(path: str, view_name: str = "") -> HttpRequest:
    """Return a request for `path` with the view name that the URL resolver sets."""
    request = HttpRequest()
    request.path, _, query = path.partition("?")
    request.META["QUERY_STRING"] = query
    request.resolver_match = type("Match", (), {"view_name": view_name})()
    return request

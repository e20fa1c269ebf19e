"""Removes Content-Type headers that Django cannot parse.

Django parses the header outside of its error handling, so an unknown encoding (`charset*=nope''x`) would raise an
exception in the server instead of a 400.
"""

import codecs
from typing import Any

from django.utils.http import parse_header_parameters


def parsable_content_type(content_type: str) -> str:
    """Return the header unchanged, or "" if parsing it raises."""
    if ";" not in content_type:
        return content_type
    try:
        codecs.lookup(parse_header_parameters(content_type)[1].get("charset", "utf-8"))
    except LookupError:
        return content_type  # Django handles this one
    except ValueError:
        return ""
    return content_type


class ParsableContentType:
    """WSGI middleware around Django's application; core.web.request_bodies.asgi_bodies does the same under ASGI."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["CONTENT_TYPE"] = parsable_content_type(environ.get("CONTENT_TYPE", ""))
        return self.application(environ, start_response)

"""Content-Type headers that Django cannot parse, taken away before it tries.

It parses the header when it makes the request, outside of its own handling of errors, so an unknown encoding in it
(`charset*=nope''x`) would end in a trace of the server instead of a refusal.
"""

import codecs
from typing import Any

from django.utils.http import parse_header_parameters


def parsable(content_type: str) -> str:
    """The header as it is, or "" where parsing it raises."""
    if ";" not in content_type:
        return content_type
    try:
        codecs.lookup(parse_header_parameters(content_type)[1].get("charset", "utf-8"))
    except LookupError:
        return content_type  # Django expects that one
    except ValueError:
        return ""
    return content_type


class ParsableContentType:
    """WSGI middleware around Django's application; core.web.asgi_bodies does the same under ASGI."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["CONTENT_TYPE"] = parsable(environ.get("CONTENT_TYPE", ""))
        return self.application(environ, start_response)

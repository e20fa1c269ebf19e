"""The hidden fields of a form in a cached part of a page: the token and the id differ for each request.

A part is rendered with a mark in their place, a hidden field that no text of a member can contain: members' HTML has no
fields. A page sets the fields when it shows the part.
"""

import secrets
import uuid

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from .form_submissions import FIELD

MARK = mark_safe(f'<input type="hidden" name="mark" value="{secrets.token_hex(16)}">')


def request_fields(token: object) -> SafeString:
    """Return the field of the token and that of an id (users.form_submissions)."""
    return format_html(
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '<input type="hidden" name="{}" value="{}">',
        token,
        FIELD,
        uuid.uuid4(),
    )


def fill_marks(html: str, token: object) -> SafeString:
    """Return the cached part with fields in the place of each mark."""
    first, *others = html.split(MARK)
    return mark_safe("".join([first, *(request_fields(token) + other for other in others)]))

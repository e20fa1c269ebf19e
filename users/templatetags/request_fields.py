"""`{% request_fields %}`: the token and the id of a form, also in a cached part of a page."""

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from .. import request_fields as fields

register = template.Library()


@register.simple_tag(takes_context=True)
def request_fields(context: Context) -> SafeString:
    """Return the fields; in a cached part, which knows no request, a mark in their place (fill_marks)."""
    token = context.get("csrf_token")
    return fields.MARK if token is None else fields.request_fields(token)

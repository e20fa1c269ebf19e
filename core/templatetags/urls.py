"""`{% url %}` as Django has it, but `reverse` is called once for the same name and arguments."""

from django import template
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as parse_url
from django.urls import NoReverseMatch
from django.utils.html import conditional_escape

from core.web.address_formats import find_address

register = template.Library()


class CachedURLNode(URLNode):
    """Django's node of `{% url %}` with a cache of addresses."""

    def render(self, context: Context) -> str:
        """Return the address, or set the variable behind `as`. Raises NoReverseMatch without such a variable."""
        name = self.view_name.resolve(context)
        args = [argument.resolve(context) for argument in self.args]
        kwargs = {key: value.resolve(context) for key, value in self.kwargs.items()}
        try:
            address = find_address(name, args, kwargs, _current_app(context))
        except NoReverseMatch:
            if self.asvar is None:
                raise
            address = ""
        if self.asvar:
            context[self.asvar] = address
            return ""
        return conditional_escape(address) if context.autoescape else address


def _current_app(context: Context) -> str | None:
    request = getattr(context, "request", None)
    found: str | None = getattr(request, "current_app", None)
    if found is None:
        found = getattr(getattr(request, "resolver_match", None), "namespace", None)
    return found


@register.tag
def url(parser: Parser, token: Token) -> CachedURLNode:
    """Parse `{% url name argument … as variable %}` like Django's tag."""
    node = parse_url(parser, token)
    return CachedURLNode(node.view_name, node.args, node.kwargs, node.asvar)

"""`{% remember me=user count=waiting %}…{% endremember %}`: cache a part of a page by its values."""

from collections.abc import Hashable, Mapping
from itertools import count
from typing import Any

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from core.web.fragments import FragmentStore

register = template.Library()

# A few kilobytes each: some megabytes of a server process.
MAX_PARTS = 1000

_parts = FragmentStore(MAX_PARTS)
_numbers = count()


class RememberNode(template.Node):
    """Renders its part with the values of the tag only, without the rest of the context such as request or token.

    A row is replaced by its `cache_key()`. So the part cannot show anything that the key does not contain.
    """

    def __init__(self, nodes: NodeList, values: dict[str, FilterExpression]) -> None:
        self.nodelist = nodes
        self._values = values
        self._number = next(_numbers)

    def render(self, context: Context) -> SafeString:
        resolved = {name: value.resolve(context) for name, value in self._values.items()}
        values = {name: _cache_view(value) for name, value in resolved.items()}
        if _NOT_CACHEABLE in values.values():
            return self._render_part(context, resolved)
        # With types: 1, 1.0 and True are equal, but render differently.
        shown = tuple((type(value), value) for value in values.values())
        key: Hashable = (self._number, shown, context.autoescape)
        return _parts.get_or_render(key, values, lambda values: self._render_part(context, values))

    def _render_part(self, context: Context, values: Mapping[str, Any]) -> SafeString:
        return self.nodelist.render(context.new(dict(values)))


_NOT_CACHEABLE = object()
_PLAIN = (str, int)


def _cache_view(value: Any) -> Any:
    """Return what the part sees of a value, which is also its cache key."""
    cache_key = getattr(value, "cache_key", None)
    if cache_key is not None:
        view = cache_key()
        return _NOT_CACHEABLE if view is None else view
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, Promise):
        return str(value)
    raise template.TemplateSyntaxError(f"{{% remember %}} cannot cache by {type(value).__name__}.")


@register.tag
def remember(parser: Parser, token: Token) -> RememberNode:
    """Render the part between the tags once for the same values, language and time zone.

    Values are texts, numbers, and objects with `cache_key()`, which returns the view for the part (a NamedTuple of
    plain values, see core.web.fragments), or None to render the part each time.
    """
    words = token.split_contents()[1:]
    values = token_kwargs(words, parser)
    if words:
        raise template.TemplateSyntaxError("{% remember %} takes values with names: me=user.")
    nodes = parser.parse(("endremember",))
    parser.delete_first_token()
    return RememberNode(nodes, values)

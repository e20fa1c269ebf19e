"""`{% remember me=user count=waiting %}…{% endremember %}`: render a part of a page once for the same values."""

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
    """The part sees the values that the tag names and nothing else of the page: no request, token, message or nonce. Of
    a row it sees the row's `cache_key()`. So what is in the key is all that it can show."""

    def __init__(self, nodes: NodeList, values: dict[str, FilterExpression]) -> None:
        self.nodelist = nodes
        self._values = values
        self._number = next(_numbers)

    def render(self, context: Context) -> SafeString:
        given = {name: value.resolve(context) for name, value in self._values.items()}
        values = {name: _view(value) for name, value in given.items()}
        if _NOT_CACHEABLE in values.values():
            return self._render(context, given)
        # Types too: 1, 1.0 and True are equal, and look different.
        shown = tuple((type(value), value) for value in values.values())
        key: Hashable = (self._number, shown, context.autoescape)
        return _parts.get_or_render(key, values, lambda values: self._render(context, values))

    def _render(self, context: Context, values: Mapping[str, Any]) -> SafeString:
        return self.nodelist.render(context.new(dict(values)))


_NOT_CACHEABLE = object()
_PLAIN = (str, int)


def _view(value: Any) -> Any:
    """What the part sees of a value: all that its key contains."""
    cache_key = getattr(value, "cache_key", None)
    if cache_key is not None:
        view = cache_key()
        return _NOT_CACHEABLE if view is None else view
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, Promise):
        return str(value)
    raise template.TemplateSyntaxError(f"{{% remember %}} cannot know when {type(value).__name__} changes.")


@register.tag
def remember(parser: Parser, token: Token) -> RememberNode:
    """Render the part between the tags once for the same values, language and time zone.

    Values are words, numbers, and things with `cache_key()`: the view that it gives is what the part sees (a NamedTuple
    of plain values, see core.web.fragments); None means that the part is rendered each time.
    """
    words = token.split_contents()[1:]
    values = token_kwargs(words, parser)
    if words:
        raise template.TemplateSyntaxError("{% remember %} takes values with names: me=user.")
    nodes = parser.parse(("endremember",))
    parser.delete_first_token()
    return RememberNode(nodes, values)

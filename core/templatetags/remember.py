"""`{% remember me=user count=waiting %}…{% endremember %}`: a part of a page that is drawn once for the same values."""

from collections.abc import Hashable
from itertools import count
from typing import Any

from django import template
from django.db.models import Model
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.utils import timezone
from django.utils.functional import LazyObject, Promise
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from core.database.lru_cache import LRUCache

register = template.Library()

# A few kilobytes each: some megabytes of a server process.
REMEMBERED = 1000

_parts: LRUCache[SafeString] = LRUCache(REMEMBERED)
_numbers = count()


class _CannotBeKnown(Exception):
    """A value that is not the same for sure when it comes again."""


class RememberNode(template.Node):
    """The part sees the values that the tag names and nothing else of the page: no request, token, message or nonce. So
    what is in the key is all that it can show."""

    def __init__(self, nodes: NodeList, values: dict[str, FilterExpression]) -> None:
        self.nodelist = nodes
        self._values = values
        self._number = next(_numbers)

    def render(self, context: Context) -> SafeString:
        values = {name: value.resolve(context) for name, value in self._values.items()}
        try:
            known = tuple(_known_by(value) for value in values.values())
        except _CannotBeKnown:
            return self._drawn(context, values)
        here = get_language(), timezone.get_current_timezone_name(), context.autoescape
        return _parts.get_or_make((self._number, known, here), lambda: self._drawn(context, values))

    def _drawn(self, context: Context, values: dict[str, Any]) -> SafeString:
        return self.nodelist.render(context.new(values))


def _known_by(value: Any) -> Hashable:
    """What tells a value from all others that are shown in another way."""
    if isinstance(value, LazyObject):
        value = value.__reduce__()[1][0]
    if isinstance(value, Promise):
        value = str(value)
    if hasattr(value, "known_by"):
        known: Hashable = value.known_by()
        if known is None:
            raise _CannotBeKnown
        return type(value), known
    if isinstance(value, Model):
        # All that was read of the row, and what was added to it by annotations.
        return type(value), tuple(pair for pair in vars(value).items() if not pair[0].startswith("_"))
    if value is None or isinstance(value, str | int | bool):
        return type(value), value
    raise template.TemplateSyntaxError(f"{{% remember %}} cannot tell when {type(value).__name__} changes.")


@register.tag
def remember(parser: Parser, token: Token) -> RememberNode:
    """Draw the part between the tags once for the same values, language and time zone.

    Values are words, numbers, rows of models (of which only the row itself may be shown, nothing related), and things
    whose `known_by()` names all that they show, or gives None when they are to be drawn each time.
    """
    words = token.split_contents()[1:]
    values = token_kwargs(words, parser)
    if words:
        raise template.TemplateSyntaxError("{% remember %} takes values with names: me=user.")
    nodes = parser.parse(("endremember",))
    parser.delete_first_token()
    return RememberNode(nodes, values)

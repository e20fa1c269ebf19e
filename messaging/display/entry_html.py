"""The HTML of an entry (`_entry.html`), for which most messages need no template.

Messages differ in their words, number and time, and each is new when it is sent. So the template is rendered once for
all messages of an author with marks in place of those values, and cut at the marks.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

from django.template.loader import get_template
from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import get_language

from core.database.lru_cache import LRUCache

from ..models import EntryView
from ..models.entry_view import EntryTimes

# About 1 kB each.
MAX_AUTHORS = 2000

# Nobody can guess the marks, so that no name of a member contains one.
_TOKEN = secrets.token_hex(16)
_FIRST_NUMBER = 10**17 + secrets.randbelow(10**17)
_CONVERSATION, _SEQ, _AUTHOR = range(_FIRST_NUMBER, _FIRST_NUMBER + 3)
_CLIENT_ID = uuid4()
_HTML = f"html-{_TOKEN}"
_TIMES = EntryTimes(*(f"{name}-{_TOKEN}" for name in ("iso", "zone", "day", "clock")))
_ANY_MARK = re.compile(f"({'|'.join(map(str, (_CONVERSATION, _SEQ, _AUTHOR, _CLIENT_ID, _HTML, *_TIMES)))})")

# Text and marks in turns.
_CUT: LRUCache[tuple[str, ...]] = LRUCache(MAX_AUTHORS)


class _MarkedView(EntryView):
    """A message with marks for the times, too."""

    __slots__ = ()

    @property
    def times(self) -> EntryTimes:
        return _TIMES


def render_entry(entry: EntryView, **on_page: bool | str) -> str:
    """Return what `_entry.html` makes of `entry`; `on_page` is what it knows of the page (follows, mark, is_found)."""
    view = entry
    if not view.is_message or not view.html or view.is_deleted or view.is_hidden or view.attachments:
        return get_template("messaging/_entry.html").render({"entry": view, **on_page})
    shape = _MarkedView(*view)._replace(
        conversation=_CONVERSATION,
        seq=_SEQ,
        created_at=datetime.min.replace(tzinfo=UTC),
        author_id=view.author_id and _AUTHOR,
        client_id=view.client_id and _CLIENT_ID,
        html=_HTML,
    )
    key = (shape, tuple(on_page.items()), get_language(), timezone.get_current_timezone_name())
    cut = _CUT.get_or_make(key, lambda: _cut(shape, on_page))
    values = {
        str(_CONVERSATION): str(view.conversation),
        str(_SEQ): str(view.seq),
        str(_AUTHOR): str(view.author_id),
        str(_CLIENT_ID): str(view.client_id),
        _HTML: view.html,
        **dict(zip(_TIMES, map(escape, view.times), strict=True)),
    }
    return "".join([values[part] if index % 2 else part for index, part in enumerate(cut)])


def _cut(shape: EntryView, on_page: Mapping[str, bool | str]) -> tuple[str, ...]:
    html = get_template("messaging/_entry.html").render({"entry": shape, **on_page})
    return tuple(_ANY_MARK.split(html))

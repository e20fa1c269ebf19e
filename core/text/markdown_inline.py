"""Bold and italics in scripts without spaces.

CommonMark decides by spaces and punctuation whether "**" opens or closes, and finds neither in "**注意：**本文".
"""

import re
from collections.abc import MutableMapping
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token

# Chinese, Japanese and Korean with their punctuation; Thai, Lao, Tibetan, Burmese and Khmer.
UNSPACED = re.compile(
    "[\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001f200-\U0001f2ff\U00020000-\U0003ffff]"
)


class UnspacedState(StateInline):
    """Lets "*" and "~" open and close beside such letters, unless a space prevents it."""

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803 -- markdown-it's names
        scanned = super().scanDelims(start, canSplitWord)
        if not canSplitWord or (scanned.can_open and scanned.can_close):
            return scanned
        end = start + scanned.length
        before, after = self.src[max(start - 1, 0) : start], self.src[end : end + 1]
        if not (UNSPACED.match(before) or UNSPACED.match(after)):
            return scanned
        return Scanned(
            scanned.can_open or not (after or " ").isspace(),
            scanned.can_close or not (before or " ").isspace(),
            scanned.length,
        )


class UnspacedInline(ParserInline):
    """markdown-it's inline parser with UnspacedState."""

    def parse(
        self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]
    ) -> list[Token]:
        state = UnspacedState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens

"""Template loader: blanks that only lay out the source of a template are not sent to the client."""

import re
from collections.abc import Sequence
from typing import Any

from django.template import Engine, Origin, Template
from django.template.base import TextNode
from django.template.loaders import cached

# HTML shows the blanks in it as they are. The only text in a <textarea> is its value, which is no text of a template.
_KEEPS_BLANKS = re.compile(r"<pre\b", re.IGNORECASE)
_INDENTATION = re.compile(r"[ \t]*\n\s*")
# A line with nothing but comments and tags that print nothing themselves: what is around it has line breaks already.
_SILENT_TAG = (
    r"\{%\s*(?:if|elif|else|endif|for|empty|endfor|with|endwith|load|remember|endremember|comment|endcomment)\b(?:(?!%\}).)*%\}"
    r"|\{%\s*(?:url|translate)\b(?:(?!%\}).)*\sas\s+\w+\s*%\}|\{#(?:(?!#\}).)*#\}"
)
_SILENT_LINE = re.compile(rf"^[ \t]*((?:{_SILENT_TAG})+)[ \t]*\n\s*", re.MULTILINE)


def strip_indentation(template: Template) -> None:
    """Replace each run of blanks that has a line break by one line break, in the text of `template`.

    Values and messages for translation stay as they are, and so does a template with <pre>.
    """
    texts = [node for node in template.nodelist.get_nodes_by_type(TextNode) if isinstance(node, TextNode)]
    if not any(_KEEPS_BLANKS.search(text.s) for text in texts):
        for text in texts:
            text.s = _INDENTATION.sub("\n", text.s)


class CompactLoader(cached.Loader):
    """The cached loader of Django; HTML templates lose their indentation when they are first loaded."""

    def __init__(self, engine: Engine, loaders: Sequence[Any]) -> None:
        super().__init__(engine, list(loaders))

    def get_contents(self, origin: Origin) -> str:
        """Return the source, without the line breaks after lines that print nothing (DEBUG keeps the line numbers)."""
        source: str = super().get_contents(origin)
        if self.engine.debug or not origin.name.endswith(".html") or _KEEPS_BLANKS.search(source):
            return source
        return _SILENT_LINE.sub(r"\1", source)

    def get_template(self, template_name: str, skip: list[Origin] | None = None) -> Template:
        """Return the template. Raises TemplateDoesNotExist."""
        known = self.get_template_cache.get(self.cache_key(template_name, skip))
        template = super().get_template(template_name, skip)
        if known is not template and template_name.endswith(".html"):
            strip_indentation(template)
        return template

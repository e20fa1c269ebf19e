"""HTML of a mail as text: lines as they are shown, quotations behind ">"."""

import re
from html.parser import HTMLParser

import nh3

# More is cut: the own words are at the top.
MAX_CHARACTERS = 128 * 1024
# nh3 takes quadratic time for the depth of the tags, which is at most their number.
MAX_TAGS = 6000
# Deeper quotations are as good as this one.
MAX_DEPTH = 20

_BLOCKS = {
    "address", "article", "blockquote", "center", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3", "h4", "h5",
    "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul",
}  # fmt: skip
# Blocks with an empty line around them.
_SEPARATED = {"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"}
# What web mail writes around a quotation in place of <blockquote>.
_QUOTE_CLASSES = re.compile(r"\b(?:yahoo_quoted|protonmail_quote)\b")
_NO_CONTENT = {"script", "style", "title", "template", "noscript", "textarea", "select", "svg", "math"}
_body = re.compile("<body", re.IGNORECASE)
_blanks = re.compile(r"[ \t\r\n\f]+")


def html_to_text(html: str) -> str:
    """Return the text of `html`, of which at most MAX_CHARACTERS and MAX_TAGS are read.

    nh3 closes all that is open, so that Python's parser, which is slow for broken HTML, reads the result in linear
    time.
    """
    clean = nh3.clean(
        _start_of(html),
        tags=_BLOCKS | {"a", "br", "td"},
        clean_content_tags=_NO_CONTENT,
        attributes={"a": {"href"}, "div": {"class", "name"}, "blockquote": {"class"}},
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    writer = _TextWriter()
    writer.feed(clean)
    writer.close()
    return writer.finish()


def _start_of(html: str) -> str:
    """The part of the body that is read; styles in the head, which may be long, are left out."""
    body = _body.search(html, 0, MAX_CHARACTERS)
    html = html[body.start() if body else 0 :][:MAX_CHARACTERS]
    position = -1
    for _ in range(MAX_TAGS):
        position = html.find("<", position + 1)
        if position < 0:
            return html
    return html[:position]


class _TextWriter(HTMLParser):
    """Writes lines; `depth` is the number of quotations around them."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.line: list[str] = []
        self.depth = 0
        self.pre = 0
        # For each open div and blockquote, whether it is a quotation.
        self.quotes: list[bool] = []
        # Where the text of the open link begins in `line`, and its address.
        self.link: tuple[int, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._end_line(is_forced=True)
        elif tag == "a":
            self.link = (len(self.line), dict(attrs).get("href") or "")
        elif tag == "td":
            self.line.append(" ")
        else:
            self._start_block(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._end_link()
        elif tag in _BLOCKS:
            self._end_line()
            if tag in {"div", "blockquote"} and self.quotes and self.quotes.pop():
                self.depth -= 1
            self.pre -= tag == "pre"
            if tag in _SEPARATED:
                self._separate()

    def handle_data(self, data: str) -> None:
        if self.pre:
            first, *rest = data.split("\n")
            self.line.append(first)
            for line in rest:
                self._end_line(is_forced=True)
                self.line.append(line)
        else:
            self.line.append(_blanks.sub(" ", data))

    def finish(self) -> str:
        """The text of all that was fed."""
        self._end_line()
        return "\n".join(self.lines).strip("\n")

    def _start_block(self, tag: str, attributes: dict[str, str | None]) -> None:
        self._end_line()
        if tag in _SEPARATED:
            self._separate()
        if tag in {"div", "blockquote"}:
            is_marked = attributes.get("name") == "quote" or _QUOTE_CLASSES.search(
                attributes.get("class") or ""
            )
            is_quote = tag == "blockquote" or bool(is_marked)
            self.quotes.append(is_quote)
            self.depth += is_quote
        self.pre += tag == "pre"
        if tag == "li":
            self.line.append("- ")

    def _end_link(self) -> None:
        start, address = self.link or (0, "")
        self.link = None
        shown = "".join(self.line[start:]).strip()
        if address.startswith("http") and shown and shown.rstrip("/") not in address and not self.depth:
            self.line.append(f" ({address})")

    def _end_line(self, *, is_forced: bool = False) -> None:
        text = "".join(self.line)
        text = text.rstrip() if self.pre else _blanks.sub(" ", text).replace("\xa0", " ").strip()
        self.line = []
        if text or is_forced:
            self.lines.append(self._prefix() + text)

    def _separate(self) -> None:
        """Add an empty line where there is none."""
        if self.lines and self.lines[-1].strip("> "):
            self.lines.append(self._prefix().rstrip())

    def _prefix(self) -> str:
        depth = min(self.depth, MAX_DEPTH)
        return ">" * depth + " " if depth else ""

"""The HTML part of a mail: styles are written at the elements, since some mail programs drop the style element."""

from css_inline import CSSInliner

# Of `mail/styles.css` only the media query for the dark scheme stays in the head. Nothing is loaded.
_inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False, minify_css=True)

# Lists of mails show a line of text behind the subject; where the preview is short, only these blanks follow it.
PREVIEW_BLANKS = "\u034f\u200c\u00a0" * 80


def inline_styles(html: str) -> str:
    """Return the document with its styles at the elements."""
    return _inliner.inline(html)

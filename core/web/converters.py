"""Path converters. A malformed id or tag is a 404 before any query."""

from core.text.names import LONGEST_TAG, fold_tag, is_tag


class IdConverter:
    """A positive id of up to 18 digits, which fits into 64 bits."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


class TagConverter:
    """A hashtag of any script in any spelling; the view gets its key (core.text.names.fold_tag)."""

    # Decomposed, a letter with its marks has up to three characters.
    regex = rf"[^/\s]{{1,{3 * LONGEST_TAG}}}"

    def to_python(self, value: str) -> str:
        key = fold_tag(value)
        if not is_tag(key):
            raise ValueError("not a hashtag")
        return key

    def to_url(self, value: str) -> str:
        return value

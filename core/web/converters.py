"""Path converters. A malformed id or tag is a 404 before any query."""

from core.text.names import LONGEST_TAG, fold_tag, is_tag


class IdConverter:
    """A positive 64-bit id: up to 18 digits, so that no database is asked for more than it can hold."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


class TagConverter:
    """A hashtag of any script, however it is typed; the view gets its key (core.text.names.fold_tag)."""

    # Letters and their marks may come apart: three characters for one.
    regex = rf"[^/\s]{{1,{3 * LONGEST_TAG}}}"

    def to_python(self, value: str) -> str:
        key = fold_tag(value)
        if not is_tag(key):
            raise ValueError("not a hashtag")
        return key

    def to_url(self, value: str) -> str:
        return value

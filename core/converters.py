"""Parts of addresses. What cannot be an id or a name is a 404 before any query is made."""


class IdConverter:
    """A positive 64-bit id: up to 18 digits, so that no database is asked for more than it can hold."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)

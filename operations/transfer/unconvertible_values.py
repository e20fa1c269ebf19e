"""A value that has no place in its column."""


class UnconvertibleValue(ValueError):
    """Why a value cannot be carried over. `told` may hold one `{}`, where `value` stands when it may be shown."""

    def __init__(self, template: str, value: str | None) -> None:
        self.template = template
        self.value = value
        super().__init__(template)

    def describe_value(self, *, hidden: bool) -> str:
        """What is wrong; with `hidden` the value itself stays untold."""
        return self.template.replace(
            "{}", "a value (not shown)" if hidden or self.value is None else self.value, 1
        )

"""Values that the target's column cannot hold."""


class UnconvertibleValue(ValueError):
    """A value cannot be transferred. `template` may contain one `{}` for `value`, when it may be shown."""

    def __init__(self, template: str, value: str | None) -> None:
        self.template = template
        self.value = value
        super().__init__(template)

    def describe_value(self, *, hidden: bool) -> str:
        """Return what is wrong; with `hidden` without the value."""
        return self.template.replace(
            "{}", "a value (not shown)" if hidden or self.value is None else self.value, 1
        )

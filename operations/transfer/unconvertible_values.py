"""A value that has no place in its column."""


class Misfit(ValueError):
    """Why a value cannot be carried over. `told` may hold one `{}`, where `value` stands when it may be shown."""

    def __init__(self, told: str, value: str | None) -> None:
        self.told = told
        self.value = value
        super().__init__(told)

    def words(self, *, hidden: bool) -> str:
        """What is wrong; with `hidden` the value itself stays untold."""
        return self.told.replace(
            "{}", "a value (not shown)" if hidden or self.value is None else self.value, 1
        )

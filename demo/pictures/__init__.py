"""Pictures made at seed time: portraits, scenes, patterns and diagrams, each the same for the same seed."""

import random
from collections.abc import Callable
from typing import Any

from PIL import Image

from . import charts, patterns, scenes, sketches

Draw = Callable[..., Image.Image]

KINDS: dict[str, Draw] = {**scenes.KINDS, **patterns.KINDS, **charts.KINDS, **sketches.KINDS}
COVER = (1500, 375)


def drawn(kind: str, *, seed: str, **data: Any) -> Image.Image:
    """The picture of a `kind` for a post; `data` is what a diagram shows."""
    return KINDS[kind](_dice(kind, seed), **data)


def cover(kind: str, *, seed: str) -> Image.Image:
    """A scene or pattern of a `kind` in the shape of a cover."""
    return KINDS[kind](_dice(kind, seed), size=COVER)


def _dice(*names: str) -> random.Random:
    return random.Random(":".join(names))  # noqa: S311 -- repeatable on purpose

"""Pictures made at seed time: portraits, scenes, patterns and diagrams, each the same for the same seed."""

import random
from collections.abc import Callable
from typing import Any

from PIL import Image

from . import charts, patterns, scenes, sketches

Draw = Callable[..., Image.Image]

KINDS: dict[str, Draw] = {**scenes.KINDS, **patterns.KINDS, **charts.KINDS, **sketches.KINDS}
COVER = (1500, 375)


def draw_picture(kind: str, *, seed: str, **data: Any) -> Image.Image:
    """Draw the picture of a `kind` for a post; `data` is what a diagram shows."""
    return KINDS[kind](_seeded_rng(kind, seed), **data)


def draw_cover(kind: str, *, seed: str) -> Image.Image:
    """Draw a scene or pattern of a `kind` in the size of a cover."""
    return KINDS[kind](_seeded_rng(kind, seed), size=COVER)


def _seeded_rng(*names: str) -> random.Random:
    return random.Random(":".join(names))  # noqa: S311 -- repeatable on purpose

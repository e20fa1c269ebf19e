"""Diagrams of numbers: bars and curves, with as little ink as they need."""

import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from .canvas import Colour, Point

SIZE = (1200, 750)
LEFT, TOP, RIGHT, BOTTOM = 90, 150, 1130, 640
PAPER, INK, MUTED, LINE, ACCENT, SOFT = "#fbfaf7", "#15201e", "#5c6b68", "#dde4e1", "#0c655c", "#a9d3c8"


class Sheet:
    """Paper with a title on which a diagram is drawn."""

    def __init__(self, title: str = "") -> None:
        self.image = Image.new("RGB", SIZE, PAPER)
        self.draw = ImageDraw.Draw(self.image)
        if title:
            self.write((LEFT, 64), title, 38)

    def write(
        self, place: Point, text: str, size: float = 26, fill: str | Colour = INK, anchor: str = "ls"
    ) -> None:
        """Text in one line; `anchor` says what of it stands at `place`, as Pillow counts."""
        self.draw.text(place, text, fill=fill, font=ImageFont.load_default(size), anchor=anchor)


def written(value: float) -> str:
    """A number as it stands in a diagram: 1906 → 1,906, 0.5 → 0.5, 14.0 → 14."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _bars(dice: random.Random, *, title: str, labels: Sequence[str], values: Sequence[float]) -> Image.Image:
    sheet = Sheet(title)
    step = (RIGHT - LEFT) / len(values)
    highest = max(values)
    # The last bar is what one should look at; of pairs, the second of each.
    accented = range(1, len(values), 2) if len(values) == 6 else [len(values) - 1]
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        middle = LEFT + (index + 0.5) * step
        top = BOTTOM - (BOTTOM - TOP) * value / highest
        wide = min(step * 0.32, 90)
        fill = ACCENT if index in accented else SOFT
        sheet.draw.rectangle([middle - wide, min(top, BOTTOM - 4), middle + wide, BOTTOM], fill=fill)
        sheet.write((middle, min(top, BOTTOM - 4) - 12), written(value), 30, anchor="ms")
        sheet.write((middle, BOTTOM + 42), label, 27, MUTED, anchor="ms")
    sheet.draw.line([(LEFT, BOTTOM), (RIGHT, BOTTOM)], fill=INK, width=3)
    return sheet.image


def _curve(dice: random.Random, *, title: str, values: Sequence[float], unit: str) -> Image.Image:
    sheet = Sheet(title)
    scale = _round_up(max(values))
    for share in (0.0, 0.5, 1.0):
        y = BOTTOM - (BOTTOM - TOP) * share
        sheet.draw.line([(LEFT, y), (RIGHT, y)], fill=LINE, width=2)
        sheet.write((LEFT - 14, y + 9), written(scale * share), 24, MUTED, anchor="rs")
    sheet.write((LEFT, TOP - 22), unit, 24, MUTED)
    points = _smooth([
        (LEFT + (RIGHT - LEFT) * index / (len(values) - 1), BOTTOM - (BOTTOM - TOP) * value / scale)
        for index, value in enumerate(values)
    ])  # fmt: skip
    sheet.draw.polygon([(LEFT, BOTTOM), *points, (RIGHT, BOTTOM)], fill="#e0f0ec")
    sheet.draw.line(points, fill=ACCENT, width=6, joint="curve")
    sheet.draw.line([(LEFT, BOTTOM), (RIGHT, BOTTOM)], fill=INK, width=3)
    return sheet.image


def _round_up(value: float) -> float:
    """The next number that reads well on an axis: 1, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value)


def _smooth(points: list[Point], steps: int = 14) -> list[Point]:
    """More points between the given ones, eased, so that the line bends and never overshoots."""
    smooth: list[Point] = []
    for (x, y), (next_x, next_y) in pairwise(points):
        for step in range(steps):
            share = step / steps
            eased = share * share * (3 - 2 * share)
            smooth.append((x + (next_x - x) * share, y + (next_y - y) * eased))
    return [*smooth, points[-1]]


KINDS: dict[str, Callable[..., Image.Image]] = {"bars": _bars, "curve": _curve}

"""Diagrams of numbers: bars and curves."""

import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from .canvas import Colour, Point

SIZE = (1200, 750)
LEFT, TOP, RIGHT, BOTTOM = 90, 150, 1130, 640
CURVE_STEPS = 14
PAPER, INK, MUTED, GRID_COLOUR, ACCENT, SOFT = (
    "#fbfaf7",
    "#15201e",
    "#5c6b68",
    "#dde4e1",
    "#0c655c",
    "#a9d3c8",
)

Diagram = Callable[..., Image.Image]

KINDS: dict[str, Diagram] = {}


def register_kind(kind: str, kinds: dict[str, Diagram]) -> Callable[[Diagram], Diagram]:
    """Register a function that draws a diagram as a `kind` in `kinds`."""

    def register(draw: Diagram) -> Diagram:
        kinds[kind] = draw
        return draw

    return register


class Sheet:
    """A sheet with a title for a diagram."""

    def __init__(self, title: str = "") -> None:
        self.image = Image.new("RGB", SIZE, PAPER)
        self.draw = ImageDraw.Draw(self.image)
        if title:
            self.write_text((LEFT, 64), title, 38)

    def write_text(
        self, position: Point, text: str, size: float = 26, fill: str | Colour = INK, anchor: str = "ls"
    ) -> None:
        """Write one line of text; `anchor` is the part of it at `position`, in Pillow's notation."""
        self.draw.text(position, text, fill=fill, font=ImageFont.load_default(size), anchor=anchor)


def format_number(value: float) -> str:
    """Return a number for a diagram: 1906 → 1,906, 0.5 → 0.5, 14.0 → 14."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


@register_kind("bars", KINDS)
def draw_bars(
    rng: random.Random, *, title: str, labels: Sequence[str], values: Sequence[float]
) -> Image.Image:
    sheet = Sheet(title)
    spacing = (RIGHT - LEFT) / len(values)
    highest = max(values)
    # The last bar is what one should look at; of pairs, the second of each.
    accented = range(1, len(values), 2) if len(values) == 6 else [len(values) - 1]
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        middle = LEFT + (index + 0.5) * spacing
        top = BOTTOM - (BOTTOM - TOP) * value / highest
        wide = min(spacing * 0.32, 90)
        fill = ACCENT if index in accented else SOFT
        sheet.draw.rectangle([middle - wide, min(top, BOTTOM - 4), middle + wide, BOTTOM], fill=fill)
        sheet.write_text((middle, min(top, BOTTOM - 4) - 12), format_number(value), 30, anchor="ms")
        sheet.write_text((middle, BOTTOM + 42), label, 27, MUTED, anchor="ms")
    sheet.draw.line([(LEFT, BOTTOM), (RIGHT, BOTTOM)], fill=INK, width=3)
    return sheet.image


@register_kind("curve", KINDS)
def draw_curve(rng: random.Random, *, title: str, values: Sequence[float], unit: str) -> Image.Image:
    sheet = Sheet(title)
    # The next number that reads well on an axis.
    power = 10.0 ** math.floor(math.log10(max(values)))
    scale = next(
        factor * power for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if factor * power >= max(values)
    )
    for share in (0.0, 0.5, 1.0):
        y = BOTTOM - (BOTTOM - TOP) * share
        sheet.draw.line([(LEFT, y), (RIGHT, y)], fill=GRID_COLOUR, width=2)
        sheet.write_text((LEFT - 14, y + 9), format_number(scale * share), 24, MUTED, anchor="rs")
    sheet.write_text((LEFT, TOP - 22), unit, 24, MUTED)
    corners = [
        (LEFT + (RIGHT - LEFT) * index / (len(values) - 1), BOTTOM - (BOTTOM - TOP) * value / scale)
        for index, value in enumerate(values)
    ]
    # With eased points between the corners the curve is smooth and never overshoots.
    points: list[Point] = []
    for (x, y), (next_x, next_y) in pairwise(corners):
        for step in range(CURVE_STEPS):
            share = step / CURVE_STEPS
            eased = share * share * (3 - 2 * share)
            points.append((x + (next_x - x) * share, y + (next_y - y) * eased))
    points.append(corners[-1])
    sheet.draw.polygon([(LEFT, BOTTOM), *points, (RIGHT, BOTTOM)], fill="#e0f0ec")
    sheet.draw.line(points, fill=ACCENT, width=6, joint="curve")
    sheet.draw.line([(LEFT, BOTTOM), (RIGHT, BOTTOM)], fill=INK, width=3)
    return sheet.image

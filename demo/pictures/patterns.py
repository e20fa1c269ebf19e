"""Abstract compositions: tiles, rings, bricks and other orders of simple shapes."""

import math
import random
from collections.abc import Callable

from PIL import Image

from .canvas import PALETTES, Canvas, Size, mixed

SQUARE: Size = (1000, 1000)

Pattern = Callable[[random.Random, Canvas, tuple[str, ...]], None]


def _pattern(paint: Pattern, *palettes: int) -> Callable[..., Image.Image]:
    """A way to draw that lets `paint` fill the canvas, in the colours asked for or one of the `palettes`."""

    def draw(dice: random.Random, size: Size = SQUARE, palette: int | None = None) -> Image.Image:
        colours = PALETTES[dice.choice(palettes) if palette is None else palette]
        canvas = Canvas(size, colours[0])
        paint(dice, canvas, colours)
        return canvas.finished()

    return draw


def _cells(canvas: Canvas, side: float) -> list[tuple[float, float]]:
    return [
        (column * side, row * side)
        for row in range(math.ceil(canvas.height / side))
        for column in range(math.ceil(canvas.width / side))
    ]


def _tiles(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    side = 125.0
    for x, y in _cells(canvas, side):
        ground, shape = dice.sample(colours, 2)
        canvas.box(x, y, x + side, y + side, ground)
        corner = dice.randrange(4)
        centre = (x + side * (corner % 2), y + side * (corner // 2))
        start = (0, 90, 270, 180)[corner]
        canvas.pie(centre, side, start, start + 90, shape)
        canvas.pie(centre, side * 0.45, start, start + 90, ground)


def _bauhaus(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    side = 250.0
    for x, y in _cells(canvas, side):
        ground, shape, detail = dice.sample(colours, 3)
        canvas.box(x, y, x + side, y + side, ground)
        kind = dice.randrange(4)
        if kind == 0:
            canvas.circle((x + side / 2, y + side / 2), side * 0.36, shape)
            canvas.circle((x + side / 2, y + side / 2), side * 0.16, detail)
        elif kind == 1:
            canvas.pie((x, y), side, 0, 90, shape)
            canvas.pie((x, y), side * 0.5, 0, 90, detail)
        elif kind == 2:
            canvas.polygon([(x, y + side), (x + side, y), (x + side, y + side)], shape)
        else:
            for bar in range(3):
                left = x + side * (0.14 + 0.28 * bar)
                canvas.box(left, y, left + side * 0.14, y + side, shape)


def _circles(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    for _crown in range(round(canvas.width * canvas.height / 16_000)):
        centre = (dice.uniform(0, canvas.width), dice.uniform(0, canvas.height))
        radius = dice.uniform(30, 110)
        one, two = dice.sample(colours[1:], 2)
        canvas.circle(centre, radius, mixed(one, two, dice.uniform(0, 0.5)))
        canvas.circle(
            (centre[0] - radius * 0.2, centre[1] - radius * 0.2), radius * 0.55, mixed(one, colours[0], 0.35)
        )


def _rings(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    centre = (canvas.width * 0.46, canvas.height * 0.52)
    radius = canvas.height * 0.72
    while radius > 20:
        canvas.ellipse(
            centre, radius, radius * 0.94, mixed(dice.choice(colours[:4]), colours[0], dice.uniform(0, 0.6))
        )
        radius -= dice.uniform(8, 34)
    canvas.circle(centre, 18, colours[4])


def _bricks(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    width, height, joint = 125.0, 50.0, 5.0
    odd = (dice.randrange(2, 6), dice.randrange(6, 14))
    for row in range(math.ceil(canvas.height / height)):
        for column in range(-1, math.ceil(canvas.width / width) + 1):
            left, top = column * width + (row % 2) * width / 2, row * height
            fill = mixed("#a8483a", "#d98b66", dice.random())
            if (column, row) == odd:
                fill = mixed("#2a6f8f", "#5a9fbf", 0.4)
            canvas.box(left, top, left + width - joint, top + height - joint, fill, radius=3)


def _circuit(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.box(0, 0, canvas.width, canvas.height, "#123c36")
    copper = "#d9a066"
    for lane in range(22):
        x, y = 40.0 + lane * 43, 0.0 if lane % 2 else float(canvas.height)
        way = [(x, y)]
        for _turn in range(3):
            y += dice.uniform(90, 260) * (1 if lane % 2 else -1)
            way.append((x, y))
            x, y = x + dice.choice((-43, 43)), y + (43 if lane % 2 else -43)
            way.append((x, y))
        canvas.line(way, mixed(copper, "#123c36", dice.uniform(0, 0.45)), 7)
        canvas.circle(way[-1], 15, copper)
        canvas.circle(way[-1], 7, "#123c36")
    canvas.box(390, 400, 640, 610, "#1b1f22", radius=10)
    for pin in range(9):
        canvas.box(404 + pin * 26, 380, 416 + pin * 26, 402, "#cfd6d3")
        canvas.box(404 + pin * 26, 608, 416 + pin * 26, 630, "#cfd6d3")
    canvas.circle((420, 432), 10, "#4a5357")


def _rails(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.box(0, 0, canvas.width, canvas.height, mixed(colours[4], "#000000", 0.25))
    for _star in range(70):
        canvas.circle(
            (dice.uniform(0, canvas.width), dice.uniform(0, canvas.height * 0.42)),
            dice.uniform(1, 3),
            colours[1],
        )
    canvas.polygon(
        [(0, canvas.height), (canvas.width * 0.5, canvas.height * 0.42), (canvas.width, canvas.height)],
        mixed(colours[4], colours[3], 0.4),
    )
    far, near = canvas.height * 0.42, float(canvas.height)
    for left, right in ((0.02, 0.36), (0.58, 0.92)):
        for step in range(1, 22):  # sleepers, closer together the further away they are
            share = (step / 21) ** 2.2
            y = far + (near - far) * share
            start, end = (canvas.width * (0.5 + (edge - 0.5) * share) for edge in (left - 0.04, right + 0.04))
            canvas.line([(start, y), (end, y)], mixed(colours[3], colours[4], 0.2), 1 + 13 * share)
        for edge in (left, right):
            foot = canvas.width * edge
            canvas.polygon(
                [
                    (foot - 7, near),
                    (canvas.width * 0.5 - 1, far),
                    (canvas.width * 0.5 + 1, far),
                    (foot + 7, near),
                ],
                colours[1],
            )
    canvas.glow((canvas.width * 0.73, canvas.height * 0.4), 90, "#ff5a48", 0.9)
    canvas.line(
        [(canvas.width * 0.73, canvas.height * 0.4), (canvas.width * 0.73, canvas.height * 0.62)],
        "#0c1018",
        9,
    )
    canvas.circle((canvas.width * 0.73, canvas.height * 0.4), 15, "#ff8a78")


def _drops(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.box(0, 0, canvas.width, canvas.height, colours[4])
    for _drop in range(26):
        centre = (dice.uniform(0, canvas.width), dice.uniform(0, canvas.height))
        reach = dice.uniform(40, 170)
        for ring in range(1, 6):
            canvas.ring(centre, reach * ring / 5, mixed(colours[1], colours[4], 0.25 + 0.14 * ring), 3)


def _moon(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.box(0, 0, canvas.width, canvas.height, mixed(colours[2], colours[3], 0.5))
    canvas.circle((canvas.width * 0.52, canvas.height * 0.42), canvas.width * 0.21, colours[0])
    for step in range(5):
        centre = (canvas.width * dice.uniform(0, 1), canvas.height * (0.72 + 0.08 * step))
        canvas.ellipse(
            centre,
            canvas.width * dice.uniform(0.5, 0.8),
            canvas.height * 0.16,
            mixed(colours[1], colours[4], 0.15 + 0.17 * step),
        )


def _paper(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.box(0, 0, canvas.width, canvas.height, "#6d5543")
    for step in range(6):
        angle = math.radians(dice.uniform(-22, 22))
        middle = (canvas.width * dice.uniform(0.4, 0.6), canvas.height * dice.uniform(0.42, 0.58))
        corners = [
            (
                middle[0] + x * math.cos(angle) - y * math.sin(angle),
                middle[1] + x * math.sin(angle) + y * math.cos(angle),
            )
            for x, y in ((-290, -370), (290, -370), (290, 370), (-290, 370))
        ]
        canvas.polygon(corners, mixed("#c9ad84", "#f6ead2", step / 5))
        fold = [
            ((corners[i][0] + corners[(i + 3) % 4][0]) / 2, (corners[i][1] + corners[(i + 3) % 4][1]) / 2)
            for i in (0, 2)
        ]
        canvas.line(fold, mixed("#a8875f", "#d8c19a", step / 5), 3)
    canvas.circle((canvas.width * 0.56, canvas.height * 0.68), 62, "#9c2f2a")
    canvas.ring((canvas.width * 0.56, canvas.height * 0.68), 44, "#c25a50", 6)


KINDS = {
    "tiles": _pattern(_tiles, 1, 2, 4),
    "bauhaus": _pattern(_bauhaus, 0, 2),
    "circles": _pattern(_circles, 4, 6),
    "rings": _pattern(_rings, 0, 4),
    "bricks": _pattern(_bricks, 0),
    "circuit": _pattern(_circuit, 1),
    "rails": _pattern(_rails, 3),
    "drops": _pattern(_drops, 1, 3),
    "moon": _pattern(_moon, 5),
    "paper": _pattern(_paper, 0),
}

"""Abstract compositions: tiles, rings, bricks and other arrangements of simple shapes."""

import math
import random
from collections.abc import Callable

from PIL import Image

from .canvas import PALETTES, Canvas, Size, mix_colours

SQUARE: Size = (1000, 1000)

Pattern = Callable[[random.Random, Canvas, tuple[str, ...]], None]

KINDS: dict[str, Callable[..., Image.Image]] = {}


def pattern(kind: str, *palettes: int) -> Callable[[Pattern], Pattern]:
    """Register a function that fills a canvas, in the requested palette or one of `palettes`, as a `kind`."""

    def register(paint: Pattern) -> Pattern:
        def draw_pattern(rng: random.Random, size: Size = SQUARE, palette: int | None = None) -> Image.Image:
            colours = PALETTES[rng.choice(palettes) if palette is None else palette]
            canvas = Canvas(size, colours[0])
            paint(rng, canvas, colours)
            return canvas.finish_image()

        KINDS[kind] = draw_pattern
        return paint

    return register


def _cell_corners(canvas: Canvas, side: float) -> list[tuple[float, float]]:
    return [
        (column * side, row * side)
        for row in range(math.ceil(canvas.height / side))
        for column in range(math.ceil(canvas.width / side))
    ]


@pattern("tiles", 1, 2, 4)
def draw_tiles(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    side = 125.0
    for x, y in _cell_corners(canvas, side):
        ground, shape = rng.sample(colours, 2)
        canvas.draw_box(x, y, x + side, y + side, ground)
        corner = rng.randrange(4)
        centre = (x + side * (corner % 2), y + side * (corner // 2))
        start = (0, 90, 270, 180)[corner]
        canvas.draw_pie(centre, side, start, start + 90, shape)
        canvas.draw_pie(centre, side * 0.45, start, start + 90, ground)


@pattern("bauhaus", 0, 2)
def draw_bauhaus(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    side = 250.0
    for x, y in _cell_corners(canvas, side):
        ground, shape, detail = rng.sample(colours, 3)
        canvas.draw_box(x, y, x + side, y + side, ground)
        kind = rng.randrange(4)
        if kind == 0:
            canvas.draw_circle((x + side / 2, y + side / 2), side * 0.36, shape)
            canvas.draw_circle((x + side / 2, y + side / 2), side * 0.16, detail)
        elif kind == 1:
            canvas.draw_pie((x, y), side, 0, 90, shape)
            canvas.draw_pie((x, y), side * 0.5, 0, 90, detail)
        elif kind == 2:
            canvas.draw_polygon([(x, y + side), (x + side, y), (x + side, y + side)], shape)
        else:
            for bar in range(3):
                left = x + side * (0.14 + 0.28 * bar)
                canvas.draw_box(left, y, left + side * 0.14, y + side, shape)


@pattern("circles", 4, 6)
def draw_circles(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    for _crown in range(round(canvas.width * canvas.height / 16_000)):
        centre = (rng.uniform(0, canvas.width), rng.uniform(0, canvas.height))
        radius = rng.uniform(30, 110)
        one, two = rng.sample(colours[1:], 2)
        canvas.draw_circle(centre, radius, mix_colours(one, two, rng.uniform(0, 0.5)))
        canvas.draw_circle(
            (centre[0] - radius * 0.2, centre[1] - radius * 0.2),
            radius * 0.55,
            mix_colours(one, colours[0], 0.35),
        )


@pattern("rings", 0, 4)
def draw_rings(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    centre = (canvas.width * 0.46, canvas.height * 0.52)
    radius = canvas.height * 0.72
    while radius > 20:
        canvas.draw_ellipse(
            centre,
            radius,
            radius * 0.94,
            mix_colours(rng.choice(colours[:4]), colours[0], rng.uniform(0, 0.6)),
        )
        radius -= rng.uniform(8, 34)
    canvas.draw_circle(centre, 18, colours[4])


@pattern("bricks", 0)
def draw_bricks(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    width, height, joint = 125.0, 50.0, 5.0
    odd = (rng.randrange(2, 6), rng.randrange(6, 14))
    for row in range(math.ceil(canvas.height / height)):
        for column in range(-1, math.ceil(canvas.width / width) + 1):
            left, top = column * width + (row % 2) * width / 2, row * height
            fill = mix_colours("#a8483a", "#d98b66", rng.random())
            if (column, row) == odd:
                fill = mix_colours("#2a6f8f", "#5a9fbf", 0.4)
            canvas.draw_box(left, top, left + width - joint, top + height - joint, fill, radius=3)


@pattern("circuit", 1)
def draw_circuit(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.draw_box(0, 0, canvas.width, canvas.height, "#123c36")
    copper = "#d9a066"
    for lane in range(22):
        x, y = 40.0 + lane * 43, 0.0 if lane % 2 else float(canvas.height)
        way = [(x, y)]
        for _bend in range(3):
            y += rng.uniform(90, 260) * (1 if lane % 2 else -1)
            way.append((x, y))
            x, y = x + rng.choice((-43, 43)), y + (43 if lane % 2 else -43)
            way.append((x, y))
        canvas.draw_line(way, mix_colours(copper, "#123c36", rng.uniform(0, 0.45)), 7)
        canvas.draw_circle(way[-1], 15, copper)
        canvas.draw_circle(way[-1], 7, "#123c36")
    canvas.draw_box(390, 400, 640, 610, "#1b1f22", radius=10)
    for pin in range(9):
        canvas.draw_box(404 + pin * 26, 380, 416 + pin * 26, 402, "#cfd6d3")
        canvas.draw_box(404 + pin * 26, 608, 416 + pin * 26, 630, "#cfd6d3")
    canvas.draw_circle((420, 432), 10, "#4a5357")


@pattern("rails", 3)
def draw_rails(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.draw_box(0, 0, canvas.width, canvas.height, mix_colours(colours[4], "#000000", 0.25))
    for _star in range(70):
        canvas.draw_circle(
            (rng.uniform(0, canvas.width), rng.uniform(0, canvas.height * 0.42)),
            rng.uniform(1, 3),
            colours[1],
        )
    canvas.draw_polygon(
        [(0, canvas.height), (canvas.width * 0.5, canvas.height * 0.42), (canvas.width, canvas.height)],
        mix_colours(colours[4], colours[3], 0.4),
    )
    far, near = canvas.height * 0.42, float(canvas.height)
    for left, right in ((0.02, 0.36), (0.58, 0.92)):
        for index in range(1, 22):  # sleepers, closer together the further away they are
            share = (index / 21) ** 2.2
            y = far + (near - far) * share
            start, end = (canvas.width * (0.5 + (edge - 0.5) * share) for edge in (left - 0.04, right + 0.04))
            canvas.draw_line([(start, y), (end, y)], mix_colours(colours[3], colours[4], 0.2), 1 + 13 * share)
        for edge in (left, right):
            foot = canvas.width * edge
            canvas.draw_polygon(
                [
                    (foot - 7, near),
                    (canvas.width * 0.5 - 1, far),
                    (canvas.width * 0.5 + 1, far),
                    (foot + 7, near),
                ],
                colours[1],
            )
    canvas.draw_glow((canvas.width * 0.73, canvas.height * 0.4), 90, "#ff5a48", 0.9)
    canvas.draw_line(
        [(canvas.width * 0.73, canvas.height * 0.4), (canvas.width * 0.73, canvas.height * 0.62)],
        "#0c1018",
        9,
    )
    canvas.draw_circle((canvas.width * 0.73, canvas.height * 0.4), 15, "#ff8a78")


@pattern("drops", 1, 3)
def draw_drops(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.draw_box(0, 0, canvas.width, canvas.height, colours[4])
    for _drop in range(26):
        centre = (rng.uniform(0, canvas.width), rng.uniform(0, canvas.height))
        reach = rng.uniform(40, 170)
        for ring in range(1, 6):
            canvas.draw_ring(
                centre, reach * ring / 5, mix_colours(colours[1], colours[4], 0.25 + 0.14 * ring), 3
            )


@pattern("moon", 5)
def draw_moon(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.draw_box(0, 0, canvas.width, canvas.height, mix_colours(colours[2], colours[3], 0.5))
    canvas.draw_circle((canvas.width * 0.52, canvas.height * 0.42), canvas.width * 0.21, colours[0])
    for index in range(5):
        centre = (canvas.width * rng.uniform(0, 1), canvas.height * (0.72 + 0.08 * index))
        canvas.draw_ellipse(
            centre,
            canvas.width * rng.uniform(0.5, 0.8),
            canvas.height * 0.16,
            mix_colours(colours[1], colours[4], 0.15 + 0.17 * index),
        )


@pattern("paper", 0)
def draw_paper(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.draw_box(0, 0, canvas.width, canvas.height, "#6d5543")
    for index in range(6):
        angle = math.radians(rng.uniform(-22, 22))
        middle = (canvas.width * rng.uniform(0.4, 0.6), canvas.height * rng.uniform(0.42, 0.58))
        corners = [
            (
                middle[0] + x * math.cos(angle) - y * math.sin(angle),
                middle[1] + x * math.sin(angle) + y * math.cos(angle),
            )
            for x, y in ((-290, -370), (290, -370), (290, 370), (-290, 370))
        ]
        canvas.draw_polygon(corners, mix_colours("#c9ad84", "#f6ead2", index / 5))
        fold = [
            ((corners[i][0] + corners[(i + 3) % 4][0]) / 2, (corners[i][1] + corners[(i + 3) % 4][1]) / 2)
            for i in (0, 2)
        ]
        canvas.draw_line(fold, mix_colours("#a8875f", "#d8c19a", index / 5), 3)
    canvas.draw_circle((canvas.width * 0.56, canvas.height * 0.68), 62, "#9c2f2a")
    canvas.draw_ring((canvas.width * 0.56, canvas.height * 0.68), 44, "#c25a50", 6)

"""Landscapes in a few flat layers."""

import math
import random
from collections.abc import Callable

from PIL import Image

from .canvas import PALETTES, POST, Canvas, Point, Size, mix_colours, ridge_points

Scene = Callable[[random.Random, Canvas, tuple[str, ...]], None]

KINDS: dict[str, Callable[..., Image.Image]] = {}


def scene(kind: str, *palettes: int) -> Callable[[Scene], Scene]:
    """Register a function that paints on a sky, in the requested palette or one of `palettes`, as a `kind`."""

    def register(paint: Scene) -> Scene:
        def draw_scene(rng: random.Random, size: Size = POST, palette: int | None = None) -> Image.Image:
            colours = PALETTES[rng.choice(palettes) if palette is None else palette]
            canvas = Canvas(size, colours[1], colours[0])
            paint(rng, canvas, colours)
            return canvas.finish_image()

        KINDS[kind] = draw_scene
        return paint

    return register


def _draw_ridge(
    rng: random.Random, canvas: Canvas, level: float, height: float, fill: object, roughness: int = 4
) -> None:
    line = ridge_points(rng, canvas.width, level * canvas.height, height * canvas.height, roughness)
    canvas.draw_polygon([(0, canvas.height), *line, (canvas.width, canvas.height)], fill)  # type: ignore[arg-type]


def _draw_sun(rng: random.Random, canvas: Canvas, colours: tuple[str, ...], level: float) -> None:
    centre = (canvas.width * rng.uniform(0.25, 0.75), canvas.height * level)
    radius = canvas.height * rng.uniform(0.09, 0.14)
    canvas.draw_glow(centre, radius * 3.4, "#fff6df", 0.7)
    canvas.draw_circle(centre, radius, mix_colours("#fff6df", colours[1], 0.15))


@scene("hills", 1, 2, 6)
def draw_hills(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    _draw_sun(rng, canvas, colours, 0.3)
    for index, level in enumerate((0.5, 0.6, 0.72, 0.86)):
        _draw_ridge(
            rng, canvas, level, 0.07, mix_colours(colours[1], colours[4], 0.2 + 0.22 * index), roughness=2
        )


@scene("mountains", 2, 3, 7)
def draw_mountains(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    _draw_sun(rng, canvas, colours, 0.26)
    count = max(3, round(canvas.width / canvas.height * 2.6))
    spacing = canvas.width / count
    for index, level in enumerate((0.46, 0.6, 0.76)):
        # Valleys and peaks in turn, from beyond the left edge to beyond the right one.
        peaks: list[Point] = []
        for number in range(-1, count + 2):
            x = number * spacing + rng.uniform(-0.2, 0.2) * spacing
            peaks.append((x, canvas.height * (level + rng.uniform(0.02, 0.08))))
            rise = (0.2 - 0.04 * index) * rng.uniform(0.6, 1.3)
            peaks.append(((number + 0.5) * spacing, canvas.height * (level - rise)))
        fill = mix_colours(colours[1], colours[4], 0.3 + 0.3 * index)
        canvas.draw_polygon([(0, canvas.height), *peaks, (canvas.width, canvas.height)], fill)
        if index == 0:
            for left, top, right in zip(peaks[::2], peaks[1::2], peaks[2::2], strict=False):
                # Snow: shares of the way from the top to the valleys on both sides.
                ways = ((left, 0.34), (top, 0), (right, 0.3), (right, 0.16))
                snow = [
                    (top[0] + (to[0] - top[0]) * share, top[1] + (to[1] - top[1]) * share)
                    for to, share in ways
                ]
                snow.append((top[0], top[1] + (left[1] - top[1]) * 0.36))
                canvas.draw_polygon(snow, colours[0])


@scene("coast", 0, 2, 5)
def draw_coast(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    _draw_sun(rng, canvas, colours, 0.42)
    _draw_ridge(rng, canvas, 0.5, 0.05, mix_colours(colours[1], colours[3], 0.4), roughness=3)
    canvas.draw_box(
        0, 0.56 * canvas.height, canvas.width, canvas.height, mix_colours(colours[1], colours[2], 0.55)
    )
    for index in range(14):
        y = canvas.height * (0.59 + 0.022 * index)
        start = rng.uniform(0, 0.7) * canvas.width
        canvas.draw_line([(start, y), (start + rng.uniform(0.1, 0.3) * canvas.width, y)], colours[0], 2.5)
    _draw_ridge(rng, canvas, 0.92, 0.07, colours[4], roughness=2)


@scene("waves", 1, 3)
def draw_waves(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    for index in range(7):
        share = index / 6
        level = canvas.height * (0.3 + 0.11 * index)
        shift, pace = rng.uniform(0, math.tau), rng.uniform(1.4, 2.4) * canvas.width / canvas.height / 1.5
        swell = canvas.height * 0.055
        line = [
            (x, level + swell * math.sin(x / canvas.width * math.tau * pace + shift))
            for x in range(0, canvas.width + 6, 6)
        ]
        canvas.draw_polygon(
            [(0, canvas.height), *line, (canvas.width, canvas.height)],
            mix_colours(colours[1], colours[4], 0.1 + 0.85 * share),
        )
        canvas.draw_line(line, mix_colours(colours[0], colours[2], share * 0.6), 4)


@scene("sun", 0, 4, 7)
def draw_sun(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    centre = (canvas.width * 0.5, canvas.height * 0.56)
    for index in range(5, 0, -1):
        canvas.draw_circle(
            centre,
            canvas.height * (0.12 + 0.075 * index),
            mix_colours(colours[0], colours[2], 0.75 - 0.11 * index),
        )
    _draw_ridge(rng, canvas, 0.7, 0.05, mix_colours(colours[3], colours[2], 0.3), roughness=2)
    _draw_ridge(rng, canvas, 0.83, 0.05, colours[4], roughness=2)
    for x in (0.32, 0.4):
        foot = (canvas.width * x, canvas.height * 0.82)
        canvas.draw_line([foot, (foot[0], foot[1] - canvas.height * 0.12)], colours[0], 4)
        canvas.draw_pie((foot[0], foot[1] - canvas.height * 0.11), canvas.height * 0.06, 180, 360, colours[1])


@scene("dusk", 0, 7)
def draw_dusk(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.draw_glow((canvas.width * 0.6, canvas.height * 0.62), canvas.height * 0.6, "#fff1d0", 0.7)
    _draw_blocks(rng, canvas, 0.44, mix_colours(colours[1], colours[3], 0.45), None)
    _draw_blocks(rng, canvas, 0.6, mix_colours(colours[3], colours[4], 0.35), None)
    _draw_blocks(rng, canvas, 0.74, colours[4], colours[1])


def _draw_blocks(rng: random.Random, canvas: Canvas, level: float, fill: object, lights: str | None) -> None:
    x, unit = -10.0, canvas.height * 0.085
    while x < canvas.width:
        width, top = unit * rng.uniform(0.8, 1.7), canvas.height * (level + rng.uniform(-0.1, 0.06))
        canvas.draw_box(x, top, x + width, canvas.height, fill)  # type: ignore[arg-type]
        if lights:
            for row in range(1, 9):
                for column in range(1, int(width / unit * 3)):
                    if rng.random() < 0.28:
                        left, above = x + column * unit / 3, top + row * unit / 2.6
                        canvas.draw_box(left, above, left + unit / 8, above + unit / 6, lights)
        x += width + unit * 0.06


@scene("skyline", 0, 2, 7)
def draw_skyline(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    _draw_sun(rng, canvas, colours, 0.34)
    quay = canvas.height * 0.72
    x, unit = 0.02 * canvas.width, canvas.height * 0.12
    while x < canvas.width * 0.96:
        width, height = unit * rng.uniform(0.7, 1.0), unit * rng.uniform(1.6, 2.7)
        fill = mix_colours(colours[rng.choice((2, 3))], colours[4], rng.uniform(0.0, 0.55))
        canvas.draw_box(x, quay - height, x + width, quay, fill)
        for index in range(4):  # stepped gable
            inset = width * 0.11 * (index + 1)
            canvas.draw_box(
                x + inset,
                quay - height - unit * 0.13 * (index + 1),
                x + width - inset,
                quay - height + 2,
                fill,
            )
        for row in range(int(height / unit * 2.2)):
            for column in (0.22, 0.62):
                left, above = x + width * column, quay - height + unit * (0.12 + 0.42 * row)
                canvas.draw_box(left, above, left + width * 0.16, above + unit * 0.2, colours[0])
        x += width + 3
    canvas.draw_box(0, quay, canvas.width, canvas.height, mix_colours(colours[4], colours[3], 0.35))
    for index in range(9):
        y, start = quay + canvas.height * (0.03 + 0.025 * index), rng.uniform(0, 0.75) * canvas.width
        canvas.draw_line(
            [(start, y), (start + canvas.width * rng.uniform(0.06, 0.22), y)],
            mix_colours(colours[1], colours[3], 0.4),
            3,
        )


@scene("bridge", 0, 2, 7)
def draw_bridge(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    _draw_sun(rng, canvas, colours, 0.36)
    _draw_ridge(rng, canvas, 0.55, 0.06, mix_colours(colours[1], colours[3], 0.45), roughness=2)
    _draw_ridge(rng, canvas, 0.62, 0.04, mix_colours(colours[1], colours[3], 0.8), roughness=2)
    water = canvas.height * 0.7
    canvas.draw_box(0, water, canvas.width, canvas.height, mix_colours(colours[1], colours[2], 0.5))
    deck, rise = canvas.height * 0.62, canvas.height * 0.09
    across = [
        (x, deck - rise * math.sin(x / canvas.width * math.pi)) for x in range(-10, canvas.width + 20, 10)
    ]
    for x, y in across[3::6]:
        canvas.draw_line([(x, y), (x, y - canvas.height * 0.055)], colours[4], 3)
    canvas.draw_line([(x, y - canvas.height * 0.055) for x, y in across], colours[4], 4)
    canvas.draw_line(across, colours[4], canvas.height * 0.022)
    for share in (0.27, 0.73):
        pier, head, foot = canvas.width * share, deck - rise * 0.6, water + 26
        canvas.draw_polygon(
            [(pier - 9, head), (pier + 9, head), (pier + 16, foot), (pier - 16, foot)],
            colours[4],
        )
    for index in range(10):
        y, start = water + canvas.height * (0.04 + 0.025 * index), rng.uniform(0, 0.7) * canvas.width
        canvas.draw_line(
            [(start, y), (start + rng.uniform(0.08, 0.25) * canvas.width, y)],
            mix_colours(colours[0], colours[2], 0.3),
            3,
        )


@scene("forest", 1, 4, 6)
def draw_forest(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    for index, level in enumerate((0.55, 0.68, 0.84)):
        fill = mix_colours(colours[1], colours[4], 0.25 + 0.35 * index)
        height = canvas.height * (0.24 + 0.05 * index)
        x = -height / 2
        while x < canvas.width + height / 2:
            foot, tall = canvas.height * (level + rng.uniform(0, 0.04)), height * rng.uniform(0.7, 1.2)
            for part in range(3):
                top, wide = foot - tall * (0.4 + 0.3 * part), tall * (0.26 - 0.06 * part)
                canvas.draw_polygon(
                    [(x - wide, top + tall * 0.36), (x, top), (x + wide, top + tall * 0.36)], fill
                )
            x += height * rng.uniform(0.22, 0.4)
        canvas.draw_box(0, canvas.height * level, canvas.width, canvas.height, fill)
    glade = (canvas.width * rng.uniform(0.35, 0.65), canvas.height * 0.56)
    canvas.draw_box(glade[0] - 7, glade[1], glade[0] + 7, glade[1] + canvas.height * 0.26, "#4a3428")
    canvas.draw_circle(glade, canvas.height * 0.15, "#efc04a")
    canvas.draw_circle((glade[0] - 40, glade[1] - 30), canvas.height * 0.09, "#f6d675")


@scene("arches", 0, 2)
def draw_arches(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    count = max(4, round(canvas.width / canvas.height * 3))
    spacing = canvas.width / count
    floor = canvas.height * 0.7
    canvas.draw_box(0, canvas.height * 0.16, canvas.width, floor, mix_colours(colours[1], colours[2], 0.7))
    canvas.draw_box(0, canvas.height * 0.13, canvas.width, canvas.height * 0.17, colours[3])
    for index in range(count):
        middle = (index + 0.5) * spacing
        for radius, fill in (
            (0.4, colours[0]),
            (0.33, mix_colours(colours[3], colours[4], 0.3 + 0.5 * rng.random())),
        ):
            top = canvas.height * 0.42
            canvas.draw_pie((middle, top), spacing * radius, 180, 360, fill)
            canvas.draw_box(middle - spacing * radius, top - 1, middle + spacing * radius, floor, fill)
    canvas.draw_box(0, floor, canvas.width, canvas.height, mix_colours(colours[2], colours[3], 0.35))
    for row in range(9):
        y, start = floor + canvas.height * (0.03 + 0.03 * row), rng.uniform(0, 0.6) * canvas.width
        canvas.draw_line(
            [(start, y), (start + canvas.width * rng.uniform(0.1, 0.35), y)],
            mix_colours(colours[0], colours[2], 0.35),
            3,
        )


@scene("night", 3)
def draw_night(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.draw_box(0, 0, canvas.width, canvas.height, mix_colours(colours[4], "#000000", 0.3))
    for index, level in enumerate((0.5, 0.58)):
        _draw_ridge(
            rng, canvas, level, 0.06, mix_colours(colours[4], colours[3], 0.5 - 0.3 * index), roughness=3
        )
    canvas.draw_circle((canvas.width * 0.77, canvas.height * 0.2), canvas.height * 0.06, colours[0])
    for _light in range(26):
        x, y = rng.uniform(0, canvas.width), canvas.height * rng.uniform(0.56, 0.62)
        canvas.draw_glow((x, y), 26, "#ffe2a0", 0.8)
        canvas.draw_line(
            [(x, y + 30), (x, y + rng.uniform(60, 160))], mix_colours("#ffe2a0", colours[4], 0.55), 3
        )
    frame = mix_colours(colours[4], "#000000", 0.6)
    canvas.draw_box(0, 0, canvas.width, canvas.height * 0.06, frame)
    canvas.draw_box(0, canvas.height * 0.9, canvas.width, canvas.height, frame)
    canvas.draw_box(canvas.width * 0.48, 0, canvas.width * 0.5, canvas.height, frame)


@scene("clinic", 3)
def draw_clinic(rng: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    ground = canvas.height * 0.78
    for index, level in enumerate((0.24, 0.32, 0.4)):
        _draw_ridge(
            rng, canvas, level, 0.04, mix_colours(colours[2], colours[0], 0.1 + 0.2 * index), roughness=3
        )
    canvas.draw_box(0, ground, canvas.width, canvas.height, "#b5793f")
    left, right, top = canvas.width * 0.22, canvas.width * 0.8, canvas.height * 0.52
    canvas.draw_polygon(
        [(left - 40, top), (left + 30, top - 74), (right - 30, top - 74), (right + 40, top)], "#a8483a"
    )
    canvas.draw_box(left, top, right, ground, "#f7f3ea")
    canvas.draw_box(left, ground - 26, right, ground, "#d9cdb8")
    for index in range(6):
        x = left + (right - left) * (index + 0.5) / 6
        if index == 3:
            canvas.draw_box(x - 34, top + 62, x + 34, ground, "#2a6f6a")
        else:
            canvas.draw_box(x - 30, top + 54, x + 30, top + 124, "#8fb9c4")
    for share, tall in ((0.1, 0.5), (0.88, 0.58), (0.96, 0.4)):
        # A palm.
        x, foot, lean = canvas.width * share, ground + 16, rng.uniform(-40, 40)
        crown = (x + lean, foot - canvas.height * tall)
        bend = (x + lean * 0.35, foot - canvas.height * tall * 0.5)
        canvas.draw_line([(x, foot), bend, crown], "#6b4a32", 13)
        for leaf in range(9):
            angle = math.tau * leaf / 9 + rng.uniform(-0.2, 0.2)
            tip = (crown[0] + 120 * math.cos(angle), crown[1] + 62 * math.sin(angle) + 34)
            middle = ((crown[0] + tip[0]) / 2, (crown[1] + tip[1]) / 2 - 38)
            canvas.draw_line([crown, middle, tip], "#2f6b4a" if leaf % 2 else "#3f8560", 12)

"""Landscapes in a few flat layers, as on a printed poster."""

import math
import random
from collections.abc import Callable

from PIL import Image

from .canvas import PALETTES, POST, Canvas, Point, Size, mixed, ridge

Scene = Callable[[random.Random, Canvas, tuple[str, ...]], None]


def _scene(paint: Scene, *palettes: int) -> Callable[..., Image.Image]:
    """A way to draw that lays out the sky, in the colours asked for or one of the `palettes`; `paint` does the rest."""

    def draw(dice: random.Random, size: Size = POST, palette: int | None = None) -> Image.Image:
        colours = PALETTES[dice.choice(palettes) if palette is None else palette]
        canvas = Canvas(size, colours[1], colours[0])
        paint(dice, canvas, colours)
        return canvas.finished()

    return draw


def _layer(
    dice: random.Random, canvas: Canvas, level: float, height: float, fill: object, roughness: int = 4
) -> None:
    line = ridge(dice, canvas.width, level * canvas.height, height * canvas.height, roughness)
    canvas.polygon([(0, canvas.height), *line, (canvas.width, canvas.height)], fill)  # type: ignore[arg-type]


def _sun_disc(dice: random.Random, canvas: Canvas, colours: tuple[str, ...], level: float) -> None:
    centre = (canvas.width * dice.uniform(0.25, 0.75), canvas.height * level)
    radius = canvas.height * dice.uniform(0.09, 0.14)
    canvas.glow(centre, radius * 3.4, "#fff6df", 0.7)
    canvas.circle(centre, radius, mixed("#fff6df", colours[1], 0.15))


def _hills(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    _sun_disc(dice, canvas, colours, 0.3)
    for step, level in enumerate((0.5, 0.6, 0.72, 0.86)):
        _layer(dice, canvas, level, 0.07, mixed(colours[1], colours[4], 0.2 + 0.22 * step), roughness=2)


def _mountains(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    _sun_disc(dice, canvas, colours, 0.26)
    for step, level in enumerate((0.46, 0.6, 0.76)):
        peaks = _peaks(dice, canvas, level, 0.2 - 0.04 * step)
        fill = mixed(colours[1], colours[4], 0.3 + 0.3 * step)
        canvas.polygon([(0, canvas.height), *peaks, (canvas.width, canvas.height)], fill)
        if step == 0:
            for left, top, right in zip(peaks[::2], peaks[1::2], peaks[2::2], strict=False):
                _snow(canvas, left, top, right, colours[0])


def _peaks(dice: random.Random, canvas: Canvas, level: float, height: float) -> list[Point]:
    """Valleys and tops in turn, from beyond the left edge to beyond the right one."""
    count = max(3, round(canvas.width / canvas.height * 2.6))
    step = canvas.width / count
    points: list[Point] = []
    for index in range(-1, count + 2):
        points.append(
            (
                index * step + dice.uniform(-0.2, 0.2) * step,
                canvas.height * (level + dice.uniform(0.02, 0.08)),
            )
        )
        points.append(((index + 0.5) * step, canvas.height * (level - height * dice.uniform(0.6, 1.3))))
    return points


def _snow(canvas: Canvas, left: Point, top: Point, right: Point, colour: str) -> None:
    def down(to: Point, share: float) -> Point:
        return top[0] + (to[0] - top[0]) * share, top[1] + (to[1] - top[1]) * share

    canvas.polygon(
        [down(left, 0.34), top, down(right, 0.3), down(right, 0.16), (top[0], down(left, 0.36)[1])], colour
    )


def _coast(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    _sun_disc(dice, canvas, colours, 0.42)
    _layer(dice, canvas, 0.5, 0.05, mixed(colours[1], colours[3], 0.4), roughness=3)
    canvas.box(0, 0.56 * canvas.height, canvas.width, canvas.height, mixed(colours[1], colours[2], 0.55))
    for step in range(14):
        y = canvas.height * (0.59 + 0.022 * step)
        start = dice.uniform(0, 0.7) * canvas.width
        canvas.line([(start, y), (start + dice.uniform(0.1, 0.3) * canvas.width, y)], colours[0], 2.5)
    _layer(dice, canvas, 0.92, 0.07, colours[4], roughness=2)


def _waves(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    for step in range(7):
        share = step / 6
        level = canvas.height * (0.3 + 0.11 * step)
        shift, pace = dice.uniform(0, math.tau), dice.uniform(1.4, 2.4) * canvas.width / canvas.height / 1.5
        swell = canvas.height * 0.055
        line = [
            (x, level + swell * math.sin(x / canvas.width * math.tau * pace + shift))
            for x in range(0, canvas.width + 6, 6)
        ]
        canvas.polygon(
            [(0, canvas.height), *line, (canvas.width, canvas.height)],
            mixed(colours[1], colours[4], 0.1 + 0.85 * share),
        )
        canvas.line(line, mixed(colours[0], colours[2], share * 0.6), 4)


def _sun(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    centre = (canvas.width * 0.5, canvas.height * 0.56)
    for step in range(5, 0, -1):
        canvas.circle(
            centre, canvas.height * (0.12 + 0.075 * step), mixed(colours[0], colours[2], 0.75 - 0.11 * step)
        )
    _layer(dice, canvas, 0.7, 0.05, mixed(colours[3], colours[2], 0.3), roughness=2)
    _layer(dice, canvas, 0.83, 0.05, colours[4], roughness=2)
    for x in (0.32, 0.4):
        foot = (canvas.width * x, canvas.height * 0.82)
        canvas.line([foot, (foot[0], foot[1] - canvas.height * 0.12)], colours[0], 4)
        canvas.pie((foot[0], foot[1] - canvas.height * 0.11), canvas.height * 0.06, 180, 360, colours[1])


def _dusk(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.glow((canvas.width * 0.6, canvas.height * 0.62), canvas.height * 0.6, "#fff1d0", 0.7)
    _blocks(dice, canvas, 0.44, mixed(colours[1], colours[3], 0.45), None)
    _blocks(dice, canvas, 0.6, mixed(colours[3], colours[4], 0.35), None)
    _blocks(dice, canvas, 0.74, colours[4], colours[1])


def _blocks(dice: random.Random, canvas: Canvas, level: float, fill: object, lights: str | None) -> None:
    x, unit = -10.0, canvas.height * 0.085
    while x < canvas.width:
        width, top = unit * dice.uniform(0.8, 1.7), canvas.height * (level + dice.uniform(-0.1, 0.06))
        canvas.box(x, top, x + width, canvas.height, fill)  # type: ignore[arg-type]
        if lights:
            for row in range(1, 9):
                for column in range(1, int(width / unit * 3)):
                    if dice.random() < 0.28:
                        left, above = x + column * unit / 3, top + row * unit / 2.6
                        canvas.box(left, above, left + unit / 8, above + unit / 6, lights)
        x += width + unit * 0.06


def _skyline(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    _sun_disc(dice, canvas, colours, 0.34)
    quay = canvas.height * 0.72
    x, unit = 0.02 * canvas.width, canvas.height * 0.12
    while x < canvas.width * 0.96:
        width, height = unit * dice.uniform(0.7, 1.0), unit * dice.uniform(1.6, 2.7)
        fill = mixed(colours[dice.choice((2, 3))], colours[4], dice.uniform(0.0, 0.55))
        canvas.box(x, quay - height, x + width, quay, fill)
        for step in range(4):  # stepped gable
            inset = width * 0.11 * (step + 1)
            canvas.box(
                x + inset,
                quay - height - unit * 0.13 * (step + 1),
                x + width - inset,
                quay - height + 2,
                fill,
            )
        for row in range(int(height / unit * 2.2)):
            for column in (0.22, 0.62):
                left, above = x + width * column, quay - height + unit * (0.12 + 0.42 * row)
                canvas.box(left, above, left + width * 0.16, above + unit * 0.2, colours[0])
        x += width + 3
    canvas.box(0, quay, canvas.width, canvas.height, mixed(colours[4], colours[3], 0.35))
    for step in range(9):
        y, start = quay + canvas.height * (0.03 + 0.025 * step), dice.uniform(0, 0.75) * canvas.width
        canvas.line(
            [(start, y), (start + canvas.width * dice.uniform(0.06, 0.22), y)],
            mixed(colours[1], colours[3], 0.4),
            3,
        )


def _bridge(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    _sun_disc(dice, canvas, colours, 0.36)
    _layer(dice, canvas, 0.55, 0.06, mixed(colours[1], colours[3], 0.45), roughness=2)
    _layer(dice, canvas, 0.62, 0.04, mixed(colours[1], colours[3], 0.8), roughness=2)
    water = canvas.height * 0.7
    canvas.box(0, water, canvas.width, canvas.height, mixed(colours[1], colours[2], 0.5))
    deck, rise = canvas.height * 0.62, canvas.height * 0.09
    across = [
        (x, deck - rise * math.sin(x / canvas.width * math.pi)) for x in range(-10, canvas.width + 20, 10)
    ]
    for x, y in across[3::6]:
        canvas.line([(x, y), (x, y - canvas.height * 0.055)], colours[4], 3)
    canvas.line([(x, y - canvas.height * 0.055) for x, y in across], colours[4], 4)
    canvas.line(across, colours[4], canvas.height * 0.022)
    for share in (0.27, 0.73):
        pier, head, foot = canvas.width * share, deck - rise * 0.6, water + 26
        canvas.polygon(
            [(pier - 9, head), (pier + 9, head), (pier + 16, foot), (pier - 16, foot)],
            colours[4],
        )
    for step in range(10):
        y, start = water + canvas.height * (0.04 + 0.025 * step), dice.uniform(0, 0.7) * canvas.width
        canvas.line(
            [(start, y), (start + dice.uniform(0.08, 0.25) * canvas.width, y)],
            mixed(colours[0], colours[2], 0.3),
            3,
        )


def _forest(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    for step, level in enumerate((0.55, 0.68, 0.84)):
        fill = mixed(colours[1], colours[4], 0.25 + 0.35 * step)
        height = canvas.height * (0.24 + 0.05 * step)
        x = -height / 2
        while x < canvas.width + height / 2:
            foot, tall = canvas.height * (level + dice.uniform(0, 0.04)), height * dice.uniform(0.7, 1.2)
            for part in range(3):
                top, wide = foot - tall * (0.4 + 0.3 * part), tall * (0.26 - 0.06 * part)
                canvas.polygon([(x - wide, top + tall * 0.36), (x, top), (x + wide, top + tall * 0.36)], fill)
            x += height * dice.uniform(0.22, 0.4)
        canvas.box(0, canvas.height * level, canvas.width, canvas.height, fill)
    glade = (canvas.width * dice.uniform(0.35, 0.65), canvas.height * 0.56)
    canvas.box(glade[0] - 7, glade[1], glade[0] + 7, glade[1] + canvas.height * 0.26, "#4a3428")
    canvas.circle(glade, canvas.height * 0.15, "#efc04a")
    canvas.circle((glade[0] - 40, glade[1] - 30), canvas.height * 0.09, "#f6d675")


def _arches(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    count = max(4, round(canvas.width / canvas.height * 3))
    step = canvas.width / count
    floor = canvas.height * 0.7
    canvas.box(0, canvas.height * 0.16, canvas.width, floor, mixed(colours[1], colours[2], 0.7))
    canvas.box(0, canvas.height * 0.13, canvas.width, canvas.height * 0.17, colours[3])
    for index in range(count):
        middle = (index + 0.5) * step
        for radius, fill in (
            (0.4, colours[0]),
            (0.33, mixed(colours[3], colours[4], 0.3 + 0.5 * dice.random())),
        ):
            top = canvas.height * 0.42
            canvas.pie((middle, top), step * radius, 180, 360, fill)
            canvas.box(middle - step * radius, top - 1, middle + step * radius, floor, fill)
    canvas.box(0, floor, canvas.width, canvas.height, mixed(colours[2], colours[3], 0.35))
    for row in range(9):
        y, start = floor + canvas.height * (0.03 + 0.03 * row), dice.uniform(0, 0.6) * canvas.width
        canvas.line(
            [(start, y), (start + canvas.width * dice.uniform(0.1, 0.35), y)],
            mixed(colours[0], colours[2], 0.35),
            3,
        )


def _night(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    canvas.box(0, 0, canvas.width, canvas.height, mixed(colours[4], "#000000", 0.3))
    for step, level in enumerate((0.5, 0.58)):
        _layer(dice, canvas, level, 0.06, mixed(colours[4], colours[3], 0.5 - 0.3 * step), roughness=3)
    canvas.circle((canvas.width * 0.77, canvas.height * 0.2), canvas.height * 0.06, colours[0])
    for _light in range(26):
        x, y = dice.uniform(0, canvas.width), canvas.height * dice.uniform(0.56, 0.62)
        canvas.glow((x, y), 26, "#ffe2a0", 0.8)
        canvas.line([(x, y + 30), (x, y + dice.uniform(60, 160))], mixed("#ffe2a0", colours[4], 0.55), 3)
    frame = mixed(colours[4], "#000000", 0.6)
    canvas.box(0, 0, canvas.width, canvas.height * 0.06, frame)
    canvas.box(0, canvas.height * 0.9, canvas.width, canvas.height, frame)
    canvas.box(canvas.width * 0.48, 0, canvas.width * 0.5, canvas.height, frame)


def _clinic(dice: random.Random, canvas: Canvas, colours: tuple[str, ...]) -> None:
    ground = canvas.height * 0.78
    for step, level in enumerate((0.24, 0.32, 0.4)):
        _layer(dice, canvas, level, 0.04, mixed(colours[2], colours[0], 0.1 + 0.2 * step), roughness=3)
    canvas.box(0, ground, canvas.width, canvas.height, "#b5793f")
    left, right, top = canvas.width * 0.22, canvas.width * 0.8, canvas.height * 0.52
    canvas.polygon(
        [(left - 40, top), (left + 30, top - 74), (right - 30, top - 74), (right + 40, top)], "#a8483a"
    )
    canvas.box(left, top, right, ground, "#f7f3ea")
    canvas.box(left, ground - 26, right, ground, "#d9cdb8")
    for index in range(6):
        x = left + (right - left) * (index + 0.5) / 6
        if index == 3:
            canvas.box(x - 34, top + 62, x + 34, ground, "#2a6f6a")
        else:
            canvas.box(x - 30, top + 54, x + 30, top + 124, "#8fb9c4")
    for share, tall in ((0.1, 0.5), (0.88, 0.58), (0.96, 0.4)):
        _palm(dice, canvas, canvas.width * share, ground + 16, canvas.height * tall)


def _palm(dice: random.Random, canvas: Canvas, x: float, foot: float, tall: float) -> None:
    lean = dice.uniform(-40, 40)
    crown = (x + lean, foot - tall)
    canvas.line([(x, foot), (x + lean * 0.35, foot - tall * 0.5), crown], "#6b4a32", 13)
    for leaf in range(9):
        angle = math.tau * leaf / 9 + dice.uniform(-0.2, 0.2)
        tip = (crown[0] + 120 * math.cos(angle), crown[1] + 62 * math.sin(angle) + 34)
        middle = ((crown[0] + tip[0]) / 2, (crown[1] + tip[1]) / 2 - 38)
        canvas.line([crown, middle, tip], "#2f6b4a" if leaf % 2 else "#3f8560", 12)


KINDS = {
    "clinic": _scene(_clinic, 3),
    "hills": _scene(_hills, 1, 2, 6),
    "mountains": _scene(_mountains, 2, 3, 7),
    "coast": _scene(_coast, 0, 2, 5),
    "waves": _scene(_waves, 1, 3),
    "sun": _scene(_sun, 0, 4, 7),
    "dusk": _scene(_dusk, 0, 7),
    "skyline": _scene(_skyline, 0, 2, 7),
    "bridge": _scene(_bridge, 0, 2, 7),
    "forest": _scene(_forest, 1, 4, 6),
    "arches": _scene(_arches, 0, 2),
    "night": _scene(_night, 3),
}

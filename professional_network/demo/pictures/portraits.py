"""Portraits of nobody: head and shoulders from a few shapes, in colours that hold together at 64 pixels."""

import random
from collections.abc import Callable

from PIL import Image

from .canvas import Canvas, mixed

SIDE = 512

# Background above and below, face, hair, clothes.
COLOURS = (
    ("#cfe8e1", "#8cc4b8", "#f0c9a4", "#5b3a29", "#0c655c"),
    ("#f7dcc4", "#e8a987", "#8d5a3c", "#2a1c1a", "#f4efe6"),
    ("#d9dff2", "#a3b0dc", "#e3b08a", "#26304f", "#c8553d"),
    ("#f5e6b8", "#e5c26b", "#6f4430", "#201815", "#2f5d62"),
    ("#e6d5e3", "#b893b5", "#f3d3b8", "#8a4f2d", "#3f3d6b"),
    ("#d4e6c8", "#93b97c", "#c98f65", "#3a2a20", "#f1e3cf"),
    ("#f3cfc6", "#d98b7c", "#f2d0b1", "#b7b2ab", "#24414d"),
    ("#cde3ee", "#84b3cd", "#a86f4b", "#1d1d24", "#e9b44c"),
    ("#eadfd3", "#c3ab93", "#f0c6a0", "#c98a3c", "#6a3d4a"),
    ("#c9d6d3", "#7f9d98", "#7b4a33", "#14171c", "#d9644a"),
    ("#fae3e3", "#e4a9b3", "#dfa67c", "#4a2a2a", "#4f7a5a"),
    ("#dcd9ea", "#8f88b8", "#f5dcc6", "#d8d3cc", "#b0413e"),
)

Shape = Callable[[Canvas, str], None]


def portrait(style: str, *, seed: str) -> Image.Image:
    """A portrait with hair or headgear in one of the STYLES; the colours follow from `seed`."""
    dice = random.Random(seed)  # noqa: S311 -- repeatable on purpose
    above, below, face, hair, clothes = dice.choice(COLOURS)
    lean = dice.uniform(-10, 10)
    canvas = Canvas((SIDE, SIDE), above, below)
    canvas.circle((256 + 4 * lean, 250), 205, mixed(above, "#ffffff", 0.35))
    behind, before = STYLES[style]
    behind(canvas, hair)
    _shoulders(canvas, clothes, dice)
    _head(canvas, face)
    before(canvas, hair if style != "scarf" else clothes)
    return canvas.finished()


def _shoulders(canvas: Canvas, clothes: str, dice: random.Random) -> None:
    shade = mixed(clothes, "#000000", 0.16)
    canvas.ellipse((256, 520), 190, 138, clothes)
    canvas.box(66, 500, 446, 530, clothes)
    cut = dice.randrange(3)
    if cut == 0:  # lapels
        canvas.polygon([(200, 392), (256, 512), (312, 392), (340, 400), (262, 530), (250, 530), (172, 400)], shade)
    elif cut == 1:  # round collar
        canvas.ellipse((256, 396), 70, 30, shade)
    else:  # a seam
        canvas.line([(150, 430), (190, 520)], shade, 7)
        canvas.line([(362, 430), (322, 520)], shade, 7)


def _head(canvas: Canvas, face: str) -> None:
    neck = mixed(face, "#3a1d12", 0.22)
    canvas.box(214, 300, 298, 408, neck, radius=36)
    canvas.ellipse((256, 402), 42, 24, neck)
    canvas.ellipse((256, 238), 88, 108, face)


def _nothing(canvas: Canvas, colour: str) -> None:
    """Some styles have nothing on this side of the head."""


def _cap_of_hair(canvas: Canvas, hair: str) -> None:
    canvas.polygon([(166, 238), (162, 180), (186, 132), (256, 108), (326, 132), (350, 180), (346, 238), (330, 196),
                    (290, 176), (220, 190), (184, 200)], hair)  # fmt: skip
    canvas.pie((256, 206), 98, 180, 360, hair)
    canvas.polygon([(158, 206), (354, 206), (336, 222), (300, 186), (232, 206), (182, 196), (168, 240)], hair)


def _short(canvas: Canvas, hair: str) -> None:
    canvas.pie((256, 196), 96, 182, 358, hair)
    canvas.polygon([(161, 192), (351, 192), (346, 236), (330, 190), (210, 172), (182, 196), (166, 236)], hair)


def _crop(canvas: Canvas, hair: str) -> None:
    canvas.pie((256, 204), 92, 186, 354, hair)


def _beard(canvas: Canvas, hair: str) -> None:
    _short(canvas, hair)
    canvas.pie((256, 262), 92, 8, 172, hair)
    canvas.polygon([(166, 262), (346, 262), (346, 275), (166, 275)], hair)
    canvas.polygon([(168, 236), (180, 236), (188, 280), (166, 280)], hair)
    canvas.polygon([(344, 236), (332, 236), (324, 280), (346, 280)], hair)


def _bald(canvas: Canvas, hair: str) -> None:
    canvas.pie((256, 272), 90, 14, 166, hair)
    canvas.polygon([(168, 268), (344, 268), (344, 292), (168, 292)], hair)


def _long_behind(canvas: Canvas, hair: str) -> None:
    canvas.box(146, 130, 366, 430, hair, radius=100)


def _parted(canvas: Canvas, hair: str) -> None:
    canvas.pie((256, 208), 100, 180, 360, hair)
    canvas.polygon([(156, 206), (240, 206), (222, 168), (190, 260), (156, 300)], hair)
    canvas.polygon([(222, 206), (356, 206), (356, 300), (330, 250), (226, 170)], hair)


def _fringe(canvas: Canvas, hair: str) -> None:
    canvas.pie((256, 208), 100, 180, 360, hair)
    canvas.box(156, 190, 356, 222, hair, radius=12)
    canvas.box(154, 200, 188, 326, hair, radius=16)
    canvas.box(324, 200, 358, 326, hair, radius=16)


def _bun(canvas: Canvas, hair: str) -> None:
    canvas.circle((256, 92), 46, hair)


def _curls_behind(canvas: Canvas, hair: str) -> None:
    for x, y, radius in ((256, 130, 84), (180, 168, 66), (332, 168, 66), (150, 238, 58), (362, 238, 58),
                         (166, 310, 50), (346, 310, 50)):  # fmt: skip
        canvas.circle((x, y), radius, hair)


def _curls(canvas: Canvas, hair: str) -> None:
    for x, y, radius in ((196, 158, 40), (248, 140, 44), (304, 154, 42), (336, 190, 26), (174, 194, 26)):
        canvas.circle((x, y), radius, hair)


def _scarf_behind(canvas: Canvas, colour: str) -> None:
    """The scarf is drawn in front, in the colour of the clothes."""


def _scarf(canvas: Canvas, colour: str) -> None:
    shade = mixed(colour, "#000000", 0.14)
    light = mixed(colour, "#ffffff", 0.12)
    canvas.polygon([(256, 96), (330, 120), (368, 190), (370, 300), (392, 420), (256, 470), (120, 420), (142, 300),
                    (144, 190), (182, 120)], light)  # fmt: skip
    canvas.ellipse((256, 214), 116, 118, light)
    canvas.polygon([(142, 300), (256, 420), (370, 300), (400, 440), (256, 500), (112, 440)], shade)


def _hat(canvas: Canvas, hair: str) -> None:
    canvas.box(180, 84, 332, 190, hair, radius=46)
    canvas.ellipse((256, 182), 138, 24, mixed(hair, "#000000", 0.25))


STYLES: dict[str, tuple[Shape, Shape]] = {
    "short": (_nothing, _short),
    "crop": (_nothing, _crop),
    "beard": (_nothing, _beard),
    "bald": (_nothing, _bald),
    "long": (_long_behind, _parted),
    "fringe": (_nothing, _fringe),
    "bun": (_bun, _cap_of_hair),
    "curls": (_curls_behind, _curls),
    "scarf": (_scarf_behind, _scarf),
    "hat": (_nothing, _hat),
}

"""Portraits of invented people: head and shoulders from a few shapes, recognizable at 64 pixels."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from .canvas import Canvas, mix_colours

SIDE = 512


@dataclass(frozen=True)
class Look:
    """The colours of one portrait: background above and below, face, hair, clothes."""

    above: str
    below: str
    face: str
    hair: str
    clothes: str


LOOKS = (
    Look("#cfe8e1", "#8cc4b8", "#f0c9a4", "#5b3a29", "#0c655c"),
    Look("#f7dcc4", "#e8a987", "#8d5a3c", "#2a1c1a", "#f4efe6"),
    Look("#d9dff2", "#a3b0dc", "#e3b08a", "#26304f", "#c8553d"),
    Look("#f5e6b8", "#e5c26b", "#6f4430", "#201815", "#2f5d62"),
    Look("#e6d5e3", "#b893b5", "#f3d3b8", "#8a4f2d", "#3f3d6b"),
    Look("#d4e6c8", "#93b97c", "#c98f65", "#3a2a20", "#b85c38"),
    Look("#f3cfc6", "#d98b7c", "#f2d0b1", "#b7b2ab", "#24414d"),
    Look("#cde3ee", "#84b3cd", "#a86f4b", "#1d1d24", "#e9b44c"),
    Look("#eadfd3", "#c3ab93", "#f0c6a0", "#c98a3c", "#6a3d4a"),
    Look("#c9d6d3", "#7f9d98", "#7b4a33", "#14171c", "#d9644a"),
    Look("#fae3e3", "#e4a9b3", "#dfa67c", "#4a2a2a", "#4f7a5a"),
    Look("#dcd9ea", "#8f88b8", "#f5dcc6", "#d8d3cc", "#b0413e"),
    Look("#e3edd8", "#a7c19a", "#e8b98f", "#2b2b33", "#7a3b4e"),
    Look("#fde7d0", "#f1b88a", "#b97a52", "#2e1d18", "#1f4e5f"),
    Look("#d5e0e6", "#93a9b8", "#f1cdb0", "#7a5a3a", "#d98b4a"),
    Look("#efe0ee", "#c79ec4", "#9a6544", "#221a1f", "#f2c14e"),
)

Shape = Callable[[Canvas, Look], None]


# What is drawn on the head, and what is drawn before it.
STYLES: dict[str, Shape] = {}
BEHIND_HEAD: dict[str, Shape] = {}


def register_style(style: str, shapes: dict[str, Shape]) -> Callable[[Shape], Shape]:
    """Register a function that draws a part of a `style`."""

    def register(draw: Shape) -> Shape:
        shapes[style] = draw
        return draw

    return register


def draw_portrait(style: str, colours: int, *, seed: str) -> Image.Image:
    """Draw a portrait with hair or headgear in one of the STYLES and one of the LOOKS; `seed` decides the rest."""
    rng = random.Random(seed)  # noqa: S311 -- repeatable on purpose
    look = LOOKS[colours]
    canvas = Canvas((SIDE, SIDE), look.above, look.below)
    canvas.draw_circle((256 + rng.uniform(-40, 40), 250), 205, mix_colours(look.above, "#ffffff", 0.35))
    if style in BEHIND_HEAD:
        BEHIND_HEAD[style](canvas, look)
    shade = mix_colours(look.clothes, "#000000", 0.16)
    canvas.draw_ellipse((256, 520), 190, 138, look.clothes)
    cut = rng.randrange(3)
    if cut == 0:  # lapels
        canvas.draw_polygon(
            [(200, 392), (256, 512), (312, 392), (340, 400), (262, 530), (250, 530), (172, 400)], shade
        )
    elif cut == 1:  # round collar
        canvas.draw_ellipse((256, 396), 70, 30, shade)
    else:  # seams
        canvas.draw_line([(150, 430), (190, 520)], shade, 7)
        canvas.draw_line([(362, 430), (322, 520)], shade, 7)
    neck = mix_colours(look.face, "#3a1d12", 0.22)
    canvas.draw_box(214, 300, 298, 408, neck, radius=36)
    canvas.draw_ellipse((256, 402), 42, 24, neck)
    canvas.draw_ellipse((256, 238), 88, 108, look.face)
    STYLES[style](canvas, look)
    return canvas.finish_image()


@register_style("short", STYLES)
def draw_short_hair(canvas: Canvas, look: Look) -> None:
    canvas.draw_pie((256, 196), 96, 182, 358, look.hair)
    canvas.draw_polygon(
        [(161, 192), (351, 192), (346, 236), (330, 190), (210, 172), (182, 196), (166, 236)], look.hair
    )


@register_style("crop", STYLES)
def draw_cropped_hair(canvas: Canvas, look: Look) -> None:
    canvas.draw_pie((256, 204), 92, 186, 354, look.hair)


@register_style("beard", STYLES)
def draw_beard(canvas: Canvas, look: Look) -> None:
    canvas.draw_ellipse((256, 262), 92, 96, look.hair)
    canvas.draw_ellipse((256, 218), 80, 100, look.face)
    canvas.draw_box(168, 130, 344, 236, look.face, radius=80)
    canvas.draw_ellipse((256, 308), 30, 9, mix_colours(look.hair, look.face, 0.35))
    draw_short_hair(canvas, look)


@register_style("bald", STYLES)
def draw_bald_head(canvas: Canvas, look: Look) -> None:
    canvas.draw_ellipse((256, 238), 88, 108, look.face)
    canvas.draw_pie((256, 236), 97, 150, 205, look.hair)
    canvas.draw_pie((256, 236), 97, 335, 390, look.hair)
    canvas.draw_ellipse((256, 232), 82, 106, look.face)


@register_style("long", BEHIND_HEAD)
def draw_long_hair(canvas: Canvas, look: Look) -> None:
    canvas.draw_box(146, 130, 366, 430, look.hair, radius=100)


@register_style("long", STYLES)
def draw_parted_hair(canvas: Canvas, look: Look) -> None:
    canvas.draw_pie((256, 208), 100, 180, 360, look.hair)
    canvas.draw_polygon([(156, 206), (240, 206), (222, 168), (190, 260), (156, 300)], look.hair)
    canvas.draw_polygon([(222, 206), (356, 206), (356, 300), (330, 250), (226, 170)], look.hair)


@register_style("fringe", STYLES)
def draw_fringe(canvas: Canvas, look: Look) -> None:
    canvas.draw_pie((256, 208), 100, 180, 360, look.hair)
    canvas.draw_box(156, 190, 356, 222, look.hair, radius=12)
    canvas.draw_box(154, 200, 188, 326, look.hair, radius=16)
    canvas.draw_box(324, 200, 358, 326, look.hair, radius=16)


@register_style("bun", BEHIND_HEAD)
def draw_bun(canvas: Canvas, look: Look) -> None:
    canvas.draw_circle((256, 92), 46, look.hair)


@register_style("bun", STYLES)
def draw_swept_hair(canvas: Canvas, look: Look) -> None:
    canvas.draw_pie((256, 206), 98, 180, 360, look.hair)
    canvas.draw_polygon(
        [(158, 206), (354, 206), (336, 222), (300, 186), (232, 206), (182, 196), (168, 240)], look.hair
    )


@register_style("curls", BEHIND_HEAD)
def draw_curls_behind(canvas: Canvas, look: Look) -> None:
    for x, y, radius in ((256, 130, 84), (180, 168, 66), (332, 168, 66), (150, 238, 58), (362, 238, 58),
                         (166, 310, 50), (346, 310, 50)):  # fmt: skip
        canvas.draw_circle((x, y), radius, look.hair)


@register_style("curls", STYLES)
def draw_curls(canvas: Canvas, look: Look) -> None:
    for x, y, radius in ((196, 158, 40), (248, 140, 44), (304, 154, 42), (336, 190, 26), (174, 194, 26)):
        canvas.draw_circle((x, y), radius, look.hair)


@register_style("scarf", STYLES)
def draw_scarf(canvas: Canvas, look: Look) -> None:
    cloth = mix_colours(look.below, look.clothes, 0.62)
    shade = mix_colours(look.below, look.clothes, 0.85)
    canvas.draw_ellipse((256, 222), 114, 132, cloth)
    canvas.draw_polygon(
        [(142, 222), (370, 222), (366, 330), (398, 436), (256, 486), (114, 436), (146, 330)], cloth
    )
    canvas.draw_polygon([(150, 330), (256, 436), (366, 326), (398, 436), (256, 492), (114, 436)], shade)
    canvas.draw_ellipse((256, 244), 78, 92, look.face)
    canvas.draw_pie((256, 214), 84, 196, 344, shade)
    canvas.draw_ellipse((256, 252), 78, 84, look.face)


@register_style("hat", STYLES)
def draw_hat(canvas: Canvas, look: Look) -> None:
    felt = mix_colours(look.hair, look.clothes, 0.7)
    canvas.draw_box(180, 84, 332, 190, felt, radius=46)
    canvas.draw_box(180, 154, 332, 182, mix_colours(look.clothes, "#ffffff", 0.25))
    canvas.draw_ellipse((256, 184), 138, 22, mix_colours(look.hair, look.clothes, 0.5))

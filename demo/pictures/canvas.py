"""The canvas of all pictures, twice as large as the result for smooth edges."""

import math
import random
from collections.abc import Sequence

from PIL import Image, ImageColor, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]
Size = tuple[int, int]

OVERSAMPLED = 2
POST: Size = (1200, 800)

# Each from the sky or ground down to the darkest, five steps that go together.
PALETTES = (
    ("#f6e7cf", "#f0b67f", "#d97b5b", "#8c4a5b", "#2f2d4a"),
    ("#e8f1ee", "#a9d3c8", "#5aa396", "#2a6f6a", "#123c40"),
    ("#fbeee0", "#f3c9a5", "#7fb0a8", "#3d7280", "#1e3a4c"),
    ("#eef0f6", "#b9c4e0", "#8090c0", "#4b5a92", "#262f57"),
    ("#fdf3d8", "#f4d58d", "#bf9f5f", "#708d81", "#274c4a"),
    ("#f3ecec", "#e0b9b0", "#b5838d", "#6d6875", "#34324a"),
    ("#f0f4e8", "#c9d8a8", "#8fae73", "#4f7a5a", "#22453c"),
    ("#fff1e6", "#ffcfae", "#e59a8a", "#8a6d9c", "#3c3a66"),
)


class Canvas:
    """A drawing in the coordinates of the finished picture."""

    def __init__(self, size: Size, top: str, bottom: str = "") -> None:
        self.width, self.height = size
        self._large = (self.width * OVERSAMPLED, self.height * OVERSAMPLED)
        self.image = make_gradient(self._large, top, bottom or top)
        self._draw = ImageDraw.Draw(self.image)

    def finish_image(self) -> Image.Image:
        """Return the picture in its final size."""
        return self.image.resize((self.width, self.height), Image.Resampling.BOX)

    def draw_polygon(self, points: Sequence[Point], fill: str | Colour) -> None:
        self._draw.polygon([self._scale_point(point) for point in points], fill=fill)

    def draw_line(self, points: Sequence[Point], fill: str | Colour, width: float = 2) -> None:
        self._draw.line(
            [self._scale_point(p) for p in points], fill=fill, width=self._scale_length(width), joint="curve"
        )

    def draw_ellipse(self, centre: Point, rx: float, ry: float, fill: str | Colour) -> None:
        x, y = centre
        self._draw.ellipse(
            [self._scale_point((x - rx, y - ry)), self._scale_point((x + rx, y + ry))], fill=fill
        )

    def draw_circle(self, centre: Point, radius: float, fill: str | Colour) -> None:
        self.draw_ellipse(centre, radius, radius, fill)

    def draw_ring(self, centre: Point, radius: float, colour: str | Colour, width: float) -> None:
        x, y = centre
        box = [self._scale_point((x - radius, y - radius)), self._scale_point((x + radius, y + radius))]
        self._draw.ellipse(box, outline=colour, width=self._scale_length(width))

    def draw_pie(self, centre: Point, radius: float, start: float, end: float, fill: str | Colour) -> None:
        """Draw a slice from `start` to `end` degrees, clockwise from three o'clock."""
        x, y = centre
        box = [self._scale_point((x - radius, y - radius)), self._scale_point((x + radius, y + radius))]
        self._draw.pieslice(box, start, end, fill=fill)

    def draw_box(
        self, left: float, top: float, right: float, bottom: float, fill: str | Colour, radius: float = 0
    ) -> None:
        corners = [self._scale_point((left, top)), self._scale_point((right, bottom))]
        self._draw.rounded_rectangle(corners, self._scale_length(radius) if radius else 0, fill=fill)

    def draw_glow(self, centre: Point, radius: float, colour: str, strength: float = 0.6) -> None:
        """Draw light that fades towards `radius`; `strength` (0 to 1) is its opacity in the middle."""
        side = self._scale_length(2 * radius)
        fading = Image.radial_gradient("L").point(
            [max(0, round((180 - v) * 255 / 180 * strength)) for v in range(256)]
        )
        corner = (self._scale_length(centre[0] - radius), self._scale_length(centre[1] - radius))
        self.image.paste(
            ImageColor.getrgb(colour)[:3],
            (*corner, corner[0] + side, corner[1] + side),
            fading.resize((side, side)),
        )

    def _scale_point(self, point: Point) -> Point:
        return point[0] * OVERSAMPLED, point[1] * OVERSAMPLED

    @staticmethod
    def _scale_length(value: float) -> int:
        return round(value * OVERSAMPLED)


def make_gradient(size: Size, top: str, bottom: str) -> Image.Image:
    """Return an image with a gradient from the `top` to the `bottom` colour."""
    mask = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), mask)


def mix_colours(one: str, two: str, share: float) -> Colour:
    """Return the mix of two colours with `share` (0 to 1) of `two`."""
    first, second = ImageColor.getrgb(one), ImageColor.getrgb(two)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first[:3], second[:3], strict=True))
    return red, green, blue


def ridge_points(
    rng: random.Random, width: int, level: float, height: float, roughness: int = 4
) -> list[Point]:
    """Return the points of a ridge around `level`: the sum of a few waves of different length."""
    waves = [
        (rng.uniform(0.6, 1.4) * 2**n, rng.uniform(0, math.tau), height / 1.9**n) for n in range(roughness)
    ]
    return [
        (
            x,
            level
            - sum(size * math.sin(x / width * math.tau * pace * 0.7 + shift) for pace, shift, size in waves),
        )
        for x in range(0, width + 8, 8)
    ]

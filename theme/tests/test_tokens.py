"""Contrast of the colours by WCAG 2.2 (1.4.3 text, 1.4.11 controls), in both schemes."""

import math
import re
from itertools import product
from pathlib import Path

from tests.cases import all_cases

ASSETS = Path(__file__).resolve().parent.parent / "assets"
TOKENS = (ASSETS / "tokens.css").read_text(encoding="utf-8")
CHROMA = [
    float(c)
    for c in re.findall(r"oklch\(var\(--person-\w+\) ([\d.]+)", (ASSETS / "parts/people.css").read_text())
]

TEXT = [
    (ink, back)
    for ink in ("ink", "muted", "accent", "good", "warning", "danger")
    for back in ("surface", "raised")
] + [
    ("ink", "sunken"), ("muted", "sunken"), ("accent-ink", "accent"), ("accent-ink", "accent-strong"),
    ("danger-ink", "danger"), ("danger-ink", "danger-strong"), ("accent", "accent-soft"), ("good", "good-soft"),
    ("warning", "warning-soft"), ("danger", "danger-soft"), ("ink", "danger-soft"), ("ink", "accent-soft"),
]  # fmt: skip
CONTROLS = [("control", "raised"), ("control", "surface"), ("accent", "raised"), ("danger", "raised")]


def scheme(name: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\n\s*\}", TOKENS, re.DOTALL)[:2]
    tokens = dict(re.findall(r"--([\w-]+): (#\w{6}|[\d.]+%);", light))
    if name == "dark":
        tokens |= dict(re.findall(r"--([\w-]+): (#\w{6}|[\d.]+%);", dark))
    return tokens


def luminance(red: float, green: float, blue: float) -> float:
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def of_hex(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return luminance(*(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts))


def of_oklch(lightness: float, chroma: float, hue: float) -> float:
    """Convert by the matrices of CSS Color 4; components outside sRGB are clipped, as in browsers."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return luminance(*(min(max(c, 0), 1) for c in linear))


def contrast(one: float, other: float) -> float:
    light, dark = max(one, other), min(one, other)
    return (light + 0.05) / (dark + 0.05)


def test_text_is_readable() -> None:
    with all_cases() as case:
        for (ink, back), name in product(TEXT, ("light", "dark")):
            with case(f"{ink!r}, {back!r}, {name!r}"):
                tokens = scheme(name)
                assert contrast(of_hex(tokens[ink]), of_hex(tokens[back])) >= 4.5


def test_controls_stand_out() -> None:
    with all_cases() as case:
        for (edge, back), name in product(CONTROLS, ("light", "dark")):
            with case(f"{edge!r}, {back!r}, {name!r}"):
                tokens = scheme(name)
                assert contrast(of_hex(tokens[edge]), of_hex(tokens[back])) >= 3


def test_initials_are_readable_on_every_hue() -> None:
    with all_cases() as case:
        for hue, name in product(
            (15, 45, 75, 105, 135, 160, 185, 215, 245, 275, 310, 345), ("light", "dark")
        ):
            with case(f"{hue!r}, {name!r}"):
                tokens = scheme(name)
                back, ink = (float(tokens[key].rstrip("%")) / 100 for key in ("person-back", "person-ink"))
                assert contrast(of_oklch(back, CHROMA[0], hue), of_oklch(ink, CHROMA[1], hue)) >= 4.5

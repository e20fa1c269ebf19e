"""Sketches: section, plan, map, flow, boxes."""

import random
from collections.abc import Sequence

from PIL import Image

from .charts import ACCENT, GRID_COLOUR, INK, MUTED, SOFT, Diagram, Sheet, register_kind

KINDS: dict[str, Diagram] = {}


@register_kind("section", KINDS)
def draw_section(rng: random.Random) -> Image.Image:
    sheet = Sheet("Section 1 : 20")
    draw = sheet.draw
    draw.rectangle([220, 420, 980, 450], fill=SOFT)
    for plank in range(220, 980, 76):
        draw.line([(plank, 420), (plank, 450)], fill=ACCENT, width=3)
    for girder in (360, 780):
        draw.rectangle([girder, 450, girder + 60, 560], fill=ACCENT)
        draw.rectangle([girder - 20, 552, girder + 80, 566], fill=ACCENT)
    for post in (230, 960):
        draw.rectangle([post, 200, post + 12, 420], fill=INK)
        for rail in (205, 262, 320, 378):
            draw.line([(post - 26, rail), (post + 38, rail)], fill=INK, width=5)
    draw.line([(220, 640), (980, 640)], fill=MUTED, width=2)
    for end in (220, 980):
        draw.line([(end, 626), (end, 654)], fill=MUTED, width=2)
    sheet.write_text((600, 628), "2.80 m", 28, MUTED, anchor="ms")
    sheet.write_text((600, 350), "gap of 12 mm: the water leaves here", 28, INK, anchor="ms")
    draw.line([(600, 362), (600, 416)], fill=INK, width=3)
    draw.polygon([(590, 402), (610, 402), (600, 418)], fill=INK)
    return sheet.image


@register_kind("plan", KINDS)
def draw_plan(rng: random.Random, *, title: str) -> Image.Image:
    sheet = Sheet(title)
    draw = sheet.draw
    draw.rectangle([110, 130, 1090, 660], outline=INK, width=9)
    draw.rectangle([330, 250, 870, 540], fill=SOFT, outline=ACCENT, width=5)
    for lane in range(1, 5):
        draw.line([(350, 250 + 58 * lane), (850, 250 + 58 * lane)], fill=ACCENT, width=2)
    for side in (110, 970):
        for cabin in range(6):
            top = 150 + cabin * 84
            draw.rectangle([side, top, side + 120, top + 84], outline=INK, width=4)
            draw.arc([side + 20, top + 10, side + 84, top + 74], 0, 90, fill=MUTED, width=3)
    draw.rectangle([540, 652, 660, 668], fill="#fbfaf7")
    sheet.write_text((600, 404), "25 m", 34, ACCENT, anchor="mm")
    sheet.write_text((600, 706), "entrance", 26, MUTED, anchor="ms")
    return sheet.image


@register_kind("map", KINDS)
def draw_map(rng: random.Random, *, labels: Sequence[str]) -> Image.Image:
    sheet = Sheet()
    draw = sheet.draw
    draw.rectangle([0, 0, 1200, 750], fill="#eef3ef")
    for x in range(-200, 1400, 130):
        draw.line([(x, 750), (x + 330, 150)], fill="#ffffff", width=9)
    for y in range(300, 760, 95):
        draw.line([(0, y), (1200, y - 70)], fill="#ffffff", width=9)
    draw.polygon(
        [(0, 0), (1200, 0), (1200, 120), (900, 210), (560, 170), (240, 260), (0, 210)], fill="#bfdbe4"
    )
    draw.line([(0, 690), (420, 520), (780, 460), (1200, 330)], fill=GRID_COLOUR, width=22, joint="curve")
    stations = [(330, 610), (520, 430), (800, 300)]
    draw.line([stations[0], stations[1]], fill=ACCENT, width=6)
    for (x, y), label, fill in zip(stations, labels, (SOFT, ACCENT, "#d97b5b"), strict=True):
        draw.ellipse([x - 20, y - 20, x + 20, y + 20], fill=fill, outline=INK, width=4)
        sheet.write_text((x + 32, y + 10), label, 32)
    return sheet.image


@register_kind("flow", KINDS)
def draw_flow(rng: random.Random, *, labels: Sequence[str]) -> Image.Image:
    sheet = Sheet()
    draw = sheet.draw
    spacing = 1080 / len(labels)
    wide = spacing * 0.72
    for index, label in enumerate(labels):
        left, top = 60 + index * spacing + (spacing - wide) / 2, 300 + 34 * (index - (len(labels) - 1) / 2)
        last = index == len(labels) - 1
        draw.rounded_rectangle([left, top, left + wide, top + 130], 18, fill=ACCENT if last else SOFT)
        sheet.write_text((left + wide / 2, top + 66), label, 30, "#ffffff" if last else INK, anchor="mm")
        if not last:
            start, end = left + wide + 8, left + spacing - 8
            draw.line([(start, top + 72), (end, top + 96)], fill=INK, width=4)
            draw.polygon([(end + 4, top + 99), (end - 14, top + 84), (end - 19, top + 102)], fill=INK)
    return sheet.image


@register_kind("boxes", KINDS)
def draw_boxes(rng: random.Random) -> Image.Image:
    sheet = Sheet()
    draw = sheet.draw
    odd = (rng.randrange(1, 7), rng.randrange(3))
    for row in range(3):
        floor = 236 + 226 * row
        for column in range(8):
            left = 60 + 137 * column
            draw.rectangle(
                [left, floor - 176, left + 112, floor], fill="#ffffff", outline=GRID_COLOUR, width=3
            )
            draw.rectangle([left, floor - 176, left + 112, floor - 120], fill="#a9d3c8")
            fold = 40 if (column, row) == odd else 26
            draw.polygon(
                [
                    (left + 112 - fold, floor - 176),
                    (left + 112, floor - 176),
                    (left + 112, floor - 176 + fold),
                ],
                fill=ACCENT,
            )
            for line, long in enumerate((74, 58, 66)):
                draw.rectangle(
                    [left + 16, floor - 96 + 24 * line, left + 16 + long, floor - 88 + 24 * line], fill=MUTED
                )
        draw.rectangle([30, floor, 1170, floor + 14], fill="#8c7a63")
    return sheet.image

"""What the robot's screen shows: a picture and a sentence for each phase."""

from __future__ import annotations

import math
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from orqa_plugin_hybridor.geometry.solids import Colour
from orqa_plugin_hybridor.procedure.script import ARRAY, BASE_ARRAY, CALIBRATE, DRESSING, INITIAL, REMOVE, SAW, SAW_TIP

PHASE_ORDER: tuple[str, ...] = (INITIAL, DRESSING, BASE_ARRAY, ARRAY, CALIBRATE, REMOVE, SAW, SAW_TIP)
"""The phases in the order of the procedure, which is the order of the boxes on the screen."""

PHASE_COLOURS: dict[str, Colour] = {
    INITIAL: (230, 40, 40),
    DRESSING: (245, 240, 225),
    BASE_ARRAY: (255, 150, 0),
    ARRAY: (250, 232, 30),
    CALIBRATE: (30, 190, 60),
    REMOVE: (20, 205, 215),
    SAW: (40, 80, 240),
    SAW_TIP: (200, 50, 220),
    "": (86, 92, 100),
}
"""The colour of each phase on the screen; standby is grey."""

BACKGROUND: Colour = (18, 24, 34)
Point = tuple[float, float]


def describe_screen(phase: str, calibrated: bool) -> str:
    """Return what the screen says, in words."""
    robot = "Robot calibrated" if calibrated else "Robot not calibrated"
    if not phase:
        return f"Standby. {robot}."
    return f"Step {PHASE_ORDER.index(phase) + 1} of {len(PHASE_ORDER)}: {phase}. {robot}."


def draw_screen(size: int, phase: str, calibrated: bool, seconds: float) -> Image.Image:
    """Return the screen as an RGB picture of `size` pixels a side."""
    picture = _draw_still(size, phase, calibrated).copy()
    pen = ImageDraw.Draw(picture)
    clock = f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
    pen.text(
        (size * 0.97, size * 0.035),
        clock,
        fill=_text_colour(PHASE_COLOURS[phase]),
        font=_load_font(size, 0.062),
        anchor="ra",
    )
    return picture


@lru_cache(maxsize=64)
def _draw_still(size: int, phase: str, calibrated: bool) -> Image.Image:
    picture = Image.new("RGB", (size, size), BACKGROUND)
    pen = ImageDraw.Draw(picture)
    phase_colour = PHASE_COLOURS[phase]
    pen.rectangle((0, 0, size, size * 0.3), fill=phase_colour)
    number = PHASE_ORDER.index(phase) + 1 if phase else 0
    title = f"STEP {number}/{len(PHASE_ORDER)}" if phase else "STANDBY"
    pen.text((size * 0.03, size * 0.025), title, fill=_text_colour(phase_colour), font=_load_font(size, 0.075))
    for row, line in enumerate(_wrap_text(phase or "waiting for the next step", 22)):
        pen.text(
            (size * 0.03, size * (0.12 + 0.085 * row)),
            line,
            fill=_text_colour(phase_colour),
            font=_load_font(size, 0.074),
        )
    for box in range(len(PHASE_ORDER)):
        left, top = size * (0.03 + 0.1195 * box), size * 0.34
        current, done = box + 1 == number, box + 1 < number
        fill = phase_colour if current else (120, 130, 142) if done else (44, 52, 64)
        edge = (left, top, left + size * 0.1, top + size * 0.09)
        pen.rectangle(edge, fill=fill, outline=(255, 255, 255) if current else (80, 90, 104), width=max(1, size // 110))
        middle = left + size * 0.05, top + size * 0.045
        pen.text(middle, str(box + 1), fill=_text_colour(fill), font=_load_font(size, 0.055), anchor="mm")
    _draw_icon(pen, size, phase, phase_colour)
    colour = (60, 220, 90) if calibrated else (240, 90, 60)
    pen.ellipse((size * 0.03, size * 0.925, size * 0.075, size * 0.97), fill=colour)
    text = "robot calibrated" if calibrated else "robot not calibrated"
    pen.text((size * 0.1, size * 0.915), text, fill=colour, font=_load_font(size, 0.06))
    return picture


def _draw_icon(pen: ImageDraw.ImageDraw, size: int, phase: str, colour: Colour) -> None:
    """Draw one big sign a phase, in the middle of the lower half."""

    def at(x: float, y: float) -> Point:
        return size * (0.5 + 0.23 * x), size * (0.68 + 0.2 * y)

    def disc(x: float, y: float, radius: float, fill: Colour = colour) -> None:
        (cx, cy), r = at(x, y), radius * size * 0.2
        pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=fill)

    def bar(*points: Point, width: float = 0.04) -> None:
        pen.line([at(*point) for point in points], fill=colour, width=max(1, round(width * size)))

    if phase == INITIAL:  # cross-hairs
        for radius, fill in ((0.95, colour), (0.72, BACKGROUND), (0.42, colour)):
            disc(0, 0, radius, fill)
        bar((-1.2, 0), (1.2, 0))
        bar((0, -1.1), (0, 1.1))
    elif phase == DRESSING:  # a drape over an arm
        hem = ((0.9, 0.95), (0.45, 0.65), (0, 0.95), (-0.45, 0.65), (-0.9, 0.95))
        pen.polygon([at(*point) for point in ((-0.55, -0.8), (0.55, -0.8), *hem)], fill=colour)
    elif phase == BASE_ARRAY:  # three balls on a base
        bar((0, 0.9), (0, 0), (-0.8, -0.7))
        bar((0, 0), (0.8, -0.7))
        for x, y in ((-0.8, -0.7), (0.8, -0.7), (0, 0.1)):
            disc(x, y, 0.28)
        bar((-0.7, 0.95), (0.7, 0.95), width=0.06)
    elif phase in (ARRAY, REMOVE):  # a plate with four balls, and an arrow in or out
        pen.rectangle((*at(-1.25, -0.75), *at(0.25, 0.75)), fill=colour)
        for x, y in ((-1.0, -0.5), (0.0, -0.5), (-1.0, 0.5), (0.0, 0.5)):
            disc(x, y, 0.17, BACKGROUND)
        direction = -1.0 if phase == ARRAY else 1.0
        bar((0.45, 0), (1.3, 0), width=0.05)
        tip = 0.45 if direction < 0 else 1.45
        pen.polygon([at(tip, 0), at(tip - 0.45 * direction, -0.42), at(tip - 0.45 * direction, 0.42)], fill=colour)
    elif phase == CALIBRATE:  # a tick in a ring
        disc(0, 0, 1.0)
        disc(0, 0, 0.76, BACKGROUND)
        bar((-0.4, 0.05), (-0.1, 0.4), (0.45, -0.4), width=0.06)
    elif phase == SAW:  # a blade with teeth
        pen.rectangle((*at(-1.3, -0.55), *at(-0.5, 0.55)), fill=colour)
        teeth = [at(-0.5 + 0.3 * tooth, 0.25 + 0.35 * (tooth % 2)) for tooth in range(7)]
        pen.polygon([at(-0.5, -0.3), at(1.3, -0.3), *reversed(teeth)], fill=colour)
    elif phase == SAW_TIP:  # a tip
        upper = ((-1.2, -0.35), (0.3, -0.35), (0.3, -0.8), (1.35, 0))
        lower = ((0.3, 0.8), (0.3, 0.35), (-1.2, 0.35))
        pen.polygon([at(*point) for point in (*upper, *lower)], fill=colour)
    else:  # two bars: paused
        pen.rectangle((*at(-0.6, -0.8), *at(-0.2, 0.8)), fill=colour)
        pen.rectangle((*at(0.2, -0.8), *at(0.6, 0.8)), fill=colour)


def _text_colour(background: Colour) -> Colour:
    light = 0.3 * background[0] + 0.59 * background[1] + 0.11 * background[2]
    return (16, 20, 28) if light > 120 else (255, 255, 255)


def _wrap_text(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


@lru_cache(maxsize=32)
def _load_font(size: int, share: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(4, math.floor(size * share)))

"""Pages of HTML that need nothing else: tables, bars and pictures with their boxes, readable in light and dark.

Data are not trusted: whatever is no `Markup` is escaped, pictures are decoded and made anew, and the page itself
forbids scripts and everything that lies elsewhere.
"""

from __future__ import annotations

import base64
import html
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

from orqa_registry import Box, OrqaError, Timepoint
from orqa_registry.data.records import is_view
from orqa_registry.readers.io import atomic_write
from orqa_shards.read.image_decoder import decode_image, image_dimensions

CHART_COLOURS = ("#1b6ca8", "#e08e2b", "#5b8c5a", "#b34d4d", "#7a5ba6", "#3aa0a8")
OTHER_COLOUR = len(CHART_COLOURS)
"""The colour of what is not told apart."""

SHOWN_PIXELS = 320 * 240
"""Pixels that a picture keeps on a page."""

MIN_BARS = 40
"""Upright bars that fill a page; fewer of them leave room."""

CONTENT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

STYLESHEET = """
:root { color-scheme: light dark; --ink: #1d2327; --soft: #5a6670; --rule: #cfd6da; --line: #e8ecee; --back: #fff;
  --right: #1c7c3c; --partly: #a86a00; --wrong: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ea; --soft: #9aa7af; --rule: #47525a; --line: #2b3338;
  --back: #14191c; --right: #6ccb8a; --partly: #e0b060; --wrong: #f08a80; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.25rem; margin: 2.6rem 0 .4rem; }
h3 { font-size: 1.05rem; margin: 1.8rem 0 .2rem; } p { margin: .2rem 0; max-width: 60rem; }
p.about, figcaption { color: var(--soft); } section { margin: 1.6rem 0 2.2rem; } a { color: inherit; }
table { border-collapse: collapse; margin: .6rem 0; } td, th { padding: .2rem .9rem .2rem 0; text-align: left; }
th { border-bottom: 2px solid var(--rule); font-weight: 600; vertical-align: bottom; }
td { border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.sum td { font-weight: 600; }
.heat { background: color-mix(in srgb, #1b6ca8 calc(var(--share) * 45%), transparent);
  border: 2px solid var(--back); padding: .1rem .4rem; }
.heat + td.n { padding-left: .9rem; }
.scroll { overflow-x: auto; } .key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; }
svg.bar { display: block; width: 100%; min-width: 18rem; height: .95rem; margin-top: .2rem; border-radius: 2px; }
svg.columns { display: block; width: 100%; height: 5rem; margin: .6rem 0; }
.views { display: flex; flex-wrap: wrap; gap: .6rem; } figure { margin: 0; } figcaption { font-size: .8rem; }
span.said { display: inline-block; margin-right: 1rem; }
figure svg { display: block; width: 21rem; height: auto; border-radius: 4px; background: var(--line); }
figure rect { fill: none; stroke-width: 2px; vector-effect: non-scaling-stroke; }
figure text { fill: #fff; stroke: #000; paint-order: stroke; stroke-linejoin: round; }
.right { color: var(--right); } .partly { color: var(--partly); } .wrong { color: var(--wrong); }
details { margin: .4rem 0; } summary { cursor: pointer; color: var(--soft); } img.plot { max-width: 100%; }
"""


class Markup(str):
    """HTML: nothing in it is data any more that has not been escaped."""

    __slots__ = ()


def escape(value: object) -> Markup:
    """Return a value as HTML; markup stays what it is."""
    return value if isinstance(value, Markup) else Markup(html.escape(str(value)))


def element(name: str, *inside: object, **attributes: object) -> Markup:
    """Return an element with what is inside; `class_` is its class, and _ in an attribute stands for -."""
    attribute_text = "".join(
        f' {key.strip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{attribute_text}>{''.join(map(escape, inside))}</{name}>")


def write_html(out: Path, title: str, body: Iterable[Markup]) -> None:
    """Write a page: whole, or not at all. Raises OSError."""
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}"><title>{escape(title)}</title>'
        f"<style>{STYLESHEET}</style><body>{''.join(body)}</body></html>\n"
    )
    with atomic_write(out) as partial:
        partial.write_text(page, encoding="utf-8", errors="replace")  # data may hold halves of letters


def html_table(
    head: Sequence[object], rows: Iterable[Sequence[object]], *, numbers: Collection[int] = (), sums: int = 0
) -> Markup:
    """Return a table. numbers: columns that are aligned to the right. sums: rows at the end that sum up.

    A cell that is a whole `td` already stays it.
    """
    lines = [element("tr", *(_cell("th", cell, column in numbers) for column, cell in enumerate(head)))]
    cells = [[_cell("td", cell, column in numbers) for column, cell in enumerate(row)] for row in rows]
    for index, row in enumerate(cells):
        lines.append(element("tr", *row, **({"class_": "sum"} if index >= len(cells) - sums else {})))
    return element("div", element("table", *lines), class_="scroll")


def _cell(name: str, value: object, number: bool) -> Markup:
    if isinstance(value, Markup) and value.startswith(f"<{name}"):
        return value
    return element(name, value, **({"class_": "n"} if number else {}))


def heat_cell(share: float, text: str) -> Markup:
    """Return a cell of a table that is the darker the larger its share, 0 to 1."""
    return element("td", text, class_="n heat", style=f"--share: {share:.3f}")


def bar_chart(parts: Iterable[tuple[float, int, str]]) -> Markup:
    """Return a bar of parts beside each other: the share of the whole width, a colour, and what is said of it."""
    rects, x = [], 0.0
    for share, colour, text in parts:
        rects.append(
            element(
                "rect",
                element("title", text),
                x=_format_number(x),
                width=_format_number(share),
                height=1,
                fill=fill_colour(colour),
            )
        )
        x += share
    return element("svg", *rects, class_="bar", viewBox="0 0 1 1", preserveAspectRatio="none")


def column_chart(values: Sequence[float], said: Sequence[str]) -> Markup:
    """Return upright bars from left to right, as high as their share of the largest; each with what is said of it."""
    highest = max(values, default=0) or 1
    width = 1 / max(MIN_BARS, len(values))
    rects = (
        element(
            "rect",
            element("title", text),
            x=_format_number(index * width),
            y=_format_number(1 - value / highest),
            width=_format_number(width * 0.86),
            height=_format_number(value / highest),
            fill=fill_colour(0),
        )
        for index, (value, text) in enumerate(zip(values, said, strict=True))
    )
    return element("svg", *rects, class_="columns", viewBox="0 0 1 1", preserveAspectRatio="none")


def legend(names: Iterable[str]) -> Markup:
    """Return the names with the colours that they have, in order."""
    keys = (Markup(f"{colour_key(colour)} {escape(name)} &ensp; ") for colour, name in enumerate(names))
    return element("p", *keys, class_="about")


def colour_key(colour: int) -> Markup:
    """Return a small square of a colour."""
    return element("span", class_="key", style=f"background: {fill_colour(colour)}")


def fill_colour(colour: int) -> str:
    """Return a colour by number; beyond the last, all are one."""
    return CHART_COLOURS[colour] if colour < OTHER_COLOUR else "#9aa5ab"


def _format_number(value: float) -> str:
    return f"{value:.5g}"


def data_url(content: bytes, kind: str) -> str:
    """Return the address of a picture that lies in the page itself."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def view_figures(point: Timepoint) -> Markup:
    """Return the camera views of a timepoint, each with its boxes drawn; one that cannot be shown says why."""
    boxes = point.labels["boxes"] if point.has("boxes") else {}
    figures = [
        _figure(point, name, boxes.get(name.rpartition(".")[0]))
        for name in sorted(filter(is_view, point.media), key=_natural_key)
    ]
    return element("div", *figures, class_="views") if figures else element("p", "no view", class_="about")


def _natural_key(name: str) -> list[tuple[int, str]]:
    """Return what sorts names by their numbers: room2 before room10."""
    parts = (part.lstrip("0") if part.isdecimal() else part for part in re.split(r"(\d+)", name))
    return [(len(part) if part.isdecimal() else 0, part) for part in parts]


def _figure(point: Timepoint, name: str, annotation: Mapping[str, Any] | None) -> Markup:
    """Return a view in pixels of its original, in which its boxes count."""
    view = name.rpartition(".")[0]
    try:
        content = point.read(name)
        stored_size = image_dimensions(content, name)
        pixels = decode_image(content, SHOWN_PIXELS, where=name, fine=True)
    except (OSError, OrqaError) as error:
        return element("figure", element("figcaption", f"{view}: cannot be shown: {error}"))
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), 82, "RGB", "420")
    width, height = point.sizes.get(name, stored_size)
    children = [element("image", href=data_url(jpeg, "jpeg"), width=width, height=height, preserveAspectRatio="none")]
    caption = f"{view}, {width} x {height}" + (
        f", kept as {stored_size[0]} x {stored_size[1]}" if stored_size != (width, height) else ""
    )
    if annotation is not None and min(annotation["size"]) > 0:
        scale_x, scale_y = (
            shown_side / annotated_side
            for shown_side, annotated_side in zip((width, height), annotation["size"], strict=True)
        )
        boxes = [_box(box, index, scale_x, scale_y, width) for index, box in enumerate(annotation["boxes"])]
        children += [shape for layer in zip(*boxes, strict=True) for shape in layer]  # names above all boxes
        caption += f", {len(boxes)} boxes"
    svg = element("svg", *children, viewBox=f"0 0 {width} {height}", role="img", aria_label=view)
    return element("figure", svg, element("figcaption", caption))


def _box(box: Box, index: int, scale_x: float, scale_y: float, picture_width: int) -> tuple[Markup, Markup]:
    """Return a box and its name; sides are inclusive. One that is no place in a picture is not drawn."""
    sides = [box.x0 * scale_x, box.y0 * scale_y, (box.x1 + 1) * scale_x, (box.y1 + 1) * scale_y]
    if not all(map(math.isfinite, sides)):
        return Markup(), Markup()
    x0, y0, x1, y1 = sides
    font_size = picture_width / 26
    rect = element(
        "rect",
        element("title", box.entity),
        x=_format_number(x0),
        y=_format_number(y0),
        width=_format_number(max(0.0, x1 - x0)),
        height=_format_number(max(0.0, y1 - y0)),
        stroke=fill_colour(index % OTHER_COLOUR),
    )
    anchor = {"x": _format_number(max(0.0, x0) + font_size / 4), "y": _format_number(max(y0, 0.0) + font_size)}
    return rect, element(
        "text", box.entity, font_size=_format_number(font_size), stroke_width=_format_number(font_size / 6), **anchor
    )

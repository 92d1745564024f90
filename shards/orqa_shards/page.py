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
from orqa_registry.records import is_view
from orqa_registry.writing import whole_file
from orqa_shards.decode import decode, size

COLOURS = ("#1b6ca8", "#e08e2b", "#5b8c5a", "#b34d4d", "#7a5ba6", "#3aa0a8")
OTHERS = len(COLOURS)
"""The colour of what is not told apart."""

SHOWN_PIXELS = 320 * 240
"""Pixels that a picture keeps on a page."""

FEW_COLUMNS = 40
"""Upright bars that fill a page; fewer of them leave room."""

SAFE = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

STYLE = """
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


def escaped(value: object) -> Markup:
    """Return a value as HTML; markup stays what it is."""
    return value if isinstance(value, Markup) else Markup(html.escape(str(value)))


def element(name: str, *inside: object, **attributes: object) -> Markup:
    """Return an element with what is inside; `class_` is its class, and _ in an attribute stands for -."""
    said = "".join(f' {key.strip("_").replace("_", "-")}="{escaped(value)}"' for key, value in attributes.items())
    return Markup(f"<{name}{said}>{''.join(map(escaped, inside))}</{name}>")


def write_page(out: Path, title: str, body: Iterable[Markup]) -> None:
    """Write a page: whole, or not at all. Raises OSError."""
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{SAFE}"><title>{escaped(title)}</title>'
        f"<style>{STYLE}</style><body>{''.join(body)}</body></html>\n"
    )
    with whole_file(out) as partial:
        partial.write_text(page, encoding="utf-8", errors="replace")  # data may hold halves of letters


def table(
    head: Sequence[object], rows: Iterable[Sequence[object]], *, numbers: Collection[int] = (), sums: int = 0
) -> Markup:
    """Return a table. numbers: columns that are aligned to the right. sums: rows at the end that sum up.

    A cell that is a whole `td` already stays it.
    """
    lines = [element("tr", *(_cell("th", cell, place in numbers) for place, cell in enumerate(head)))]
    cells = [[_cell("td", cell, place in numbers) for place, cell in enumerate(row)] for row in rows]
    for number, row in enumerate(cells):
        lines.append(element("tr", *row, **({"class_": "sum"} if number >= len(cells) - sums else {})))
    return element("div", element("table", *lines), class_="scroll")


def _cell(name: str, value: object, number: bool) -> Markup:
    if isinstance(value, Markup) and value.startswith(f"<{name}"):
        return value
    return element(name, value, **({"class_": "n"} if number else {}))


def heat(share: float, text: str) -> Markup:
    """Return a cell of a table that is the darker the larger its share, 0 to 1."""
    return element("td", text, class_="n heat", style=f"--share: {share:.3f}")


def bar(parts: Iterable[tuple[float, int, str]]) -> Markup:
    """Return a bar of parts beside each other: the share of the whole width, a colour, and what is said of it."""
    made, begin = [], 0.0
    for share, colour, said in parts:
        made.append(
            element("rect", element("title", said), x=_number(begin), width=_number(share), height=1, fill=fill(colour))
        )
        begin += share
    return element("svg", *made, class_="bar", viewBox="0 0 1 1", preserveAspectRatio="none")


def columns(values: Sequence[float], said: Sequence[str]) -> Markup:
    """Return upright bars from left to right, as high as their share of the largest; each with what is said of it."""
    most = max(values, default=0) or 1
    wide = 1 / max(FEW_COLUMNS, len(values))
    made = (
        element(
            "rect",
            element("title", text),
            x=_number(place * wide),
            y=_number(1 - value / most),
            width=_number(wide * 0.86),
            height=_number(value / most),
            fill=fill(0),
        )
        for place, (value, text) in enumerate(zip(values, said, strict=True))
    )
    return element("svg", *made, class_="columns", viewBox="0 0 1 1", preserveAspectRatio="none")


def legend(names: Iterable[str]) -> Markup:
    """Return the names with the colours that they have, in order."""
    keys = (Markup(f"{key(place)} {escaped(name)} &ensp; ") for place, name in enumerate(names))
    return element("p", *keys, class_="about")


def key(colour: int) -> Markup:
    """Return a small square of a colour."""
    return element("span", class_="key", style=f"background: {fill(colour)}")


def fill(colour: int) -> str:
    """Return a colour by number; beyond the last, all are one."""
    return COLOURS[colour] if colour < OTHERS else "#9aa5ab"


def _number(value: float) -> str:
    return f"{value:.5g}"


def data(content: bytes, kind: str) -> str:
    """Return the address of a picture that lies in the page itself."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def views(point: Timepoint) -> Markup:
    """Return the camera views of a timepoint, each with its boxes drawn; one that cannot be shown says why."""
    boxes = point.labels["boxes"] if point.has("boxes") else {}
    figures = [
        _figure(point, name, boxes.get(name.rpartition(".")[0]))
        for name in sorted(filter(is_view, point.media), key=_counted)
    ]
    return element("div", *figures, class_="views") if figures else element("p", "no view", class_="about")


def _counted(name: str) -> list[tuple[int, str]]:
    """Return what sorts names by their numbers: room2 before room10."""
    parts = (part.lstrip("0") if part.isdecimal() else part for part in re.split(r"(\d+)", name))
    return [(len(part) if part.isdecimal() else 0, part) for part in parts]


def _figure(point: Timepoint, name: str, annotated: Mapping[str, Any] | None) -> Markup:
    """Return a view in pixels of its original, in which its boxes count."""
    view = name.rpartition(".")[0]
    try:
        content = point.read(name)
        here = size(content, name)
        pixels = decode(content, SHOWN_PIXELS, where=name, fine=True)
    except (OSError, OrqaError) as error:
        return element("figure", element("figcaption", f"{view}: cannot be shown: {error}"))
    small = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), 82, "RGB", "420")
    wide, high = point.sizes.get(name, here)
    inside = [element("image", href=data(small, "jpeg"), width=wide, height=high, preserveAspectRatio="none")]
    caption = f"{view}, {wide} x {high}" + (f", kept as {here[0]} x {here[1]}" if here != (wide, high) else "")
    if annotated is not None and min(annotated["size"]) > 0:
        across, down = (original / counted for original, counted in zip((wide, high), annotated["size"], strict=True))
        drawn = [_box(box, place, across, down, wide) for place, box in enumerate(annotated["boxes"])]
        inside += [one for pair in zip(*drawn, strict=True) for one in pair]  # names above all boxes
        caption += f", {len(drawn)} boxes"
    shown = element("svg", *inside, viewBox=f"0 0 {wide} {high}", role="img", aria_label=view)
    return element("figure", shown, element("figcaption", caption))


def _box(box: Box, place: int, across: float, down: float, wide: int) -> tuple[Markup, Markup]:
    """Return a box and its name; sides are inclusive. One that is no place in a picture is not drawn."""
    sides = [box.x0 * across, box.y0 * down, (box.x1 + 1) * across, (box.y1 + 1) * down]
    if not all(map(math.isfinite, sides)):
        return Markup(), Markup()
    x0, y0, x1, y1 = sides
    letters = wide / 26
    drawn = element(
        "rect",
        element("title", box.entity),
        x=_number(x0),
        y=_number(y0),
        width=_number(max(0.0, x1 - x0)),
        height=_number(max(0.0, y1 - y0)),
        stroke=fill(place % OTHERS),
    )
    at = {"x": _number(max(0.0, x0) + letters / 4), "y": _number(max(y0, 0.0) + letters)}
    return drawn, element("text", box.entity, font_size=_number(letters), stroke_width=_number(letters / 6), **at)

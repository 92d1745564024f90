"""Rooms of the source tree and who imports whom, read from the sources: checked by tests, drawn for the docs."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
PACKAGES = {
    "orqa_registry": HOME / "orqa_registry",
    "orqa_shards": HOME / "shards" / "orqa_shards",
    "orqa_train": HOME / "train" / "orqa_train",
}
"""Package -> its folder, in the order in which each may import those before it."""

Graph = Mapping[str, frozenset[str]]
"""Node -> the nodes that it imports."""

FOUNDATIONS = "foundations"


def modules(package: str) -> dict[str, Path]:
    """Return dotted name -> file of every module of a package; a folder goes by its own name."""
    folder = PACKAGES[package]
    names = {
        ".".join([package, *path.relative_to(folder).with_suffix("").parts]): path for path in folder.rglob("*.py")
    }
    return {name.removesuffix(".__init__"): path for name, path in sorted(names.items())}


def imported(path: Path, known: Iterable[str]) -> Iterator[str]:
    """Yield the known modules that a file imports anywhere, also inside functions and for type checkers alone."""
    known = set(known)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if name in known or node.module in known:
                    yield name if name in known else node.module


@cache
def import_graph() -> Graph:
    """Return module -> modules that it imports, over all packages."""
    files = {name: path for package in PACKAGES for name, path in modules(package).items()}
    return {name: frozenset(imported(path, files)) - {name} for name, path in files.items()}


def room(module: str) -> str:
    """Return the room of a module: its folder, or itself where it lies in the folder of the package."""
    return ".".join(module.split(".")[:2])


@cache
def room_graph(package: str) -> Graph:
    """Return room -> rooms of the same package that it imports; `__init__` of a package is none.

    Modules of the package's folder that import no room are drawn as one, the foundations.
    """
    edges: dict[str, set[str]] = {}
    for module, targets in import_graph().items():
        if module.startswith(f"{package}.") and not module.endswith(".__main__"):
            own = edges.setdefault(room(module), set())
            own |= {room(target) for target in targets if target.startswith(f"{package}.")} - {room(module)}
    single = {name for name in edges if name in modules(package) and modules(package)[name].name != "__init__.py"}
    base = {name for name in single if not edges[name] - single}
    while any(edges[name] - base for name in base):
        base = {name for name in base if not edges[name] - base}
    merged = f"{package}.{FOUNDATIONS}" if len(base) > 1 else next(iter(base), "")
    graph: dict[str, set[str]] = {}
    for name, own_targets in edges.items():
        graph.setdefault(merged if name in base else name, set()).update(
            merged if target in base else target for target in own_targets
        )
    return {name: frozenset(targets - {name}) for name, targets in graph.items()}


def foundations(package: str) -> list[str]:
    """Return the modules that are drawn as one, by their short names."""
    graph = room_graph(package)
    singles = {room(name) for name in modules(package)} - set(graph) - {package, f"{package}.__main__"}
    return sorted(name.rpartition(".")[2] for name in singles)


def cycles(graph: Graph) -> list[list[str]]:
    """Return groups of nodes that import one another, directly or around."""
    reach = {node: reachable(graph, node) for node in graph}
    groups = {frozenset(other for other in reach[node] if node in reach.get(other, ())) for node in graph}
    return sorted(sorted(group) for group in groups if group)


def reachable(graph: Graph, start: str) -> set[str]:
    """Return the nodes that a node imports, directly or through others."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for target in graph.get(waiting.pop(), ()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def reduced(graph: Graph) -> Graph:
    """Return the fewest edges of a graph without cycles from which the others follow."""
    return {
        node: frozenset(
            target
            for target in targets
            if not any(target in reachable(graph, other) for other in targets if other != target)
        )
        for node, targets in graph.items()
    }


def layers(graph: Graph) -> list[list[str]]:
    """Return the nodes by height: the first layer imports nothing, each other one something of the layer below."""
    height: dict[str, int] = {}

    def measure(node: str) -> int:
        if node not in height:
            height[node] = 1 + max((measure(target) for target in graph[node]), default=-1)
        return height[node]

    for node in graph:
        measure(node)
    return [sorted(node for node in graph if height[node] == level) for level in range(max(height.values()) + 1)]


WIDTH, HEIGHT, GAP, RISE, MARGIN = 118, 26, 14, 54, 22
"""Pixels: a box, the gap between two, the distance of layers, the margin around all."""


def picture() -> str:
    """Return the SVG of all packages side by side: rooms as boxes, an arrow to what a room imports.

    An arrow that follows from others is left out; each package imports those to its left.
    """
    parts: list[str] = []
    left, tallest = MARGIN, max(len(layers(room_graph(package))) for package in PACKAGES)
    bottom = MARGIN + 8 + tallest * RISE
    for package in PACKAGES:
        drawn, width = _panel(package, left, bottom)
        parts += drawn
        left += width + 2 * MARGIN
    size = f'width="{left - MARGIN}" height="{bottom + MARGIN}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">\n'
        "<title>Rooms and what they import; written by docs/build.py</title>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#5a6670"/></marker></defs>\n'
        '<rect width="100%" height="100%" fill="#fff"/>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"


Waypoint = tuple[str, str, int]
"""Where an arrow from one room to another passes a layer between them."""


def _panel(package: str, left: int, bottom: int) -> tuple[list[str], int]:
    graph = reduced(room_graph(package))
    rows = layers(graph)
    height = {node: level for level, row in enumerate(rows) for node in row}
    edges = [(node, target) for node in sorted(graph) for target in sorted(graph[node])]
    places: dict[str | Waypoint, float] = {}
    lines: list[list[str | Waypoint]] = []
    for level, row in enumerate(rows):
        passing = [(node, target, level) for node, target in edges if height[target] < level < height[node]]
        below: dict[str | Waypoint, list[float]] = {
            node: [places[_next(node, target, level, height)] for target in graph[node]] for node in row
        }
        below.update({point: [places[_next(*point, height)]] for point in passing})
        lines.append(sorted(below, key=lambda item: (_mean(below[item]), str(item))))
        places |= _spread(lines[-1])
    width = round(2 * max(abs(places[row[side]]) + _width(row[side]) / 2 for row in lines for side in (0, -1)))
    middle = left + width / 2
    arrows = []
    for node, target in edges:
        stops: list[str | Waypoint] = [
            node,
            *((node, target, level) for level in range(height[node] - 1, height[target], -1)),
            target,
        ]
        tops = [_top(height[node] - index, bottom) for index in range(len(stops))]
        arrows.append(_arrow([(middle + places[stop], top) for stop, top in zip(stops, tops, strict=True)]))
    boxes = [_box(package, node, middle + places[node] - WIDTH / 2, _top(height[node], bottom)) for node in height]
    title_at = _top(len(rows) - 1, bottom) - 16
    title = f'<text x="{middle:g}" y="{title_at}" text-anchor="middle" font-size="15">{package}</text>'
    return [title, *arrows, *boxes], width


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _next(node: str, target: str, level: int, height: Mapping[str, int]) -> str | Waypoint:
    """Return where an arrow that leaves a layer arrives one layer below."""
    return target if height[target] == level - 1 else (node, target, level - 1)


def _width(item: str | Waypoint) -> int:
    return WIDTH if isinstance(item, str) else GAP


def _spread(row: list[str | Waypoint]) -> dict[str | Waypoint, float]:
    """Return the middles of what stands in a layer, around 0."""
    places: dict[str | Waypoint, float] = {}
    left = -(sum(map(_width, row)) + GAP * (len(row) - 1)) / 2
    for item in row:
        places[item] = left + _width(item) / 2
        left += _width(item) + GAP
    return places


def _top(level: int, bottom: int) -> int:
    return bottom - level * RISE - HEIGHT


def _arrow(stops: list[tuple[float, float]]) -> str:
    """Return an arrow from the lower edge of the first stop, by those between, to the upper edge of the last."""
    (x, y), *passed, (end_x, end_y) = stops
    corners = [(x, y + HEIGHT)]
    for across, down in passed:
        corners += [(across, down), (across, down + HEIGHT)]
    corners.append((end_x, end_y - 1))
    path = f"M{corners[0][0]:g} {corners[0][1]:g}"
    for (x0, y0), (x1, y1) in pairwise(corners):
        bend = (y1 - y0) / 2
        path += f"L{x1:g} {y1:g}" if x0 == x1 else f"C{x0:g} {y0 + bend:g} {x1:g} {y1 - bend:g} {x1:g} {y1:g}"
    return f'<path d="{path}" fill="none" stroke="#5a6670" marker-end="url(#tip)"/>'


def _box(package: str, node: str, x: float, y: float) -> str:
    name = node.rpartition(".")[2]
    is_folder = node in modules(package) and modules(package)[node].name == "__init__.py"
    shown = f"{name}/" if is_folder else name if name == FOUNDATIONS else f"{name}.py"
    fill = "#dbe9f4" if is_folder else "#f1f3f4"
    about = ", ".join(foundations(package)) if name == FOUNDATIONS else node
    return (
        f'<g><title>{escape(about)}</title><rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="4" '
        f'fill="{fill}" stroke="#5a6670"/><text x="{x + WIDTH / 2:g}" y="{y + 17:g}" text-anchor="middle">'
        f"{escape(shown)}</text></g>"
    )

"""What was measured, beside what was aimed at: tables, JSON and plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from attrs import frozen
from loaders import peers
from rich.console import Console
from rich.table import Table

Rows = Mapping[str, Mapping[str, float]]
Curves = Mapping[str, Sequence[tuple[float, float]]]
WORKERS = ("", ", 2 workers")


@frozen
class Target:
    """Something that was aimed at. value: as measured; bound: `at least` or `at most` that."""

    name: str
    value: float
    bound: float
    least: bool = True

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.value >= self.bound if self.least else self.value <= self.bound


def targets(rows: Rows, curves: Curves) -> list[Target]:
    """Return the targets of which everything that they need was measured."""
    medians = {name: row["median"] for name, row in rows.items()}
    results: list[Target] = []

    def add(name: str, over: str, under: str, bound: float, *, least: bool = True, times: float = 1) -> None:
        if over in medians and under in medians:
            results.append(Target(name, times * medians[over] / medians[under], bound, least))

    for kind in ("q90", "q95"):
        for suffix in WORKERS:
            floor = f"{kind} floor A{suffix}"
            add(f"{kind} noise: the floor measured twice{suffix}", f"{kind} floor B{suffix}", floor, 1.1, least=False)
            add(f"{kind} ours / floor{suffix}", f"{kind} ours{suffix}", floor, 1.1, least=False)
            for peer in peers.PEERS:
                name = f"{kind} {peer.name}{suffix}"
                add(f"{kind} ours / {peer.name}{suffix}", f"{kind} ours{suffix}", name, 1, least=False)
        add(f"{kind} x original, pictures alone", "original, bicubic", f"{kind} ours", 17)
        add(f"{kind} x original, 1 question", "original, bicubic", f"{kind} ours, 1 question", 17)
        several = "original, bicubic, 2 workers"
        add(f"{kind} x original, pictures alone, 2 threads", several, f"{kind} ours, 2 threads", 18)
        add(f"{kind} x original, 1 question, 2 threads", several, f"{kind} ours, 1 question, 2 threads", 18)
        add(f"{kind} x original, 16 questions", "original, bicubic", f"{kind} ours, 16 questions", 250, times=16)
        add(f"{kind} read / webdataset, bytes", f"{kind} webdataset, read", f"{kind} ours, read", 6)
        add(f"{kind} read / webdataset, timepoints", f"{kind} webdataset, read", f"{kind} ours timepoints, read", 6)
    for suffix in WORKERS:
        add(f"full, scaled decode, x original{suffix}", f"original, bicubic{suffix}", f"full ours{suffix}", 2.6)
        add(f"full ours / floor{suffix}", f"full ours{suffix}", f"full floor{suffix}", 1.1, least=False)
    for kind, bound in (("q90", 3), ("q95", 3), ("full", 2)):
        add(f"{kind} write / TarWriter", f"{kind} ours, write", f"{kind} TarWriter, write", bound)
    results += [Target(name, value, 1, least=False) for name, value in medians.items() if name.endswith("first batch")]
    results += [
        Target(f"memory, last quarter / second: {name}", growth(curve), 1.05, least=False)
        for name, curve in curves.items()
    ]
    return results


def growth(curve: Sequence[tuple[float, float]]) -> float:
    """Return the memory of the last quarter of a curve, as a multiple of that of its second quarter."""
    quarter = max(1, len(curve) // 4)
    return median(mb for _, mb in curve[-quarter:]) / median(mb for _, mb in curve[quarter : 2 * quarter])


def show(parts: Mapping[str, tuple[str, Rows]], aims: Sequence[Target], absent: Mapping[str, str]) -> None:
    """Print a table for each part, one of the targets, and what is absent."""
    console = Console(width=110)
    for title, (unit, rows) in parts.items():
        table = Table("", unit, "least", "most", title=title, title_justify="left")
        for name, row in rows.items():
            table.add_row(name, *(f"{row[key]:,.2f}" for key in ("median", "least", "most")))
        console.print(table)
    table = Table("", "measured", "target", "", title="targets", title_justify="left")
    for aim in aims:
        bound = f"{'>=' if aim.least else '<='} {aim.bound:g}"
        table.add_row(aim.name, f"{aim.value:.2f}", bound, "" if aim.met else "missed")
    console.print(table)
    for name, reason in absent.items():
        console.print(f"absent: {name}: {reason}")


def _pair_medians(rows: Rows) -> Iterator[tuple[str, list[float]]]:
    """Yield the loaders that were measured with and without workers, and both medians."""
    for name in rows:
        if WORKERS[1] not in name and name + WORKERS[1] in rows:
            yield name, [rows[name + suffix]["median"] for suffix in WORKERS]


def plot(rows: Rows, curves: Curves, path: Path) -> None:
    """Write a picture of the loaders and of the memory curves."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    bars = list(_pair_medians(rows))
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(13, 2 + 0.3 * max(len(bars), 8)), layout="constrained")
    for shift, index, label in ((-0.2, 0, "1 process"), (0.2, 1, "2 workers")):
        left.barh([k + shift for k in range(len(bars))], [medians[index] for _, medians in bars], 0.4, label=label)
    left.set(yticks=range(len(bars)), yticklabels=[name for name, _ in bars])
    left.set_xlabel("CPU ms a timepoint of 5 views")
    left.invert_yaxis()
    right.set(xlabel="epochs", ylabel="MB of own memory")
    for name, curve in curves.items():
        right.plot(*zip(*curve, strict=True), label=name)
    right.set_ylim(0)
    for axes in (left, right):
        if axes.get_legend_handles_labels()[1]:
            axes.legend()
    figure.savefig(path, dpi=110)

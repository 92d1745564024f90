"""`orqa-registry shard`."""

from __future__ import annotations

import os
import re
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from orqa_registry import OrqaError, Registry
from orqa_registry.cli import show
from orqa_registry.cli.roots import folders

if TYPE_CHECKING:
    from orqa_shards.manifest import Manifest

UNITS = {"": 1e6, "KB": 1e3, "MB": 1e6, "GB": 1e9}


class Pixels(click.ParamType[int | None]):
    """A number of pixels, or `full` as None."""

    name = "pixels"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the budget."""
        if value == "full" or value is None:
            return None
        if not str(value).isdigit() or not 784 <= int(value) <= 1 << 26:
            self.fail(f"{value!r} is neither 'full' nor a number of pixels from 784 (28 x 28) on", param, ctx)
        return int(value)


class Size(click.ParamType[int]):
    """A number of bytes, as 256MB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes; a bare number is in MB."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMG]B)?", str(value).upper())
        size = int(float(found[1]) * UNITS[found[2] or ""]) if found else 0
        if size < 1000:
            self.fail(f"{value!r} is no size, as 256MB or 1GB", param, ctx)
        return size


@click.command()
@click.argument("datasets", metavar="DATASET...", nargs=-1, required=True)
@click.option(
    "--root",
    "roots",
    multiple=True,
    metavar="[NAME=]DIR",
    help="Folder of the raw files; with several datasets a NAME=DIR for each. Default: ORQA_DATA/NAME.",
)
@click.option("--split", "splits", multiple=True, help="Write this split alone; repeat for several. Default: all.")
@click.option("--out", metavar="DIR|URL", required=True, help="Folder for the shards, or a URL as s3://bucket/folder.")
@click.option(
    "--pixels",
    type=Pixels(),
    default="112896",
    show_default=True,
    metavar="N|full",
    help="Pixels that a view keeps, 336 x 336; the robot's screen keeps 262144. full: the files as they are.",
)
@click.option(
    "--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="JPEG quality of views made smaller."
)
@click.option("--shard-size", type=Size(), default="256MB", show_default=True, help="About how large a tar is.")
@click.option(
    "--media", multiple=True, default=("*",), help="Keep media like this, for instance '*.jpg'; repeat for several."
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes that write. Default: one a core.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where they run: here, or on the Ray cluster that RAY_ADDRESS names.",
)
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped; its whole shards are kept.")
@click.option("--force", is_flag=True, help="Write anew where shards lie already, finished or not.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_obj
def shard(
    registry: Registry,
    datasets: tuple[str, ...],
    roots: tuple[str, ...],
    splits: tuple[str, ...],
    out: str,
    pixels: int | None,
    quality: int,
    shard_size: int,
    media: tuple[str, ...],
    workers: int | None,
    engine: str,
    resume: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Pack the timepoints of DATASET... as WebDataset shards.

    Media and labels are written once; questions are asked while reading, so a new task needs no new shards. Views are
    scaled down to what models see, once and for all; boxes and calibration stay in pixels of the original, whose size
    is kept. Shards are whole or not there, and the manifest is written last: --resume goes on with a run that was
    stopped, to the same bytes.

    \b
    orqa-registry shard HybridOR --root demo/raw --out demo/shards
    orqa-registry shard 4D-OR MM-OR --root 4D-OR=/data/4D-OR --root MM-OR=/data/MM-OR --out shards --workers 8
    orqa-registry shard 4D-OR --root /data/4D-OR --out s3://bucket/4dor --pixels full --resume
    """
    try:
        from orqa_shards.plan import Source
        from orqa_shards.recode import Recoder
        from orqa_shards.write import Options, pack
    except ModuleNotFoundError as error:
        raise OrqaError(f"shard needs {error.name}: pip install 'orqa-registry[shards]'") from error

    where = folders(registry, roots, [registry.dataset(name) for name in datasets])
    sources = []
    for name in datasets:
        dataset = registry.dataset(name)
        chosen = tuple(registry.split(dataset, split) for split in splits) or tuple(dataset.splits)
        sources.append(Source(dataset, registry.locate(dataset, where.get(dataset.name)), chosen))
    many = workers or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    options = Options(shard_size, media, Recoder(pixels, quality), engine, many, force, resume)
    started = perf_counter()
    with show.progress("") as advance:
        manifest = pack(registry, sources, out, options, advance)
    _report(manifest, out, perf_counter() - started, as_json=as_json)


def _report(manifest: Manifest, out: str, seconds: float, *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "split": name,
            "takes": len(split.takes),
            "timepoints": split.timepoints,
            "shards": len(split.shards),
            "bytes": sum(one.bytes for one in split.shards),
        }
        for name, split in manifest.splits.items()
    ]
    if as_json:
        show.print_json({"out": out, "seconds": seconds, "splits": rows, "skipped": list(manifest.skipped)})
        return
    cells = ((*list(row.values())[:-1], f"{row['bytes'] / 1e6:.1f}") for row in rows)
    columns = ("split", "takes", "timepoints", "shards", "MB")
    show.print_table(f"{out}, in {seconds:.1f} s", columns, cells, numbers=columns[1:])
    for line in manifest.skipped[:10]:
        click.echo(f"warning: skipped {line}", err=True)
    if len(manifest.skipped) > 10:
        click.echo(f"warning: ... {len(manifest.skipped)} skipped in all, named in {out}/manifest.json", err=True)

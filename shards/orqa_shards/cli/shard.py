"""`orqa-registry shard`."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from orqa_registry import CallError, Registry
from orqa_registry.console import output
from orqa_registry.console.root_option import parse_roots
from orqa_registry.optional_imports import requiring
from orqa_shards.cli.options import available_cores, error_budget_options

if TYPE_CHECKING:
    from orqa_shards.format.manifest import Manifest

SIZE_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}

KEPT_ON_INTERRUPT = "shards that are whole are kept, and the same call with --resume goes on"


class PixelsType(click.ParamType[int | None]):
    """A number of pixels, or `full` as None."""

    name = "pixels"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the budget."""
        if value == "full" or value is None:
            return None
        if not str(value).isdigit() or not 784 <= int(value) <= 1 << 26:
            self.fail(f"{value!r} is neither 'full' nor a number of pixels from 784 (28 x 28) on", param, ctx)
        return int(value)


class SizeType(click.ParamType[int]):
    """A number of bytes, as 256MB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes; a bare number is bytes."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMG]I?B)?", str(value).upper(), re.ASCII)
        size = float(match[1]) * SIZE_UNITS[match[2] or ""] if match else 0
        if not match:
            self.fail(f"{value!r} is no size: bytes, or a number of KB, MB, GB, KiB, MiB or GiB, as 256MB", param, ctx)
        if not 1e3 <= size <= 1e12:
            self.fail(f"{value!r} is {size:,.0f} bytes: 1KB to 1000GB was expected, as 256MB", param, ctx)
        return round(size)


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
    type=PixelsType(),
    default="112896",
    show_default=True,
    metavar="N|full",
    help="Pixels that a view keeps, 336 x 336; the robot's screen keeps 262144. full: the files as they are.",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=95,
    show_default=True,
    help="JPEG quality of views made smaller. Their colours are not subsampled: 95 keeps 5 dB more than 90 with "
    "subsampling, and costs bytes, at times more than the file had; --pixels full keeps files.",
)
@click.option(
    "--shard-size",
    type=SizeType(),
    default="256MB",
    show_default=True,
    help="About how large a tar is: bytes, or a number of KB, MB, GB, KiB, MiB or GiB.",
)
@click.option(
    "--media", multiple=True, default=("*",), help="Keep media like this, for instance '*.jpg'; repeat for several."
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes that write. Default: one a core.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where they run: here, or on the Ray cluster that RAY_ADDRESS names; without it, on a Ray started here.",
)
@error_budget_options("media", "themselves")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with a run that was stopped; begin where there is none; nothing to do where it is finished.",
)
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
    bad_in_a_row: int,
    bad_per_cent: float,
    resume: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Pack the timepoints of DATASET... as WebDataset shards.

    Media and labels are written once; questions are asked while reading, so a new task needs no new shards. Views are
    scaled down to what models see, once and for all; boxes and calibration stay in pixels of the original, whose size
    is kept. Shards are whole or not there, and the manifest is written last: with --resume the same call begins, goes
    on with what was stopped, to the same bytes, or says that all is done; another call is refused. What cannot be read
    is left out and named; too much of it, or with `orqa-registry --strict` the first, stops the run.

    \b
    orqa-registry shard HybridOR --root demo/raw --out demo/shards
    orqa-registry shard 4D-OR MM-OR --root 4D-OR=/data/4D-OR --root MM-OR=/data/MM-OR --out shards --workers 8
    orqa-registry shard 4D-OR --root /data/4D-OR --out s3://bucket/4dor --pixels full --resume
    """
    with requiring("shard", "orqa-registry[shards]"):
        from orqa_shards.storage.open import open_store
        from orqa_shards.write.pack import WriteOptions, pack
        from orqa_shards.write.run_lock import is_finished
        from orqa_shards.write.shard_plan import ShardSource
        from orqa_shards.write.transcode import Transcoder

    selected = [registry.dataset(name) for name in datasets]
    for index, dataset in enumerate(selected):
        if dataset in selected[:index]:
            raise CallError(f"{dataset.name} is named twice: name each dataset once")
    locations = parse_roots(registry, roots, selected)
    sources = []
    for dataset in selected:
        dataset_splits = tuple(registry.split(dataset, split) for split in splits) or tuple(dataset.splits)
        sources.append(ShardSource(dataset, registry.locate(dataset, locations.get(dataset.name)), dataset_splits))
    options = WriteOptions(
        shard_size,
        media,
        Transcoder(pixels, quality),
        engine,
        workers or available_cores(),
        force=force,
        resume=resume,
        bad_in_a_row=bad_in_a_row,
        bad_per_cent=bad_per_cent,
    )
    store, start = open_store(out), perf_counter()
    before = resume and is_finished(store)
    with _say_how_to_resume(), output.show_progress("") as advance:
        manifest = pack(registry, sources, store, options, advance)
    _print_report(manifest, out, perf_counter() - start, before=before, as_json=as_json)


@contextmanager
def _say_how_to_resume() -> Iterator[None]:
    """Take SIGTERM, which schedulers send, for Ctrl-C, and say after both how to go on."""
    previous_handler = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(KEPT_ON_INTERRUPT) from None
    finally:
        signal.signal(signal.SIGTERM, previous_handler)


def _print_report(manifest: Manifest, out: str, seconds: float, *, before: bool, as_json: bool) -> None:
    """Print what the shards hold. before: they were finished already."""
    rows: list[dict[str, Any]] = [
        {
            "split": name,
            "takes": len(split.takes),
            "timepoints": split.timepoints,
            "shards": len(split.shards),
            "bytes": sum(tar.bytes for tar in split.shards),
        }
        for name, split in manifest.splits.items()
    ]
    if as_json:
        report = {"out": out, "seconds": seconds, "finished_before": before, "splits": rows}
        output.print_json({**report, "skipped": list(manifest.skipped)})
    else:
        cells = ((*list(row.values())[:-1], f"{row['bytes'] / 1e6:.1f}") for row in rows)
        columns = ("split", "takes", "timepoints", "shards", "MB")
        status = "was finished before, and nothing is to be done" if before else f"in {seconds:.1f} s"
        output.print_table(f"{out}, {status}", columns, cells, numbers=columns[1:])
        output.print_line(f"Next: orqa-registry inspect {shlex.quote(out)}")
    for line in manifest.skipped[:10]:
        output.print_line(f"warning: skipped {line}", err=True)
    if len(manifest.skipped) > 10:
        output.print_line(
            f"warning: ... {len(manifest.skipped)} skipped in all, named in {out}/manifest.json", err=True
        )

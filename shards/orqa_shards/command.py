"""`orqa-registry shard`."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from orqa_registry import OrqaError, Registry
from orqa_registry.cli import show
from orqa_registry.cli.roots import folders

if TYPE_CHECKING:
    from orqa_shards.manifest import Manifest


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
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the shards.")
@click.option("--shard-size", type=click.FloatRange(min=0.01), default=256, show_default=True, help="MB of a tar.")
@click.option(
    "--media", multiple=True, default=("*",), help="Keep media like this, for instance '*.jpg'; repeat for several."
)
@click.option("--force", is_flag=True, help="Write anew where finished shards lie already.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_obj
def shard(
    registry: Registry,
    datasets: tuple[str, ...],
    roots: tuple[str, ...],
    splits: tuple[str, ...],
    out: Path,
    shard_size: float,
    media: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Pack the timepoints of DATASET... as WebDataset shards.

    Media and labels are written once; questions are asked while reading, so a new task needs no new shards. The
    manifest is written last: a folder without one is not finished.

    \b
    orqa-registry shard HybridOR --root demo/raw --out demo/shards
    orqa-registry shard 4D-OR MM-OR --root 4D-OR=/data/4D-OR --root MM-OR=/data/MM-OR --out shards
    """
    try:
        from orqa_shards.write import Source, pack
    except ModuleNotFoundError as error:
        raise OrqaError(f"shard needs {error.name}: pip install 'orqa-registry[shards]'") from error

    where = folders(registry, roots, [registry.dataset(name) for name in datasets])
    sources = []
    for name in datasets:
        dataset = registry.dataset(name)
        chosen = tuple(registry.split(dataset, split) for split in splits) or tuple(dataset.splits)
        sources.append(Source(dataset, registry.locate(dataset, where.get(dataset.name)), chosen))
    started = perf_counter()
    with show.progress("takes") as advance:
        manifest = pack(
            registry,
            sources,
            out,
            shard_bytes=int(shard_size * 1_000_000),
            media=media,
            force=force,
            advance=advance,
        )
    _report(manifest, out, perf_counter() - started, as_json=as_json)


def _report(manifest: Manifest, out: Path, seconds: float, *, as_json: bool) -> None:
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
        show.print_json({"out": str(out), "seconds": seconds, "splits": rows, "skipped": list(manifest.skipped)})
        return
    cells = ((*list(row.values())[:-1], f"{row['bytes'] / 1e6:.1f}") for row in rows)
    columns = ("split", "takes", "timepoints", "shards", "MB")
    show.print_table(f"{out}, in {seconds:.1f} s", columns, cells, numbers=columns[1:])
    for line in manifest.skipped[:10]:
        click.echo(f"warning: skipped {line}", err=True)
    if len(manifest.skipped) > 10:
        click.echo(f"warning: ... {len(manifest.skipped)} skipped in all, named in {out}/manifest.json", err=True)

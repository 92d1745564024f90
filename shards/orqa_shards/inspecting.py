"""`orqa-registry inspect`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from orqa_registry import CallError, Registry
from orqa_registry.cli import show
from orqa_registry.reading import needing

SHOWN = 20
"""Samples of a tar and lines of a label that are shown; --json has all."""
FEW = 3
"""Questions of a task, and members of a sample in a list of samples."""


@click.command()
@click.argument("data", metavar="DIR|URL|TAR")
@click.argument("key", required=False)
@click.option("--split", help="The split that KEY is in. Default: the first that has it.")
@click.option("--save", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write its files to DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_obj
def inspect(
    registry: Registry, data: str, key: str | None, split: str | None, save: Path | None, as_json: bool
) -> None:
    """Show what a shard folder holds, or with KEY one sample of it.

    KEY is dataset/take/frame, or the number of a timepoint, counted from 0 in --split, which has to be said where there
    are several. Without KEY, --split shows that split alone. A sample is shown with its media, its labels, where it
    lies, and every question that can be asked of it. --save writes its media and labels as files.

    Anybody's tar can be looked into too: then KEY is as the tar has it. It is indexed on first use, and the index kept
    beside it where one can write.

    \b
    orqa-registry inspect demo/shards
    orqa-registry inspect demo/shards HybridOR/take_000/000012 --save look
    orqa-registry inspect s3://bucket/shards 17 --split val --json
    orqa-registry inspect other/000000.tar
    """
    if save is not None and key is None:
        raise CallError("--save writes the files of one sample: say its KEY")
    with needing("inspect", "orqa-registry[shards]"):
        from orqa_shards import contents
        from orqa_shards.read import Shards, Tar
    members: Mapping[str, bytes] = {}
    if data.endswith(".tar") and not Path(data).is_dir():
        if split is not None:
            raise CallError("--split: a tar has none")
        tar = Tar.open(data)
        about = contents.of_tar(tar) if key is None else contents.of_tar_sample(tar, key)
        members = tar[about["number"]] if save is not None else {}
    else:
        shards = Shards.open(data)
        if key is None:
            about = contents.of_folder(shards, split)
        else:
            found, number = contents.find(shards, key, split)
            about = contents.of_sample(registry, found, number)
            members = contents.members_of(found, number) if save is not None else {}
    if save is not None:
        about["saved"] = [str(path) for path in contents.save(save, about["key"], members)]
    if as_json:
        show.print_json(about)
    elif key is not None:
        _print_sample(about)
    elif "samples" in about:
        _print_tar(about)
    else:
        _print_folder(about)


def _print_folder(about: Mapping[str, Any]) -> None:
    splits = about["splits"]
    rows = [
        (name, one["takes"], f"{one['timepoints']:,}", one["shards"], f"{one['bytes'] / 1e6:,.1f}")
        for name, one in splits.items()
    ]
    columns = ("split", "takes", "timepoints", "shards", "MB on disk")
    show.print_table(about["data"], columns, rows, numbers=columns[1:])
    datasets = [
        (name, *(one["datasets"].get(name, "") for one in splits.values()), card.get("title", ""), card.get("licence"))
        for name, card in about["datasets"].items()
    ]
    show.print_table("Datasets (timepoints)", ("dataset", *splits, "title", "licence"), datasets, numbers=list(splits))
    for kind, column in (("media", "medium"), ("facets", "facet")):
        names = sorted({name for one in splits.values() for name in one[kind]})
        counts = [(name, *(one[kind].get(name, "") for one in splits.values())) for name in names]
        show.print_table(f"{kind.capitalize()} (timepoints)", (column, *splits), counts, numbers=list(splits))
    made = [*_flat(about["parameters"]), *_flat(about["versions"]), ("skipped media", len(about["skipped"]))]
    show.print_table("How it was made", ("", ""), made)


def _flat(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}: {inner}", str(one)) for inner, one in value.items()]
        else:
            rows.append((name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return rows


def _print_tar(about: Mapping[str, Any]) -> None:
    samples = about["samples"]
    rows = [
        (str(number), one["key"], f"{one['bytes']:,}", str(one["offset"]), _few(one["members"]))
        for number, one in enumerate(islice(samples, SHOWN))
    ]
    if len(samples) > SHOWN:
        rows.append(("…", f"{len(samples) - SHOWN:,} more", "", "", ""))
    columns = ("", "key", "bytes", "offset", "members")
    title = f"{about['tar']}: {len(samples):,} samples, {about['bytes'] / 1e6:,.1f} MB"
    show.print_table(title, columns, rows, numbers=("", "bytes", "offset"))
    for line in about["damages"]:
        show.print_line(f"warning: {line}", err=True)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:FEW]) + (f", … ({len(names)})" if len(names) > FEW else "")


def _print_sample(about: Mapping[str, Any]) -> None:
    place = ("split", "number", "take", "frame", "index", "seconds", "tar")
    shown = ((name, about[name]) for name in place if about.get(name) is not None)
    show.print_table(about["key"], ("", ""), shown)
    members = [
        (
            one["name"],
            f"{one['bytes']:,}",
            one["offset"],
            one["about"] + (" of {} x {}".format(*one["original"]) if "original" in one else ""),
        )
        for one in about["members"]
    ]
    members += [(name, "", "", "in the labels, and not in the tar") for name in about.get("missing", ())]
    show.print_table("Members", ("name", "bytes", "offset", "what it is"), members, numbers=("bytes", "offset"))
    if "labels" in about:
        _print_labels(about)
    for path in about.get("saved", ()):
        show.print_line(f"wrote {path}")


def _print_labels(about: Mapping[str, Any]) -> None:
    from orqa_shards.contents import readable

    labels = []
    for facet, value in about["labels"].items():
        lines = list(readable(value))
        more = [f"… ({len(lines)} lines)"] if len(lines) > SHOWN else []
        labels.append((facet, "\n".join([*lines[:SHOWN], *more])))
    if labels:
        show.print_table("Labels", ("facet", "value"), labels)
    rows: list[tuple[str, str, str]] = []
    asked: dict[str, int] = {}
    for one in about["questions"]:
        asked[one["task"]] = asked.get(one["task"], 0) + 1
        if asked[one["task"]] <= FEW:
            rows.append((one["task"], one["question"], " or ".join(one["answers"])))
    if rows:
        title = f"Questions ({len(about['questions'])}; at most {FEW} of a task are shown, --json has all)"
        show.print_table(title, ("task", "question", "answer"), rows)

"""`orqa-registry inspect`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from orqa_registry import CallError, Registry
from orqa_registry.console import output
from orqa_registry.optional_imports import requiring

MAX_LINES = 20
"""Samples of a tar and lines of a label that are shown; --json has all."""
MAX_EXAMPLES = 3
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
    with requiring("inspect", "orqa-registry[shards]"):
        from orqa_shards.read.dataset import Shards
        from orqa_shards.read.tar_reader import Tar
        from orqa_shards.report import describe
    members: Mapping[str, bytes] = {}
    if data.endswith(".tar") and not Path(data).is_dir():
        if split is not None:
            raise CallError("--split: a tar has none")
        tar = Tar.open(data)
        content = describe.describe_tar(tar) if key is None else describe.describe_tar_sample(tar, key)
        members = tar[content["number"]] if save is not None else {}
    else:
        shards = Shards.open(data)
        if key is None:
            content = describe.describe_folder(shards, split)
        else:
            sample_split, number = describe.find_timepoint(shards, key, split)
            content = describe.describe_sample(registry, sample_split, number)
            members = describe.read_members(sample_split, number) if save is not None else {}
    if save is not None:
        content["saved"] = [str(path) for path in describe.save_members(save, content["key"], members)]
    if as_json:
        output.print_json(content)
    elif key is not None:
        _print_sample(content)
    elif "samples" in content:
        _print_tar(content)
    else:
        _print_folder(content)


def _print_folder(content: Mapping[str, Any]) -> None:
    splits = content["splits"]
    rows = [
        (name, entry["takes"], f"{entry['timepoints']:,}", entry["shards"], f"{entry['bytes'] / 1e6:,.1f}")
        for name, entry in splits.items()
    ]
    columns = ("split", "takes", "timepoints", "shards", "MB on disk")
    output.print_table(content["data"], columns, rows, numbers=columns[1:])
    datasets = [
        (
            name,
            *(entry["datasets"].get(name, "") for entry in splits.values()),
            card.get("title", ""),
            card.get("licence"),
        )
        for name, card in content["datasets"].items()
    ]
    output.print_table(
        "Datasets (timepoints)", ("dataset", *splits, "title", "licence"), datasets, numbers=list(splits)
    )
    for kind, column in (("media", "medium"), ("facets", "facet")):
        names = sorted({name for entry in splits.values() for name in entry[kind]})
        counts = [(name, *(entry[kind].get(name, "") for entry in splits.values())) for name in names]
        output.print_table(f"{kind.capitalize()} (timepoints)", (column, *splits), counts, numbers=list(splits))
    settings = [
        *_flatten(content["parameters"]),
        *_flatten(content["versions"]),
        ("skipped media", len(content["skipped"])),
    ]
    output.print_table("How it was made", ("", ""), settings)


def _flatten(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}: {key}", str(item)) for key, item in value.items()]
        else:
            rows.append((name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return rows


def _print_tar(content: Mapping[str, Any]) -> None:
    samples = content["samples"]
    rows = [
        (str(number), sample["key"], f"{sample['bytes']:,}", str(sample["offset"]), _shorten(sample["members"]))
        for number, sample in enumerate(islice(samples, MAX_LINES))
    ]
    if len(samples) > MAX_LINES:
        rows.append(("…", f"{len(samples) - MAX_LINES:,} more", "", "", ""))
    columns = ("", "key", "bytes", "offset", "members")
    title = f"{content['tar']}: {len(samples):,} samples, {content['bytes'] / 1e6:,.1f} MB"
    output.print_table(title, columns, rows, numbers=("", "bytes", "offset"))
    for line in content["damages"]:
        output.print_line(f"warning: {line}", err=True)


def _shorten(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_EXAMPLES]) + (f", … ({len(names)})" if len(names) > MAX_EXAMPLES else "")


def _print_sample(content: Mapping[str, Any]) -> None:
    fields = ("split", "number", "take", "frame", "index", "seconds", "tar")
    rows = ((name, content[name]) for name in fields if content.get(name) is not None)
    output.print_table(content["key"], ("", ""), rows)
    members = [
        (
            member["name"],
            f"{member['bytes']:,}",
            member["offset"],
            member["about"] + (" of {} x {}".format(*member["original"]) if "original" in member else ""),
        )
        for member in content["members"]
    ]
    members += [(name, "", "", "in the labels, and not in the tar") for name in content.get("missing", ())]
    output.print_table("Members", ("name", "bytes", "offset", "what it is"), members, numbers=("bytes", "offset"))
    if "labels" in content:
        _print_labels(content)
    for path in content.get("saved", ()):
        output.print_line(f"wrote {path}")


def _print_labels(content: Mapping[str, Any]) -> None:
    from orqa_shards.report.describe import label_lines

    labels = []
    for facet, value in content["labels"].items():
        lines = list(label_lines(value))
        remainder = [f"… ({len(lines)} lines)"] if len(lines) > MAX_LINES else []
        labels.append((facet, "\n".join([*lines[:MAX_LINES], *remainder])))
    if labels:
        output.print_table("Labels", ("facet", "value"), labels)
    rows: list[tuple[str, str, str]] = []
    counts: dict[str, int] = {}
    for question in content["questions"]:
        counts[question["task"]] = counts.get(question["task"], 0) + 1
        if counts[question["task"]] <= MAX_EXAMPLES:
            rows.append((question["task"], question["question"], " or ".join(question["answers"])))
    if rows:
        title = f"Questions ({len(content['questions'])}; at most {MAX_EXAMPLES} of a task are shown, --json has all)"
        output.print_table(title, ("task", "question", "answer"), rows)

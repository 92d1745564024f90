"""Writes what follows from the code: `python docs/build.py`. A test holds it up to date."""

from collections.abc import Iterable
from pathlib import Path

import click
import rooms

from orqa_registry import Dataset, Registry
from orqa_registry.cli.main import build_cli
from orqa_registry.data.facets import FACETS

HOME = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- matrix: written by docs/build.py -->", "<!-- end of matrix -->"


def matrix(registry: Registry) -> str:
    """Return which dataset can be asked what, as a Markdown table."""
    datasets = sorted(registry.datasets.items())
    fits = {name: {task.name for task in registry.fitting_tasks(dataset)} for name, dataset in datasets}
    lines = [
        "| task | asks | " + " | ".join(name for name, _ in datasets) + " |",
        "|---|---|" + ":-:|" * len(datasets),
    ]
    for name, task in sorted(registry.tasks.items()):
        marks = " | ".join("●" if name in fits[dataset_name] else "" for dataset_name, _ in datasets)
        lines.append(f"| `{name}` | {task.question} | {marks} |")
    return "\n".join(lines)


def commands(registry: Registry) -> str:
    """Return the reference of the command line, from its help texts."""
    cli = build_cli(registry)
    parts = ["# Commands", "", "Written by `docs/build.py` from the help texts.", ""]
    context = click.Context(cli, info_name="orqa-registry", terminal_width=100, max_content_width=100)
    parts += ["```text", cli.get_help(context), "```", ""]
    for name in cli.list_commands(context):
        subcontext = click.Context(cli.commands[name], parent=context, info_name=name, max_content_width=100)
        parts += [f"## {name}", "", "```text", cli.commands[name].get_help(subcontext), "```", ""]
    return "\n".join(parts)


def datasets(registry: Registry) -> str:
    """Return what each dataset gives and where it lies on disk, from the plugins."""
    by_name = sorted(registry.datasets.items())
    head = " | ".join(name for name, _ in by_name)
    rule = "|---|" + ":-:|" * len(by_name)
    facets = [name for name in FACETS if any(name in dataset.provides for _, dataset in by_name)]
    media = sorted(
        {medium for _, dataset in by_name for medium in dataset.media}, key=lambda name: (_classify_medium(name), name)
    )
    kinds = list(dict.fromkeys(map(_classify_medium, media)))
    parts = [
        "# Datasets",
        "",
        "Written by `docs/build.py` from the plugins. `orqa-registry doctor NAME --root DIR` says what is on disk.",
        "",
        "## Who gives what",
        "",
        f"| facet | {head} |",
        rule,
        *(_format_row(f"`{name}`", (name in dataset.provides for _, dataset in by_name)) for name in facets),
        "",
        f"| sensors | {head} |",
        rule,
        *(
            _format_row(
                f"`{kind}`", (any(_classify_medium(name) == kind for name in dataset.media) for _, dataset in by_name)
            )
            for kind in kinds
        ),
        "",
        "`VIEW` stands for a camera. What a facet means and in which unit it is: `orqa-registry info NAME`.",
        "",
    ]
    for name, dataset in by_name:
        parts += _describe_dataset(name, dataset, [task.name for task in registry.fitting_tasks(dataset)])
    return "\n".join(parts)


def _format_row(title: str, marks: Iterable[bool]) -> str:
    return f"| {title} | " + " | ".join("●" if mark else "" for mark in marks) + " |"


def _classify_medium(medium: str) -> str:
    """Return what a medium is, whichever camera it is of."""
    stem, _, suffix = medium.partition(".")
    if suffix in {"jpg", "png"}:
        return "VIEW.jpg"
    if suffix == "mask.png" and stem.startswith("lowres"):
        return "lowresN.mask.png"
    return f"VIEW.{suffix}" if suffix in {"mask.png", "depth.png", "keypoints.json"} else medium


def _describe_dataset(name: str, dataset: Dataset, tasks: list[str]) -> list[str]:
    card = dataset.card
    facts = {
        "size": card.size,
        "licence": card.licence,
        "access": card.access,
        "homepage": card.homepage,
        "cite": card.citation,
        "splits": ", ".join(
            f"{split} ({len(dataset.official[split])} takes)" if split in dataset.official else split
            for split in dataset.splits
        ),
        f"{len(tasks)} tasks": ", ".join(f"`{task}`" for task in tasks),
    }
    parts = [f"## {name}", "", f"{card.title}.", "", "| | |", "|---|---|"]
    parts += [f"| {key} | {value} |" for key, value in facts.items() if value]
    parts += ["", "| medium | what it is |", "|---|---|"]
    parts += [f"| `{medium}` | {meaning} |" for medium, meaning in dataset.media.items()]
    if dataset.pieces:
        parts += ["", "| piece | lies in | gives | from |", "|---|---|---|---|"]
        for piece in dataset.pieces:
            gives = ", ".join(f"`{facet_name}`" for facet_name in (*piece.media, *piece.facets))
            parts.append(f"| {piece.name} | `{piece.files}` | {gives} | {piece.access or card.access} |")
    parts += ["", *(f"- {note}" for note in card.notes), ""]
    return parts


def pages(registry: Registry) -> dict[Path, str]:
    """Return each written file with what it should hold."""
    readme = HOME / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return {
        readme: f"{before}{BEGIN}\n{matrix(registry)}\n{END}{after}",
        HOME / "docs" / "reference" / "commands.md": commands(registry),
        HOME / "docs" / "reference" / "datasets.md": datasets(registry),
        HOME / "docs" / "images" / "rooms.svg": rooms.picture(),
    }


if __name__ == "__main__":
    for path, text in pages(Registry.load({})).items():
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path.relative_to(HOME)}")

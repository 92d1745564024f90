"""Writes what follows from the code: `python docs/build.py`. A test holds it up to date."""

from pathlib import Path

import click

from orqa_registry import Registry
from orqa_registry.cli import build

HOME = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- matrix: written by docs/build.py -->", "<!-- end of matrix -->"


def matrix(registry: Registry) -> str:
    """Return which dataset can be asked what, as a Markdown table."""
    datasets = sorted(registry.datasets.items())
    fits = {name: {task.name for task in registry.fitting(one)} for name, one in datasets}
    lines = [
        "| task | asks | " + " | ".join(name for name, _ in datasets) + " |",
        "|---|---|" + ":-:|" * len(datasets),
    ]
    for name, task in sorted(registry.tasks.items()):
        marks = " | ".join("●" if name in fits[dataset] else "" for dataset, _ in datasets)
        lines.append(f"| `{name}` | {task.question} | {marks} |")
    return "\n".join(lines)


def commands(registry: Registry) -> str:
    """Return the reference of the command line, from its help texts."""
    cli = build(registry)
    parts = ["# Commands", "", "Written by `docs/build.py` from the help texts.", ""]
    context = click.Context(cli, info_name="orqa-registry", terminal_width=100, max_content_width=100)
    parts += ["```text", cli.get_help(context), "```", ""]
    for name in cli.list_commands(context):
        below = click.Context(cli.commands[name], parent=context, info_name=name, max_content_width=100)
        parts += [f"## {name}", "", "```text", cli.commands[name].get_help(below), "```", ""]
    return "\n".join(parts)


def pages(registry: Registry) -> dict[Path, str]:
    """Return each written file with what it should hold."""
    readme = HOME / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return {
        readme: f"{before}{BEGIN}\n{matrix(registry)}\n{END}{after}",
        HOME / "docs" / "reference" / "commands.md": commands(registry),
    }


if __name__ == "__main__":
    for path, text in pages(Registry.load({})).items():
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path.relative_to(HOME)}")

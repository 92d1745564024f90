"""`orqa-registry export`: a question set, sampled as the benchmark's, in the format of another tool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from orqa_registry.console import output
from orqa_registry.console.root_option import parse_roots
from orqa_registry.data.dataset import Dataset
from orqa_registry.errors import CallError, OrqaError
from orqa_registry.exchange import FORMATS, IMAGE_MODES, ExportSet, ImageFiles, write_export
from orqa_registry.progress import ProgressCallback
from orqa_registry.questions.question_pool import QuestionPool
from orqa_registry.questions.question_set import CellCounts, SamplingMethod, sample_questions
from orqa_registry.questions.task import Task
from orqa_registry.readers import synthetic_scenes
from orqa_registry.registry import Registry

SAMPLINGS = ("benchmark", "uniform", "all")
TRAIN_SPLIT = "train"


@click.command()
@click.argument("datasets", metavar="DATASET...", nargs=-1, required=True)
@click.option(
    "--root",
    "roots",
    multiple=True,
    metavar="[NAME=]DIR",
    help="Folder of the raw files; with several datasets a NAME=DIR for each. Default: ORQA_DATA/NAME.",
)
@click.option("--split", required=True, help="Which split, for instance train.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), required=True, help="What to write it for.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the files.")
@click.option("--size", type=click.IntRange(min=1), help="How many questions. Default: all that can be asked.")
@click.option(
    "--sampling", type=click.Choice(SAMPLINGS), help="How to choose. Default: benchmark with --size, else all."
)
@click.option("--weight", "weights", multiple=True, metavar="NAME=0.4", help="Share of a dataset; repeatable.")
@click.option("--seed", type=int, default=0, show_default=True, help="What chance hangs on.")
@click.option("--task", "tasks", multiple=True, help="Ask this task alone; repeat for several. Default: all that fit.")
@click.option("--paraphrase", type=click.FloatRange(0, 1), default=0.0, help="Chance of another wording. Default: 0.")
@click.option("--sentences", type=click.FloatRange(0, 1), default=0.0, help="Chance of a full sentence. Default: 0.")
@click.option(
    "--images",
    type=click.Choice(IMAGE_MODES),
    default=IMAGE_MODES[0],
    help="Name image files, or copy or link them beside the set.",
)
@click.option("--replace", is_flag=True, help="Draw with replacement, as the original: duplicates are counted.")
@click.option("--compat", type=click.Choice(["orqa-v1"]), help="Ask as the original does, defects and all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_obj
def export(
    registry: Registry,
    datasets: tuple[str, ...],
    roots: tuple[str, ...],
    split: str,
    form: str,
    out: Path,
    size: int | None,
    sampling: SamplingMethod | None,
    weights: tuple[str, ...],
    seed: int,
    tasks: tuple[str, ...],
    paraphrase: float,
    sentences: float,
    images: Any,
    replace: bool,
    compat: str | None,
    as_json: bool,
) -> None:
    """Write a question set of DATASET... for another tool, and NAME.manifest.json, which says how many of each kind.

    Sampling `benchmark` is that of the benchmark: each dataset has a share, each question type an equal part of it, and
    inside a type rare answers and rarely named things are drawn more often. `uniform` leaves that out. Nothing is drawn
    twice unless --replace says so; where there are fewer questions than wanted, the manifest tells what is lacking.
    The same seed gives the same set, and a larger set holds the smaller one.

    Synthetic scenes are of training takes, and asked about in training alone; --compat orqa-v1 asks about them in every
    split, as the original. A prompt is the question and nothing else, with what precedes it in training left out.

    \b
    orqa           final_qa_pairs_SPLIT_SIZE.json, in the schema of the benchmark
    llama-factory  for dataset_dir: OUT and dataset: orqa_SPLIT
    lmms-eval      for cd OUT && python -m lmms_eval --include_path . --tasks orqa_SPLIT
    jsonl          lines as `orqa-registry ask` prints them, with wording and images

    \b
    orqa-registry export 4D-OR --root DIR --split train --size 20000 --format llama-factory --out set
    orqa-registry export 4D-OR MM-OR --root 4D-OR=A --root MM-OR=B --weight MM-OR=0.5 --split val --size 1000 \\
        --format lmms-eval --images copy --out set
    """
    chosen_datasets = list({dataset.name: dataset for dataset in map(registry.dataset, datasets)}.values())
    method: SamplingMethod = sampling or ("all" if size is None else "benchmark")
    if (method == "all") != (size is None):
        raise CallError(f"--sampling {method} {'takes no' if method == 'all' else 'needs a'} --size")
    shares, fitting, root_folders = (
        _parse_weights(registry, weights),
        _fit_tasks(registry, chosen_datasets, tasks),
        parse_roots(registry, roots, chosen_datasets),
    )
    splits = {dataset.name: registry.split(dataset, split) for dataset in chosen_datasets}
    data_folders = {
        dataset.name: registry.locate(dataset, root_folders.get(dataset.name)) for dataset in chosen_datasets
    }
    homes = {dataset.name: dataset.home(data_folders[dataset.name]) for dataset in chosen_datasets}
    for name, home in homes.items():
        if out.resolve().is_relative_to(home.resolve()):
            raise CallError(f"--out {out} is in the folder of {name}, {home}: nothing is written into a dataset")
    pool = QuestionPool()
    with output.show_progress("takes") as advance:
        for dataset in chosen_datasets:
            _fill_pool(
                pool,
                dataset,
                data_folders[dataset.name],
                splits[dataset.name],
                fitting[dataset.name],
                advance,
                compat=compat is not None,
            )
    drawn = sample_questions(
        pool, size, shares, method, seed, replace=replace, paraphrase=paraphrase, sentences=sentences
    )
    questions = ExportSet(
        drawn,
        out,
        FORMATS[form].named(next(iter(splits.values())), size or len(drawn.items)),
        ImageFiles(out, images),
        homes,
        compat=compat is not None,
    )
    manifest = {
        "splits": splits,
        "compat": compat,
        "images": images,
        **drawn.manifest(registry.versions_of(drawn.names)),
    }
    files = write_export(questions, form, manifest)
    _print_report(questions, {**manifest, "images_missing": questions.pictures.missing}, files, as_json=as_json)


def _parse_weights(registry: Registry, weights: Iterable[str]) -> dict[str, float]:
    shares = {}
    for weight in weights:
        name, _, share = weight.partition("=")
        try:
            shares[registry.dataset(name).name] = float(share)
        except ValueError:
            raise CallError(f"--weight {weight}: a NAME=0.4 was expected") from None
    return shares


def _fit_tasks(registry: Registry, datasets: Sequence[Dataset], task_names: Sequence[str]) -> dict[str, list[Task]]:
    """Return dataset name -> tasks; of several datasets, a task that is asked for has to fit one."""
    if len(datasets) == 1:
        return {datasets[0].name: registry.fitting_tasks(datasets[0], task_names)}
    tasks = [registry.task(name) for name in task_names]
    fitting_tasks = {}
    for dataset in datasets:
        names = [task.name for task in tasks if task.needs <= dataset.provides]
        fitting_tasks[dataset.name] = registry.fitting_tasks(dataset, names) if names or not tasks else []
    for task in tasks:
        if not any(task in fitting for fitting in fitting_tasks.values()):
            raise CallError(
                f"{task.name} can be asked of none of {', '.join(fitting_tasks)}: it needs {', '.join(task.needs)}"
            )
    return fitting_tasks


def _fill_pool(
    pool: QuestionPool,
    dataset: Dataset,
    folder: Path,
    split: str,
    tasks: list[Task],
    advance: ProgressCallback,
    *,
    compat: bool,
) -> None:
    """Add to a pool all that can be asked of a split. Raises OrqaError where that is nothing."""
    sources = [(take, tasks) for take in dataset.takes(folder, split)]
    if compat and split != TRAIN_SPLIT and TRAIN_SPLIT in dataset.splits:
        # The original asks about scenes in every split, and all scenes are of training takes (defect D17).
        scene_tasks = [task for task in tasks if "attributes" in task.needs]
        takes = dataset.takes(folder, TRAIN_SPLIT) if scene_tasks else ()
        sources += [(take, scene_tasks) for take in takes if take.name.endswith(synthetic_scenes.SCENE_TAKE_SUFFIX)]
    points, size_before = 0, len(pool)
    for position, (take, take_tasks) in enumerate(sources, 1):
        points += pool.read(take, take_tasks, compat=compat)
        advance(dataset.name, position, len(sources), f"{len(pool):,} questions")
    if len(pool) == size_before and tasks:
        reason = "nothing can be asked" if points else "there is no timepoint"
        raise OrqaError(
            f"{dataset.name}: {reason} in split {split} under {folder}. What of it is on disk: "
            f"orqa-registry doctor {dataset.name} --root {folder}"
        )


def _print_report(questions: ExportSet, manifest: Mapping[str, Any], files: Sequence[Path], *, as_json: bool) -> None:
    if as_json:
        output.print_json({"files": list(map(str, files)), **manifest})
    else:
        rows = ((cell.dataset, cell.task, *_format_counts(cell)) for cell in questions.drawn.cells)
        columns = ("dataset", "task", "available", "wanted", "taken", "lacking", "twice")
        title = f"{len(questions.drawn.items):,} questions in {files[0]}"
        output.print_table(title, columns, rows, numbers=columns[2:])
    if shortage := manifest["shortage"]:
        output.print_line(
            f"warning: {shortage:,} questions are lacking, because there are no more of their kind", err=True
        )
    if missing := manifest["images_missing"]:
        output.print_line(f"warning: {missing:,} images are not there and were left out", err=True)


def _format_counts(cell: CellCounts) -> tuple[str, ...]:
    return tuple(f"{count:,}" for count in (cell.available, cell.wanted, cell.taken, cell.shortage, cell.duplicates))

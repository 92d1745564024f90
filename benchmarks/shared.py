"""What sharing a sequence saves: all questions of a timepoint in one, against a sequence for each, in one run.

    python benchmarks/shared.py --data demo/shards

Encoding, forward and backward of the tiny model on one thread; the loss is compared too, since it must be the same.
"""

import argparse
import json
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import torch

from orqa_registry import Registry
from orqa_shards.read.dataset import Shards
from orqa_shards.sampling.stream import Sample, Stream
from orqa_train import recipe as recipes
from orqa_train.models import build
from orqa_train.models.shared_prefix import additive_mask, collate_samples, encode_sample


def measure(work: Callable[[], float], runs: int) -> tuple[float, float]:
    """Return the median seconds of some work, after one run that does not count, and what it returned."""
    result = work()
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return median(seconds), result


def main() -> None:
    """Print seconds and questions a second of both ways, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--timepoints", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    split = Shards.open(args.data).split("train")
    stream = Stream.of(Registry.load(), split)
    askable = (sample for sample in stream if sample.asked)
    samples = list(islice(askable, args.timepoints))
    texts = [text for sample in samples for asked in sample.asked for text in (asked.text, asked.answer)]
    model, processor = build.build_model(recipes.load_recipe("tiny"), texts)

    def loss(batch: dict[str, Any]) -> torch.Tensor:
        batch["attention_mask"] = additive_mask(batch["attention_mask"], torch.float32)
        answers = int((batch["labels"] != -100).sum())
        total: torch.Tensor = model(**batch).loss * answers
        total.backward()
        return total.detach()

    def together() -> float:
        return float(loss(collate_samples(processor, [encode_sample(processor, sample, 4096) for sample in samples])))

    def apart() -> float:
        return sum(
            float(
                loss(
                    collate_samples(
                        processor,
                        [encode_sample(processor, Sample(sample.timepoint, (asked,)), 4096) for asked in sample.asked],
                    )
                )
            )
            for sample in samples
        )

    questions = sum(len(sample.asked) for sample in samples)
    (shared, shared_loss), (single, single_loss) = measure(together, args.runs), measure(apart, args.runs)
    if abs(shared_loss - single_loss) > 1e-3 * abs(single_loss):
        raise SystemExit(f"the losses differ: {shared_loss} and {single_loss}")
    rows = {
        "questions": questions,
        "questions_a_timepoint": questions / args.timepoints,
        "shared_questions_a_second": questions / shared,
        "single_questions_a_second": questions / single,
        "ratio": single / shared,
    }
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    for name, value in rows.items():
        print(f"{name.replace('_', ' '):28} {value:8.1f}")


if __name__ == "__main__":
    main()

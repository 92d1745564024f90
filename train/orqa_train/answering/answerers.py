"""Who answers: the most common answer, the truth, a trained model, and that model with its eyes shut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from orqa_registry import Answerer, AnswererSetting, AskedQuestion, CallError
from orqa_registry.optional_imports import requiring


class MajorityAnswerer(Answerer):
    """The most common answer of each task in the split that is learnt from: what one scores without looking."""

    name = "majority"
    summary = "the most common answer of each task in the training split"

    def open(self, setting: AnswererSetting) -> Callable[[Sequence[AskedQuestion]], Sequence[str]]:
        """Count the answers of the history."""
        counts: dict[str, Counter[str]] = {}
        for asked in setting.history():
            counts.setdefault(asked.question.task, Counter())[asked.answer] += 1
        # Among equally common answers the first in the alphabet, so that a run can be repeated.
        common = {task: min(counter, key=lambda answer: (-counter[answer], answer)) for task, counter in counts.items()}
        return lambda batch: [common.get(asked.question.task, "") for asked in batch]


class TruthAnswerer(Answerer):
    """The right answer: scores 1 everywhere, or a task's scorer is wrong."""

    name = "truth"
    summary = "the right answer itself, to check the scoring"

    def open(self, setting: AnswererSetting) -> Callable[[Sequence[AskedQuestion]], Sequence[str]]:
        """Return the right answers."""
        return lambda batch: [asked.question.answer for asked in batch]


class ModelAnswerer(Answerer):
    """A model that `orqa-registry train` wrote, or another of its family, by folder or name."""

    name = "model"
    summary = "model:FOLDER, or FOLDER alone: a trained model that looks at the views"
    blank = False

    def open(self, setting: AnswererSetting) -> Callable[[Sequence[AskedQuestion]], Sequence[str]]:
        """Load the model. Raises CallError without a folder and OrqaError where it cannot be loaded."""
        folder = setting.argument or (setting.models[0] if len(setting.models) == 1 else None)
        if folder is None:
            raise CallError(f"{self.name}: which model? Write {self.name}:FOLDER, or name one model in the same call")
        with requiring("a model's answers", "orqa-registry[train]"):
            from orqa_train.answering.local_model import LocalModel  # torch takes seconds to import

        return LocalModel.load(folder, blank=self.blank).answer


class BlindAnswerer(ModelAnswerer):
    """A trained model whose views are all grey: what is left of its score without looking."""

    name = "blind"
    summary = "blind:FOLDER: the same model with its views blanked, to show that looking matters"
    blank = True


def is_model_folder(text: str) -> bool:
    """Tell whether `text` is the folder of a saved model."""
    return (Path(text) / "config.json").is_file()

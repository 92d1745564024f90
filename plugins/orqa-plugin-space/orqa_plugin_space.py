"""Where things are: in an image, in the room, and how far apart (protocol.md 4.14 to 4.16)."""

from __future__ import annotations

from collections.abc import Iterator

from orqa_registry import Moment, Question, Task, hookimpl, scoring
from orqa_registry.data.vocabulary import display
from orqa_registry.questions import image_coordinates, room_coordinates


class Where2D(Task):
    """The box of an entity in one view, in a thousand bins an axis; each box is right where there are several.

    What lies outside the image is cut off; the original counts bins below 0 and beyond 999.
    """

    name = "where_2d"
    needs = {"boxes"}
    question = "Where is {entity} in the image?"
    paraphrases = (
        "At which place of the image is {entity}?",
        "Locate {entity} in the image.",
        "What is the bounding box of {entity}?",
        "In which part of the picture can {entity} be seen?",
        "Give the extents of {entity} in the image.",
    )
    sentences = (
        "In the image, {entity} is at {answer}.",
        "The box of {entity} is {answer}.",
        "The picture shows {entity} at {answer}.",
    )
    answer_format = "x_min, x_max, y_min, y_max: four integers, 0 to 999"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask about every entity of every view."""
        for view, view_boxes in image_coordinates.boxes_by_view(moment).items():
            answers: dict[str, list[str]] = {}
            for box in view_boxes.boxes:
                answers.setdefault(display(box.entity), []).append(box.as_text)
            for entity, boxes in answers.items():
                yield self.pose(*dict.fromkeys(boxes), view=view, entity=entity)

    def score(self, truth: str, answer: str) -> float:
        """Score as a box."""
        return scoring.box(truth, answer)


class Where3D(Task):
    """The middle of an entity in the room, in thousandths of half a side of what counts as the room."""

    name = "where_3d"
    needs = {"positions"}
    question = "Where is {entity} in the scene?"
    paraphrases = (
        "What is the position of {entity} in the room?",
        "At which coordinates is {entity}?",
        "Locate {entity} in 3D.",
        "Give the 3D position of {entity}.",
        "In which place of the room is {entity}?",
    )
    sentences = (
        "In the scene, {entity} is at {answer}.",
        "The position of {entity} is {answer}.",
        "The coordinates of {entity} are {answer}.",
    )
    answer_format = "x, y, z: three integers, -1000 to 1000"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask about every entity."""
        for entity, position in room_coordinates.room_positions(moment).items():
            yield self.pose(", ".join(map(str, position)), entity=display(entity))

    def score(self, truth: str, answer: str) -> float:
        """Score as a point."""
        return scoring.point(truth, answer)


class Distance3D(Task):
    """How far two entities are apart, from middle to middle; the original doubles it for data in mm (defect D9)."""

    name = "distance_3d"
    needs = {"positions"}
    question = "How far is {a} from {b}?"
    paraphrases = (
        "What is the distance between {a} and {b}?",
        "How far apart are {a} and {b}?",
        "How many millimetres are there between {a} and {b}?",
        "At which distance from {b} is {a}?",
        "Give the distance from {a} to {b}.",
    )
    sentences = (
        "The distance between {a} and {b} is {answer}.",
        "From {a} to {b} it is {answer}.",
        "{a} and {b} are {answer} apart.",
    )
    answer_format = "<integer> mm"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask about every pair, each once."""
        for (first, second), distance in room_coordinates.distances_mm(moment).items():
            yield self.pose(f"{distance} mm", a=display(first), b=display(second))

    def score(self, truth: str, answer: str) -> float:
        """Score as a distance."""
        return scoring.distance(truth, answer)


@hookimpl
def orqa_tasks() -> Iterator[Task]:
    """Bring the tasks."""
    yield Where2D()
    yield Where3D()
    yield Distance3D()

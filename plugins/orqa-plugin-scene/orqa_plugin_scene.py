"""The whole scene: its graph, and everything in it (protocol.md 4.18 to 4.20)."""

from __future__ import annotations

from collections.abc import Iterator

from orqa_registry import RARE_WEIGHT, Moment, Question, Task, hookimpl, scenegraph, scoring
from orqa_registry.data.vocabulary import display
from orqa_registry.questions import image_coordinates


class CurrentSceneGraph(Task):
    """Every relation, as triplets; a scene in which nothing relates to anything has an empty graph, and is asked."""

    name = "current_scene_graph"
    needs = {"relations"}
    question = "What is the current scene graph?"
    paraphrases = (
        "Describe the scene as a graph of triplets.",
        "Which relations hold between the people and things in the room?",
        "Give every relation of the current scene.",
        "List the triplets of the current scene graph.",
        "What does the scene graph of this moment look like?",
        "Write down the present scene as subject, object and predicate.",
    )
    sentences = (
        "The current scene graph is {answer}",
        "The relations of this scene are {answer}",
        "At this moment the graph is {answer}",
    )
    answer_format = "<SG> subject,object,predicate; subject,object,predicate </SG>"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask at every timepoint with a graph."""
        yield self.pose(scenegraph.graph_to_text(moment.labels["relations"]))

    def score(self, truth: str, answer: str) -> float:
        """Score as a graph."""
        return scoring.graph(truth, answer)

    def score_fairly(self, truth: str, answer: str) -> float:
        """Score with precision too (defect D24), and without regard to case (D25)."""
        return scoring.graph_f1(truth, answer)

    def sampling_class(self, answer: str) -> str:
        """Return a graph without what is close or lies, sorted: most of every graph is that."""
        edges = scoring.triplets(scoring.without_tags(answer).lower())
        return "; ".join(sorted(",".join(edge) for edge in edges if edge[2] not in {"closeto", "lyingon"}))


def _skips_empty(moment: Moment) -> bool:
    """Tell whether the original asks nothing where nothing is there."""
    return moment.compat and moment.timepoint.dataset in image_coordinates.ORDERED_BY_PIXELS


class ListAllEntities(Task):
    """Everything present that has a name."""

    name = "list_all_entities"
    needs = {"entities"}
    question = "List all entities in the OR."
    paraphrases = (
        "Name everybody and everything in the operating room.",
        "Which people and objects are in the OR?",
        "What is present in the operating room?",
        "Give the names of all that is in the room.",
        "Which entities are there in the operating room?",
    )
    sentences = (
        "In the OR there are: {answer}.",
        "The operating room holds the following: {answer}.",
        "These are present: {answer}.",
        "The entities are {answer}.",
    )
    answer_format = "names separated by commas, without 'and'"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask at every timepoint; an empty room rarely."""
        entities = dict.fromkeys(map(display, moment.mask_facet("entities")))
        if entities:
            yield self.pose(", ".join(entities))
        elif not _skips_empty(moment):
            yield self.pose("nothing", weight=RARE_WEIGHT)

    def score(self, truth: str, answer: str) -> float:
        """Score as a set."""
        return scoring.names(truth, answer)

    def sampling_class(self, answer: str) -> str:
        """Return the names in alphabetical order."""
        return scoring.sorted_names(answer)


class ListAllEntitiesOrdered2D(Task):
    """What one view shows, from left to right, by the middles of the boxes.

    Every box counts, two of a name are named twice; the original knows the last one alone (defect D10).
    """

    name = "list_all_entities_ordered_2D"
    needs = {"boxes"}
    question = "List all entities in the OR from left to right."
    paraphrases = (
        "Name everything in the image in order from left to right.",
        "Going from left to right, which people and objects can be seen?",
        "What is visible, ordered from the left edge to the right?",
        "Which entities does the picture show, the leftmost first?",
        "Give the names of all that is seen, from the left to the right.",
    )
    sentences = (
        "From left to right there are: {answer}.",
        "Beginning on the left, the image shows {answer}.",
        "The order from left to right is {answer}.",
    )
    answer_format = "names from left to right, separated by commas, without 'and'"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask about every view with boxes; an empty one rarely."""
        for view, view_boxes in image_coordinates.boxes_by_view(moment).items():
            entities = [display(entity) for entity in view_boxes.from_left_to_right(moment)]
            if entities:
                yield self.pose(", ".join(entities), view=view)
            elif not _skips_empty(moment):
                yield self.pose("nothing", view=view, weight=RARE_WEIGHT)

    def score(self, truth: str, answer: str) -> float:
        """Score as an ordered list."""
        return scoring.order(truth, answer)


@hookimpl
def orqa_tasks() -> Iterator[Task]:
    """Bring the tasks."""
    yield CurrentSceneGraph()
    yield ListAllEntities()
    yield ListAllEntitiesOrdered2D()

"""A dataset of two takes to be surveyed, of three that there should be; the second one is damaged."""

from orqa_registry import Card, Check, Dataset, LazyLabels, OrqaError, Piece, Registry, Take, Timepoint, hookimpl
from orqa_registry.doctor import survey
from orqa_registry.readers.io import find_home


def never():
    raise AssertionError("nobody asked for this")


def people():
    return {"roles": ("nurse",)}


def damaged(file="people.json"):
    raise OrqaError(f"{file}: damaged")


class Ward(Dataset):
    """Two takes of three that there should be; the second one is damaged after its first timepoint."""

    name = "Ward"
    card = Card("A ward", "CC0", "ask the ward")
    provides = {"roles", "actions", "gaze"}
    splits = ("train", "test")
    media = {"room1.jpg": "a camera", "points.npy": "a cloud"}
    official = {"train": ("one", "two", "three"), "test": ()}
    pieces = (
        Piece("images", "TAKE/*.jpg", media=("room*.jpg",)),
        Piece("clouds", "TAKE/*.ply", media=("points.npy",), access="a friend", terms="be kind"),
        Piece("people", "TAKE/people.json", facets=("roles",)),
        Piece("gaze", "TAKE/gaze.csv", facets=("gaze",), access="the lab"),
        Piece("clock", "TAKE/clock"),
        Piece("scans", "TAKE/scans/K.ply", facets=("actions",), access="a scanner", glob="*/scans/*.ply"),
        Piece("actions", "actions.csv", facets=("actions",)),
        Piece("index", "TAKE/index.json", glob="*/index.json"),
    )

    def home(self, root):
        home = find_home(root, lambda folder: (folder / "one").is_dir())
        if home is None:
            raise OrqaError(f"no ward in {root}")
        return home

    def takes(self, root, split):
        for name in ("one", "two") if split == "train" else ():
            yield Take(self.name, split, name, lambda name=name: self.points(name))

    def points(self, name):
        for k in range(4):
            if name == "two" and k:
                raise OrqaError("two/index.json: damaged")
            late = LazyLabels({"actions": ()}, {"roles": people}) if k % 2 else {}
            yield Timepoint(self.name, "train", name, str(k), k, None, {"room1.jpg": never}, late)

    def checks(self, root):
        yield Check("beds", 3, 3)
        yield Check("doors", 1, 2, "one is locked")


def laid_out(folder):
    """Write what there is of the ward, wrapped in a folder; return where."""
    (folder / "wrapped" / "one").mkdir(parents=True)
    (folder / "wrapped" / "one" / "index.json").write_text("[]")
    return folder


def examined(ward):
    dataset = Ward()
    tasks = [Registry.load().task(name) for name in ("count_people", "current_action", "role_people")]
    return survey.survey_dataset(dataset, ward, tasks, lambda what, done, total: None)


def rooms(labels, media=("room1.jpg",)):
    """Return what gives a ward one take: of four timepoints with these labels, and the media at all but the first."""
    points = [
        Timepoint("Ward", "train", "one", str(k), k, None, dict.fromkeys(media[: k + 1], never), labels(k))
        for k in range(4)
    ]
    return lambda self, root, split: iter([Take("Ward", split, "one", lambda: iter(points))] * (split == "train"))


def with_ward():
    registry = Registry.load({})

    class Plugin:
        @staticmethod
        def orqa_datasets():
            yield Ward()

    Plugin.orqa_datasets = staticmethod(hookimpl(Plugin.orqa_datasets))
    registry.register("ward", Plugin())
    return registry

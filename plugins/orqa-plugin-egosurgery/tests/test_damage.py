"""What is damaged costs its own modality, is counted and named; what nothing can do without is an error."""

import json
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orqa_plugin_egosurgery import EgoSurgery
from orqa_plugin_egosurgery.coco_reader import read_boxes
from orqa_plugin_egosurgery.csv_files import read_gaze, read_phases
from orqa_registry import DataWarning, OrqaError
from orqa_registry.data import facets

TOOLS = "annotations/bbox/by_split/tools/train.json"
HANDS = "annotations/bbox/by_split/hands/train.json"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"images": [], "annotations": 3, "categories": []}', "\xff\xfe"])
def test_a_damaged_box_file_costs_all_boxes(read, root, text):
    before = read(root)["01_1"]
    intact = (root / HANDS).read_text()
    (root / HANDS).write_text(text, encoding="latin-1")
    with pytest.warns(DataWarning, match=r"hands.train\.json"):
        points = read(root)["01_1"]
    known = [{k: v for k, v in p.labels.items() if k not in ("entities", "boxes")} for p in before]
    assert [p.labels for p in points] == known
    assert all("tools" in labels for labels in known)
    (root / HANDS).write_text(intact)
    (root / TOOLS).write_text(text, encoding="latin-1")
    with pytest.warns(DataWarning, match=r"tools.train\.json"):
        points = read(root)["01_1"]
    assert [p.frame for p in points] == ["01_1_0124", "01_1_0127", "01_1_0130"], "those of the hand file"
    assert [sorted(p.labels) for p in points] == [["actions", "gaze"], ["actions"], ["actions"]]
    (root / HANDS).write_text(text, encoding="latin-1")
    with pytest.warns(DataWarning, match=r"(tools|hands).train\.json"):
        points = read(root)["01_1"]
    assert len(points) == 6, "those of the phases and the pictures"


def test_a_damaged_box_file_is_an_error_where_there_is_nothing_else(read, tmp_path, write_file):
    write_file(tmp_path, TOOLS, "{")
    with pytest.raises(OrqaError, match=r"tools.train\.json: not JSON"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"images": [], "annotations": []}'])
def test_checks_go_on_where_nothing_but_a_damaged_file_is_there(dataset, tmp_path, write_file, text):
    write_file(tmp_path / "EgoSurgery", TOOLS, text)
    assert dataset.home(tmp_path) == tmp_path / "EgoSurgery"
    with pytest.warns(DataWarning, match=r"tools.train\.json") as warned:
        checks = {check.what: check for check in dataset.checks(tmp_path)}
    assert len(warned) == 1
    assert len(checks) == 3 * 6
    damaged = {what for what, check in checks.items() if check.found == "damaged"}
    assert damaged == {
        *("train: images in the file of tools", "train: boxes of tools"),
        *("train: segments", "train: images with a phase"),
    }
    assert all(checks[what].note == f"{TOOLS} cannot be read" and not checks[what].good for what in damaged)
    assert {check.found for what, check in checks.items() if what not in damaged} == {0}


def test_checks_go_on_with_any_damaged_file(dataset, root):
    (root / HANDS).write_text("{")
    (root / "annotations/phase/01_1.csv").write_text("Frame\n")
    with pytest.warns(DataWarning) as warned:
        checks = {check.what: check.found for check in dataset.checks(root)}
    assert len(warned) == 2
    assert checks["train: boxes of hands"] == checks["train: images in the file of hands"] == "damaged"
    assert (checks["train: boxes of tools"], checks["train: segments"], checks["train: images with a phase"]) == (
        5,
        2,
        2,
    )


@pytest.mark.parametrize(
    ("part", "entry", "message"),
    [
        ("annotations", {"image_id": 0, "category_id": 99, "bbox": [1, 2, 3, 4]}, "category_id of a box is listed"),
        ("annotations", {"image_id": 77, "category_id": 14, "bbox": [1, 2, 3, 4]}, "image_id of a box is listed"),
        ("annotations", {"image_id": 0, "category_id": 14, "bbox": [1, 2, 3]}, r"bbox \[x, y, w, h\]"),
        ("annotations", {"image_id": 0, "category_id": 14, "bbox": [1, 2, 3, float("nan")]}, "bbox"),
        ("annotations", {"image_id": 0, "category_id": 14, "bbox": [1, 2, float("inf"), 3]}, "bbox"),
        ("annotations", {"image_id": 0, "category_id": 14, "bbox": [1, 2, 3, 10**400]}, "bbox"),
        ("annotations", {"image_id": 0, "category_id": 14, "bbox": [True, 2, 3, 4]}, "bbox"),
        ("annotations", {"image_id": 0, "category_id": 14, "bbox": "1234"}, "bbox"),
        ("annotations", {"image_id": [], "category_id": 14, "bbox": [1, 2, 3, 4]}, "image_id"),
        ("annotations", 7, "bbox"),
        ("images", {"id": 9, "file_name": "notes.jpg"}, r"file_name is VV_S_NNNN\.jpg"),
        ("images", {"id": 9, "file_name": None}, "file_name is"),
        ("images", {"file_name": "01_1_0124.jpg"}, "an image has an id"),
        ("images", {"id": 0, "file_name": "01_1_0999.jpg"}, "id of an image is its own"),
        ("images", {"id": 9, "file_name": "01_1_0124.jpg", "width": 9, "height": 9}, None),
        ("categories", {"id": 9}, "a category has an id and a name"),
        ("categories", {"id": 9, "name": "\ud800"}, "a category has"),
        ("categories", {"id": 9, "name": 3}, "a category has"),
    ],
)
def test_a_wrong_entry_is_left_out(read, root, part, entry, message):
    before = read(root)
    content = json.loads((root / TOOLS).read_text())
    content[part] += [entry, entry] if message else [entry]
    (root / TOOLS).write_text(json.dumps(content))
    if message is None:
        assert read(root) == before
        return
    with pytest.warns(
        DataWarning, match=rf"train\.json: .*{message}.*left out where not: 2, the first at {part}\[\d+\]"
    ) as warned:
        assert read(root) == before
    assert len(warned) == 1


def test_boxes_without_width_or_height_are_known(read, root):
    before = read(root)
    content = json.loads((root / TOOLS).read_text())
    content["annotations"] += [
        {"image_id": "0", "category_id": "14", "bbox": [5, 5, *size]} for size in ((0, 4), (4, 0), (-3, 4), (4, -1.5))
    ]
    (root / TOOLS).write_text(json.dumps(content))
    assert read(root) == before


def test_an_image_without_a_size_has_that_of_all(read, root):
    content = json.loads((root / TOOLS).read_text())
    content["images"][0]["width"] = "wide"
    content["images"][1].update(width=640, height=480)
    (root / TOOLS).write_text(json.dumps(content))
    with pytest.warns(DataWarning, match="1920x1080 is taken where not: 1, the first at images.0."):
        first, second, *_ = read(root)["01_1"]
    assert first.labels["boxes"]["ego"]["size"] == (1920, 1080)
    assert second.labels["boxes"]["ego"]["size"] == (640, 480)


@pytest.mark.parametrize(
    ("file", "facet", "text", "message"),
    [
        ("annotations/phase/01_1.csv", "actions", "", "no column Frame, Phase"),
        ("annotations/phase/01_1.csv", "actions", "Frame,Step\n01_1_0124,design\n", "no column Phase"),
        ("annotations/phase/01_1.csv", "actions", "Frame,Phase\n01_1_0124,\xff\n", "not a CSV file in UTF-8"),
        ("annotations/phase/01_1.csv", "actions", "Frame,Phase\n01_1_0124,%s\n" % ("x" * 200_000), "not a CSV"),
        ("gaze/01_1.csv", "gaze", "Frame,x,y\n", "no column norm_pos_x, norm_pos_y"),
    ],
)
def test_a_damaged_table_costs_its_facet(read, root, file, facet, text, message):
    before = read(root)["01_1"]
    (root / file).write_text(text, encoding="latin-1")
    with pytest.warns(DataWarning, match=rf"01_1\.csv: .*{message}"):
        after = read(root)["01_1"]
    assert [{k: v for k, v in p.labels.items() if k != facet} for p in before] == [p.labels for p in after]


def test_a_damaged_phase_file_is_an_error_where_there_is_nothing_else(read, tmp_path, write_file):
    write_file(tmp_path, "annotations/phase/01_1.csv", "\n")
    with pytest.raises(OrqaError, match=r"01_1\.csv: no column Frame"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("01_1_0124", "a row has 2 cells and a frame 01_1_NNNN"),
        ("124,closure", "a row has 2 cells and a frame 01_1_NNNN"),
        ("02_1_0001,closure", "a row has 2 cells and a frame 01_1_NNNN"),
        ('01_1_0124,"clo\nsure"', "a phase is a word"),
    ],
)
def test_a_wrong_row_is_skipped(read, root, row, message):
    before = read(root)
    with (root / "annotations/phase/01_1.csv").open("a") as file:
        file.write(f"\n , \n{row}\n{row}\n")
    with pytest.warns(DataWarning, match=rf"01_1\.csv: .*{message}; left out where not: 2, the first at line \d+: "):
        assert read(root) == before


@pytest.mark.parametrize(
    ("cells", "gaze"),
    [
        ("0,1", (0.0, 1.0)),
        ("1,nan", None),
        ("inf,0", None),
        ("-0.1,0.5", None),
        (",0.5", None),
        (" 0.5 ,1e-1", (0.5, 0.1)),
    ],
)
def test_the_last_gaze_of_a_frame_counts(tmp_path, write_file, cells, gaze):
    path = write_file(
        tmp_path, "gaze.csv", f"\ufeffFrame,norm_pos_x,norm_pos_y\n01_1_0001,0.5,0.5\n01_1_0001,{cells}\n"
    )
    assert read_gaze(path, "01_1", "top").get("01_1_0001") == gaze


def test_a_last_gaze_that_is_no_number_leaves_none(tmp_path, write_file):
    rows = ["01_1_0001,0.5,0.5", "01_1_0001,left,up", "01_1_0002,left,up", "01_1_0002,0.5,0.25"]
    path = write_file(tmp_path, "gaze.csv", "\n".join(["Frame,norm_pos_x,norm_pos_y", *rows]))
    with pytest.warns(DataWarning, match="norm_pos_x and norm_pos_y are numbers.*: 2, the first at line 3"):
        assert read_gaze(path, "01_1", "top") == {"01_1_0002": (0.5, 0.25)}


def test_the_last_phase_of_a_frame_counts(tmp_path, write_file):
    path = write_file(tmp_path, "p.csv", "Phase, Frame\nDesign,01_1_0001\nclosure,01_1_0001\nx,01_1_0002\n,01_1_0002\n")
    assert read_phases(path, "01_1") == {"01_1_0001": "closure"}


def test_files_are_bounded(tmp_path, write_file, monkeypatch):
    path = write_file(tmp_path, "p.csv", "Frame,Phase\n")
    monkeypatch.setattr("orqa_plugin_egosurgery.csv_files.LARGEST_CSV", 5)
    with pytest.raises(OrqaError, match="12 bytes, more than the 5"):
        read_phases(path, "01_1")


def settled(file, function):
    """Return what a function returns, or nothing where it raises an OrqaError that names the file."""
    message, result = file, []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            result = function()
        except OrqaError as error:
            message = str(error)
    assert file in message
    return result


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["01_1_0124.jpg", "Tweezers", 0, 1]),
)
KEYS = st.sampled_from(["id", "image_id", "category_id", "bbox", "file_name", "name", "width", "height", "x"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=12
)
FILES = st.fixed_dictionaries(
    {key: st.lists(VALUES, max_size=4) | VALUES for key in ("images", "annotations", "categories")}
)


@settings(max_examples=settings.default.max_examples * 3 // 2)
@given(content=(FILES | VALUES).map(json.dumps).map(str.encode) | st.binary(), cut=st.none() | st.integers(0, 200))
def test_no_box_file_does_more_than_complain(tmp_path_factory, content, cut):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content[:cut])
    for image in settled("any.json", lambda: list(read_boxes(path).values())):
        facets.load_labels({"boxes": {"ego": {"size": image.size, "boxes": image.boxes}}})


CELLS = st.sampled_from(
    ["Frame", "Phase", "norm_pos_x", "norm_pos_y", "01_1_0124", "0.5", "nan", '"', ",", "\n", "\r", "\0"]
)


@settings(max_examples=settings.default.max_examples * 3 // 2)
@given(
    head=st.sampled_from(["", "Frame,Phase,norm_pos_x,norm_pos_y\n"]),
    body=st.lists(CELLS | st.text(max_size=5), max_size=30).map("".join),
    coding=st.sampled_from(["utf-8", "utf-16", "latin-1"]),
)
def test_no_table_does_more_than_complain(tmp_path_factory, head, body, coding):
    root = tmp_path_factory.getbasetemp() / "fuzzed"
    for folder in ("annotations/phase", "gaze"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "01_1.csv").write_bytes((head + body).encode(coding, "replace"))
    takes = EgoSurgery("top").takes(root, "train")
    for point in settled("01_1.csv", lambda: [timepoint for take in takes for timepoint in take]):
        facets.load_labels(point.labels)

"""Writes one take: to a temporary folder first, which gets its name once it is whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from attrs import asdict
from PIL import Image

from orqa_plugin_hybridor import labels
from orqa_plugin_hybridor.cameras import ROOM_VIEWS
from orqa_plugin_hybridor.clouds import cloud
from orqa_plugin_hybridor.filming import Picture
from orqa_plugin_hybridor.layout import SCHEMA, frame_name, partial
from orqa_plugin_hybridor.screen import describe, draw_screen
from orqa_plugin_hybridor.situation import Situation
from orqa_plugin_hybridor.sound import RATE, listen
from orqa_plugin_hybridor.speech import say
from orqa_plugin_hybridor.takes import Production, produce
from orqa_plugin_hybridor.tracking import track
from orqa_registry import scenegraph
from orqa_registry.draws import seeded
from orqa_registry.records import Triplet

PAGES: dict[str, str] = {
    "Initial Calibration by MPS": "Calibration",
    "Install calibration array": "Calibration",
    "Calibrate the robot by nurse": "Calibration",
    "Remove calibration Array": "Calibration",
    "Dressing the robot, to make it sterile": "Robot setup",
    "Install base array by nurse": "Robot setup",
    "Install the Saw by nurse": "Tool change",
    "Install actual Saw tip": "Tool change",
}
"""The page of the robot's own log: coarser than its phase."""


def record(root: Path, seed: int, number: int, timepoints: int, size: int, tick: Callable[[], None]) -> str:
    """Write take `number` below `root` and return its name. `tick` is called after each timepoint and may raise.

    Whatever happens, no half take is left under the take's name.
    """
    production = produce(seed, number, timepoints, size)
    folder = root / partial(production.name)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _write_files(production, folder, tick)
        folder.rename(root / production.name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return production.name


def _write_files(production: Production, folder: Path, tick: Callable[[], None]) -> None:
    plot, room = production.plot, production.room
    filming = production.film()
    for view in filming.cameras:
        for name in (view, f"{view}.mask", f"{view}.depth"):
            (folder / name).mkdir(parents=True)
    for name in ("screen", "points", "audio"):
        (folder / name).mkdir()
    situations = [plot.at(float(index * production.step)) for index in range(production.timepoints)]
    graphs = [labels.relations(situation, room) for situation in situations]
    calibrated = scenegraph.calibrated(graphs)
    with (folder / "timepoints.jsonl").open("w", encoding="utf-8") as lines:
        for index, (situation, graph) in enumerate(zip(situations, graphs, strict=True)):
            frame = frame_name(index * production.step)
            pictures = filming.shoot(situation, frame)
            for view, picture in pictures.items():
                save_picture(folder, view, frame, picture)
            screen = draw_screen(production.size, situation.phase, calibrated[index], situation.seconds)
            screen.save(folder / "screen" / f"{frame}.jpg", quality=90)
            rng = np.random.default_rng(seeded(plot.seed, plot.name, "points", frame).getrandbits(63))
            points = cloud(filming.cameras, pictures, ROOM_VIEWS, rng)
            np.save(folder / "points" / f"{frame}.npy", points.coloured)
            sound = listen(situation, plot.seed, plot.name)
            soundfile.write(folder / "audio" / f"{frame}.flac", sound, RATE, subtype="PCM_16")
            line = _timepoint_record(production, situation, graph, calibrated[index], pictures, frame)
            lines.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            tick()
    (folder / "take.json").write_text(json.dumps(_take_record(production, filming.cameras), indent=1), encoding="utf-8")


def save_picture(folder: Path, view: str, frame: str, picture: Picture) -> None:
    """Write the colours, the mask and the depth of one camera."""
    Image.fromarray(picture.colour).save(folder / view / f"{frame}.jpg", quality=90)
    Image.fromarray(picture.mask).save(folder / f"{view}.mask" / f"{frame}.png", compress_level=1)
    Image.fromarray(picture.depth).save(folder / f"{view}.depth" / f"{frame}.png", compress_level=1)


def _timepoint_record(
    production: Production,
    situation: Situation,
    graph: list[Triplet],
    calibrated: bool,
    pictures: dict[str, Picture],
    frame: str,
) -> dict[str, Any]:
    plot, room = production.plot, production.room
    present = labels.places(situation, room)
    tracked = track(room, situation, plot.seed, plot.name)
    return {
        "frame": frame,
        "seconds": situation.seconds,
        "labels": {
            "roles": labels.roles(situation),
            "entities": list(present),
            "relations": graph,
            "actions": scenegraph.actions(graph),
            "tools": scenegraph.tools(graph),
            "robot_phase": situation.phase,
            "robot_calibrated": calibrated,
            "sterility_breach": [str(breach) for breach in situation.breaches],
            "boxes": labels.boxes(pictures),
            "positions": labels.positions(present, room),
            "tracked_tools": [array.name for array in tracked],
            "screen_text": describe(situation.phase, calibrated),
            "attributes": labels.attributes(present, situation, room),
        },
        "speech": say(plot, situation),
        "robot": log(situation),
        "tracker": {"unique_id_dicts": [array.as_json() for array in tracked]},
    }


def log(situation: Situation) -> dict[str, dict[str, str]]:
    """Return the robot's own log of this second: what is on its screen, by number."""
    page = PAGES.get(situation.phase, "Standby")
    actions = {step.action for step in situation.steps}
    if "scanning" in actions:
        page = "Bone registration"
    elif "sawing" in actions:
        page = "Bone preparation"
    entries = {"1": {"type": "page", "template_name": page}}
    if page != "Standby":
        entries["2"] = {"type": "button", "template_name": "Next"}
    return entries


def _take_record(production: Production, cameras: Any) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "name": production.name,
        "seed": production.seed,
        "size": production.size,
        "timepoints": production.timepoints,
        "step": production.step,
        "cameras": {view: camera.as_json() for view, camera in cameras.items()},
        "room": {
            "wall": production.room.wall,
            "floor": production.room.floor,
            "scenery": list(production.room.scenery),
            "furniture_to_room": production.room.placement.tolist(),
        },
        "staff": [asdict(person) for person in production.plot.staff],
        "steps": [asdict(step) for step in production.plot.procedure.steps],
        "breaches": [asdict(breach) for breach in production.plot.breaches],
    }

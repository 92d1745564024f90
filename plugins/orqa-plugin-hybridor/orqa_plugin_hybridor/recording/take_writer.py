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

from orqa_plugin_hybridor.files.names import FILES_SCHEMA, frame_name, partial_name
from orqa_plugin_hybridor.labels.appearance import describe_entities
from orqa_plugin_hybridor.labels.boxes import label_boxes
from orqa_plugin_hybridor.labels.entities import label_positions, list_roles, locate_entities
from orqa_plugin_hybridor.labels.scene_graph import build_scene_graph
from orqa_plugin_hybridor.procedure.situation import Situation
from orqa_plugin_hybridor.procedure.speech import draw_utterance
from orqa_plugin_hybridor.render.rendered_view import RenderedView
from orqa_plugin_hybridor.render.robot_screen import describe_screen, draw_screen
from orqa_plugin_hybridor.render.simulated_take import SimulatedTake, simulate_take
from orqa_plugin_hybridor.scene.camera_placement import ROOM_VIEWS
from orqa_plugin_hybridor.sensors.point_cloud import sample_cloud
from orqa_plugin_hybridor.sensors.robot_log import build_robot_log
from orqa_plugin_hybridor.sensors.sound import SAMPLE_RATE, synthesise_sound
from orqa_plugin_hybridor.sensors.tracker import track_arrays
from orqa_registry import Triplet, scenegraph, seeded_rng


def write_take(root: Path, seed: int, number: int, timepoints: int, size: int, tick: Callable[[], None]) -> str:
    """Write take `number` below `root` and return its name. `tick` is called after each timepoint and may raise.

    Whatever happens, no half take is left under the take's name.
    """
    take = simulate_take(seed, number, timepoints, size)
    folder = root / partial_name(take.name)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _write_files(take, folder, tick)
        folder.rename(root / take.name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return take.name


def _write_files(take: SimulatedTake, folder: Path, tick: Callable[[], None]) -> None:
    simulation, room = take.simulation, take.room
    renderer = take.make_renderer()
    for view in renderer.cameras:
        for name in (view, f"{view}.mask", f"{view}.depth"):
            (folder / name).mkdir(parents=True)
    for name in ("screen", "points", "audio"):
        (folder / name).mkdir()
    situations = [simulation.situation_at(float(index * take.step)) for index in range(take.timepoints)]
    graphs = [build_scene_graph(situation, room) for situation in situations]
    calibrated = scenegraph.calibrated_by(graphs)
    with (folder / "timepoints.jsonl").open("w", encoding="utf-8") as lines:
        for index, (situation, graph) in enumerate(zip(situations, graphs, strict=True)):
            frame = frame_name(index * take.step)
            pictures = renderer.render_views(situation, frame)
            for view, picture in pictures.items():
                write_view(folder, view, frame, picture)
            screen = draw_screen(take.size, situation.phase, calibrated[index], situation.seconds)
            screen.save(folder / "screen" / f"{frame}.jpg", quality=90)
            rng = np.random.default_rng(seeded_rng(simulation.seed, simulation.name, "points", frame).getrandbits(63))
            points = sample_cloud(renderer.cameras, pictures, ROOM_VIEWS, rng)
            np.save(folder / "points" / f"{frame}.npy", points.coloured)
            sound = synthesise_sound(situation, simulation.seed, simulation.name)
            soundfile.write(folder / "audio" / f"{frame}.flac", sound, SAMPLE_RATE, subtype="PCM_16")
            line = _timepoint_record(take, situation, graph, calibrated[index], pictures, frame)
            lines.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            tick()
    (folder / "take.json").write_text(json.dumps(_take_record(take, renderer.cameras), indent=1), encoding="utf-8")


def write_view(folder: Path, view: str, frame: str, picture: RenderedView) -> None:
    """Write the colours, the mask and the depth of one camera."""
    Image.fromarray(picture.colour).save(folder / view / f"{frame}.jpg", quality=90)
    Image.fromarray(picture.mask).save(folder / f"{view}.mask" / f"{frame}.png", compress_level=1)
    Image.fromarray(picture.depth).save(folder / f"{view}.depth" / f"{frame}.png", compress_level=1)


def _timepoint_record(
    take: SimulatedTake,
    situation: Situation,
    graph: list[Triplet],
    calibrated: bool,
    pictures: dict[str, RenderedView],
    frame: str,
) -> dict[str, Any]:
    simulation, room = take.simulation, take.room
    present = locate_entities(situation, room)
    tracked = track_arrays(room, situation, simulation.seed, simulation.name)
    return {
        "frame": frame,
        "seconds": situation.seconds,
        "labels": {
            "roles": list_roles(situation),
            "entities": list(present),
            "relations": graph,
            "actions": scenegraph.actions(graph),
            "tools": scenegraph.tools(graph),
            "robot_phase": situation.phase,
            "robot_calibrated": calibrated,
            "sterility_breach": [str(breach) for breach in situation.breaches],
            "boxes": label_boxes(pictures),
            "positions": label_positions(present, room),
            "tracked_tools": [array.name for array in tracked],
            "screen_text": describe_screen(situation.phase, calibrated),
            "attributes": describe_entities(present, situation, room),
        },
        "speech": draw_utterance(simulation, situation),
        "robot": build_robot_log(situation),
        "tracker": {"unique_id_dicts": [array.as_json() for array in tracked]},
    }


def _take_record(take: SimulatedTake, cameras: Any) -> dict[str, Any]:
    return {
        "schema": FILES_SCHEMA,
        "name": take.name,
        "seed": take.seed,
        "size": take.size,
        "timepoints": take.timepoints,
        "step": take.step,
        "cameras": {view: camera.as_json() for view, camera in cameras.items()},
        "room": {
            "wall": take.room.wall,
            "floor": take.room.floor,
            "scenery": list(take.room.scenery),
            "furniture_to_room": take.room.placement.tolist(),
        },
        "staff": [asdict(person) for person in take.simulation.staff],
        "steps": [asdict(step) for step in take.simulation.procedure.steps],
        "breaches": [asdict(breach) for breach in take.simulation.breaches],
    }

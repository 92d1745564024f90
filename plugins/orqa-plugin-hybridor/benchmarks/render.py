"""How many views a second one core renders: colour, mask and depth of four cameras, and the robot's screen.

    OMP_NUM_THREADS=1 python benchmarks/render.py [--size 336] [--takes 5] [--json]

Each run renders one take of 20 timepoints; the median of the runs is reported. CPU seconds of this one process are
counted, so that a busy machine does not matter; `with files` adds encoding and writing, and all labels.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from orqa_plugin_hybridor.recording.take_writer import write_take
from orqa_plugin_hybridor.render.robot_screen import draw_screen
from orqa_plugin_hybridor.render.simulated_take import simulate_take
from orqa_plugin_hybridor.scene.camera_placement import VIEWS

TIMEPOINTS = 20


def render(number: int, size: int) -> tuple[float, float]:
    """Return views a second, and people in the room on average, of one take."""
    began = time.process_time()
    take = simulate_take(0, number, TIMEPOINTS, size)
    renderer = take.make_renderer()
    people = 0
    for index in range(TIMEPOINTS):
        situation = take.simulation.situation_at(float(index * take.step))
        renderer.render_views(situation, f"{index:06d}")
        draw_screen(size, situation.phase, False, situation.seconds)
        people += len(situation.people)
    return TIMEPOINTS * len(VIEWS) / (time.process_time() - began), people / TIMEPOINTS


def write(number: int, size: int) -> float:
    """Return views a second of one take that is written to disk."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        write_take(Path(folder), 0, number, TIMEPOINTS, size, lambda: None)
        return TIMEPOINTS * len(VIEWS) / (time.process_time() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", type=int, default=336, help="pixels a side")
    parser.add_argument("--takes", type=int, default=5, help="runs, one take each")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    chosen = parser.parse_args()
    render(1, chosen.size)  # warm caches and imports
    numbers = range(1, chosen.takes + 1)
    rendered = [render(number, chosen.size) for number in numbers]
    written = [write(number, chosen.size) for number in numbers]
    result = {
        "size": chosen.size,
        "runs": chosen.takes,
        "staff_in_room": round(statistics.mean(people for _, people in rendered), 1),
        "rendered_views_per_second_per_core": round(statistics.median(rate for rate, _ in rendered), 1),
        "with_files_views_per_second_per_core": round(statistics.median(written), 1),
    }
    if chosen.as_json:
        print(json.dumps(result))
        return
    print(f"{chosen.size} px, median of {chosen.takes} takes, {result['staff_in_room']} staff in the room on average")
    print(f"{'':24}{'views/s per core':>18}")
    print(f"{'rendered':24}{result['rendered_views_per_second_per_core']:>18}")
    print(f"{'with files and labels':24}{result['with_files_views_per_second_per_core']:>18}")


if __name__ == "__main__":
    main()

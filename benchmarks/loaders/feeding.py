"""What a timepoint of five views costs from disk to pixels, by each loader."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import simplejpeg
from loaders import ours, peers
from loaders.measure import spent
from loaders.peers import Epoch
from loaders.sets import Data
from PIL import Image

from orqa_shards.read.image_decoder import decode_image

Run = Callable[[], float]


def cost(opened: Callable[[], Epoch], timepoints: int) -> float:
    """Return the CPU milliseconds a timepoint of a whole epoch, worker processes and all; opening does not count."""
    epoch = opened()
    for _ in epoch():  # what is done once is done now
        break
    seconds, count = spent(lambda: sum(len(batch) for batch in epoch()))
    if count != timepoints:
        raise RuntimeError(f"{count} of {timepoints} timepoints came")
    return 1000 * seconds / timepoints


def runs(data: Data) -> dict[str, Run]:
    """Return the name of each row and how it is measured. Data are made now."""
    rows: dict[str, Callable[[], Epoch]] = {}
    present = [peer for peer in peers.PEERS if not peers.absent(peer)]
    for workers in (0, 2):
        suffix = f", {workers} workers" if workers else ""
        for name, resample in (("bicubic", Image.Resampling.BICUBIC), ("nearest", Image.Resampling.NEAREST)):
            rows[f"original, {name}{suffix}"] = partial(peers.loose, data.loose, data.timepoints, workers, resample)
        for kind in ("q90", "q95"):
            jpegs, samples = simplejpeg.decode_jpeg, data.samples(kind)
            rows[f"{kind} floor A{suffix}"] = partial(peers.memory, samples, workers, jpegs)
            rows[f"{kind} floor B{suffix}"] = partial(peers.memory, samples, workers, jpegs)
            rows[f"{kind} ours{suffix}"] = partial(ours.epoch, data.shards(kind), workers)
            for peer in present:
                rows[f"{kind} {peer.name}{suffix}"] = partial(peer.open, data.copy(peer, kind), workers)
        scaled = partial(decode_image, pixels=ours.PIXELS)
        rows[f"full floor{suffix}"] = partial(peers.memory, data.samples("full"), workers, scaled)
        rows[f"full ours{suffix}"] = partial(ours.epoch, data.shards("full"), workers)
    for kind in ("q90", "q95"):
        rows[f"{kind} ours, 2 threads"] = partial(ours.epoch, data.shards(kind), threads=2)
        for questions in (1, 16):
            row = f"{kind} ours, {questions} question{'s' * (questions > 1)}"
            rows[row] = partial(ours.epoch, data.shards(kind), questions=questions)
            rows[f"{row}, 2 threads"] = partial(ours.epoch, data.shards(kind), threads=2, questions=questions)
    return {name: partial(cost, opened, data.timepoints) for name, opened in rows.items()}

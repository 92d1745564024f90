"""Splits of which only the labels are there, and label files that somebody has changed."""

import json

from attrs import evolve

from orqa_registry import Timepoint
from orqa_shards.format import label_file, label_line
from orqa_shards.format.manifest import FileEntry, SplitEntry, TakeEntry
from orqa_shards.read.dataset import Split
from orqa_shards.storage.local import LocalStore

LABELS = {"roles": ("nurse", "patient"), "actions": ("sawing",)}


def split_of(folder, takes, length, labels_of=lambda number: LABELS):
    """Write the labels of `takes` takes of `length` timepoints, and return the split; its tars are not there."""
    point = Timepoint("D", "train", "", "", 0)
    entries, data = [], b""
    for take in range(takes):
        lines = [
            label_line.encode_line(
                evolve(point, take=f"t{take}", frame=f"{k:04d}", index=k, seconds=k / 2, labels=labels_of(k))
            )
            for k in range(length)
        ]
        frame = label_file.pack_take(lines)
        entries.append(TakeEntry("D", f"t{take}", length, len(data), len(frame)))
        data += frame
    (folder / "labels-train.jsonl.zst").write_bytes(data)
    file = FileEntry("labels-train.jsonl.zst", len(data), "", takes * length)
    shards = tuple(FileEntry(f"train-{take:06d}.tar", 1, "", length) for take in range(takes))
    return Split(LocalStore(folder, str(folder)), "train", SplitEntry(tuple(entries), file, shards, {}, {}))


def rewrite(folder, change, split="train", number=0):
    """Let `change` alter what the lines of a take say, or return the bytes of lines, and let the manifest fit."""
    path, place = folder / f"labels-{split}.jsonl.zst", folder / "manifest.json"
    manifest = json.loads(place.read_text())
    takes, data = manifest["splits"][split]["takes"], path.read_bytes()
    frames = [data[one["offset"] : one["offset"] + one["bytes"]] for one in takes]
    lines = []
    for line in label_file.unpack_take(frames[number], "x"):
        said = json.loads(line)
        lines.append(change(said) or json.dumps(said).encode() + b"\n")
    frames[number] = label_file.pack_take(lines)
    offset = 0
    for take, frame in zip(takes, frames, strict=True):
        take.update(offset=offset, bytes=len(frame))
        offset += len(frame)
    manifest["splits"][split]["labels"]["bytes"] = offset
    path.write_bytes(b"".join(frames))
    place.write_text(json.dumps(manifest))

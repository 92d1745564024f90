"""What a shard folder, a tar or a sample holds, as plain values: for people, programs and files."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from orqa_registry import CallError, OrqaError, Registry, Timepoint, ask
from orqa_registry.data.records import is_view
from orqa_registry.errors import suggest_names
from orqa_registry.optional_imports import import_optional
from orqa_registry.readers.formats.array_buffers import plain_dtype
from orqa_registry.readers.formats.arrays import npy_header
from orqa_registry.readers.formats.bounded_file import DamageGuard
from orqa_registry.readers.io import atomic_write
from orqa_shards.format.tar_writer import TarMember
from orqa_shards.read import image_decoder
from orqa_shards.read.dataset import Shards, Split
from orqa_shards.read.tar_reader import Tar, read_member
from orqa_shards.write.transcode import AUDIO_SUFFIXES

TEXT_SUFFIXES = frozenset({"csv", "json", "txt"})
NO_TIMEPOINT = "no split has a timepoint {}"
MAX_TEXT = 60
"""Letters of a text that are shown."""


def describe_folder(shards: Shards, split: str | None = None) -> dict[str, Any]:
    """Return what a shard folder, or one split of it, holds and how it was made; the manifest alone is read.

    Raises CallError for a split that is not there.
    """
    manifest = shards.manifest
    splits = manifest.splits if split is None else {shards.split(split).name: shards.split(split).entry}
    present = {take.dataset for entry in splits.values() for take in entry.takes}
    return {
        "data": shards.store.name,
        "datasets": {name: dict(card) for name, card in manifest.datasets.items() if name in present or not split},
        "splits": {
            name: {
                "takes": len(entry.takes),
                "timepoints": entry.timepoints,
                "shards": len(entry.shards),
                "bytes": entry.labels.bytes + sum(shard.bytes for shard in entry.shards),
                "datasets": {
                    dataset: sum(take.timepoints for take in entry.takes if take.dataset == dataset)
                    for dataset in dict.fromkeys(take.dataset for take in entry.takes)
                },
                "media": dict(sorted(entry.media.items())),
                "facets": dict(sorted(entry.facets.items())),
            }
            for name, entry in splits.items()
        },
        "parameters": dict(manifest.parameters),
        "versions": dict(manifest.versions),
        "skipped": list(manifest.skipped),
    }


def find_timepoint(shards: Shards, key: str, split: str | None) -> tuple[Split, int]:
    """Return the split of a timepoint and its number, by `dataset/take/frame` or by number. Raises CallError."""
    names = list(shards.manifest.splits) if split is None else [shards.split(split).name]
    if key.isdecimal():
        if len(names) != 1:
            counts = {name: shards.manifest.splits[name].timepoints for name in names}
            template = (
                f"timepoint {key} of which split? Say --split" if int(key) < max(counts.values()) else NO_TIMEPOINT
            )
            available = ", ".join(f"{name} has {count:,}" for name, count in counts.items())
            raise CallError(f"{template.format(key)}: {available}, counted from 0")
        sample_split = shards.split(names[0])
        if int(key) >= len(sample_split):
            raise CallError(f"split {sample_split.name} has timepoints 0 to {len(sample_split) - 1}, and no {key}")
        return sample_split, int(key)
    takes = {
        f"{take.dataset}/{take.name}": name
        for name in reversed(names)  # the first that has it
        for take in shards.manifest.splits[name].takes
    }
    take_key = unquote("/".join(key.split("/")[:2]))
    if take_key not in takes:
        raise CallError(f"{shards.store.name} has no take of {key!r}: {suggest_names(take_key, takes)}")
    sample_split = shards.split(takes[take_key])
    return sample_split, sample_split.find(key)


def describe_sample(registry: Registry, split: Split, number: int) -> dict[str, Any]:
    """Return all of a sample: where it lies, its media, labels, and every question that can be asked, with answers.

    A medium that is damaged says so. Raises OrqaError for labels that are.
    """
    point = split[number]
    tar, key, members = split.locate(number)
    tasks = [task for _, task in sorted(registry.tasks.items())]
    return {
        "key": key,
        "split": split.name,
        "number": number,
        "dataset": point.dataset,
        "take": point.take,
        "frame": point.frame,
        "index": point.index,
        "seconds": point.seconds,
        "tar": tar.name,
        "members": [_describe_member(point, member) for member in members],
        "missing": sorted(set(point.media) - {member.name for member in members}),
        "labels": dict(point.labels),
        "questions": [
            {
                "task": task.name,
                "question": question.text,
                "answers": list(question.answers),
                "view": question.view,
                "weight": question.weight,
            }
            for task, questions in ask(point, split.timeline(point), tasks)
            for question in questions
        ],
    }


def _describe_member(point: Timepoint, member: TarMember) -> dict[str, Any]:
    if member.name not in point.media:
        return _locate_member(member, "labels")
    try:
        description = describe_medium(member.name, point.read(member.name))
    except OrqaError as error:
        description = str(error)
    original = point.sizes.get(member.name)
    return {**_locate_member(member, description), **({} if original is None else {"original": list(original)})}


def _locate_member(member: TarMember, description: str) -> dict[str, Any]:
    crc = f"{member.crc32:08x}"
    return {"name": member.name, "bytes": member.size, "offset": member.offset, "crc32": crc, "about": description}


def describe_tar(tar: Tar) -> dict[str, Any]:
    """Return what a tar holds, by its index."""
    samples = [(key, tar.index.members(number)) for number, key in enumerate(tar.index.keys)]
    return {
        "tar": tar.store.place(tar.file),
        "bytes": tar.index.tar_bytes,
        "samples": [
            {
                "key": key,
                "members": [member.name for member in members],
                "bytes": sum(member.size for member in members),
                "offset": members[0].offset,
            }
            for key, members in samples
        ],
        "damages": list(tar.damages),
    }


def describe_tar_sample(tar: Tar, sample: str) -> dict[str, Any]:
    """Return a sample of a tar, by its key or its number. Raises CallError, and OrqaError where it is damaged."""
    number = tar_sample_number(tar, sample)
    content = tar[number]
    return {
        "key": tar.index.keys[number],
        "number": number,
        "tar": tar.store.place(tar.file),
        "members": [
            _locate_member(member, describe_medium(member.name, content[member.name]))
            for member in tar.index.members(number)
        ],
    }


def tar_sample_number(tar: Tar, sample: str) -> int:
    """Return the number of a sample of a tar, by its key or its number. Raises CallError."""
    if sample in tar.index.place:
        return tar.index.place[sample]
    if sample.isdecimal() and int(sample) < len(tar):
        return int(sample)
    raise CallError(f"{tar.store.place(tar.file)} has no sample {sample!r}: {suggest_names(sample, tar.index.place)}")


def describe_medium(name: str, data: bytes) -> str:
    """Return in a few words what a medium is, or what is wrong with it."""
    suffix = name.rpartition(".")[2]
    try:
        if is_view(name) or suffix in {"jpg", "jpeg", "png"}:
            return "{} x {}".format(*image_decoder.image_dimensions(data, name))
        if suffix == "npy":
            with DamageGuard(name, "an array as numpy.save writes it"):
                dtype, _, shape, _ = npy_header(data)
                columns = ", ".join(re.findall(r"\('(\w+)'", dtype))
                return f"{' x '.join(map(str, shape)) or 'one'} of {columns or plain_dtype(dtype).name}"
        if suffix in AUDIO_SUFFIXES:
            return _describe_sound(name, data)
    except OrqaError as error:
        return f"damaged: {error}"
    if suffix in TEXT_SUFFIXES:
        text = " ".join(data[: 4 * MAX_TEXT].decode("utf-8", "replace").split())
        return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
    return ""


def _describe_sound(name: str, data: bytes) -> str:
    soundfile = import_optional("soundfile", f"{name}, a sound,", "soundfile")
    with DamageGuard(name, "a WAV, MP3 or FLAC"):
        info = soundfile.info(io.BytesIO(data))
    return f"{info.duration:.2f} s, {info.samplerate} Hz, {info.channels} channel{'s' * (info.channels > 1)}"


def save_members(folder: Path, key: str, members: Mapping[str, bytes]) -> list[Path]:
    """Write the members of a sample as files of a folder, named after its key, and return them.

    Whatever key and suffixes are, names are plain. Raises OrqaError where two would be the same, and OSError.
    """
    stem = re.sub(r"[^\w%-]+", "_", key)[-100:]
    files = {name: folder / f"{stem}.{re.sub(r'[^A-Za-z0-9_.-]+', '_', name)[-100:]}" for name in members}
    if len(set(files.values())) != len(files):
        raise OrqaError(f"{key}: two of its members would have the same name as a file: {', '.join(members)}")
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in files.items():
        with atomic_write(path) as partial:
            partial.write_bytes(members[name])
    return list(files.values())


def read_members(split: Split, number: int) -> dict[str, bytes]:
    """Return the bytes of all members of a sample, labels too. Raises OrqaError where one is damaged."""
    key = split[number].key
    file, members = split.members(number, key)
    return {name: read_member(split.store, file, member, key) for name, member in members.items()}


def label_lines(value: Any) -> Iterator[str]:
    """Yield the lines of a label as people read them."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            lines = list(label_lines(item))
            if len(lines) == 1:
                yield f"{name}: {lines[0]}"
            else:
                yield from (f"{name}:", *(f"  {line}" for line in lines))
        if not value:
            yield "none"
    elif isinstance(value, Sequence) and not isinstance(value, str) and any(_is_nested(item) for item in value):
        for item in value:
            yield (
                " ".join(map(_format_value, item))
                if isinstance(item, Sequence) and not isinstance(item, str)
                else _format_value(item)
            )
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield ", ".join(map(_format_value, value)) or "none"
    else:
        yield _format_value(value)


def _is_nested(value: Any) -> bool:
    return isinstance(value, Sequence | Mapping) and not isinstance(value, str)


def _format_value(value: Any) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)

"""Shard folders that something happened to, for the tests and the benchmark of `verify`."""

import os
import random
import signal
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orqa_registry import OrqaError
from orqa_shards.format.tar_index import TarIndex
from orqa_shards.format.tar_writer import TAR_BLOCK, tar_header
from orqa_shards.read.dataset import Shards
from orqa_shards.read.tar_reader import Tar
from orqa_shards.storage.open import open_store
from orqa_shards.verify.repair import repair
from orqa_shards.verify.verify import verify

SECONDS = 20
"""How long one mutated folder may take."""

HOSTILE = (b"../../etc/passwd", b"/etc/passwd", b"C:\\x.txt", b"a\nb.json", "\u202ea.json".encode())


@contextmanager
def in_time(seconds=SECONDS):
    """Fail where something hangs."""

    def stop(number, frame):
        raise AssertionError(f"it hangs: more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


_opened = []
"""Where somebody listens, a list of all that any thread opens."""


def _heard(event, arguments):
    if _opened and event in {"open", "os.rename", "os.remove", "os.mkdir", "os.link", "os.symlink"}:
        _opened[0] += [one for one in arguments[:2] if isinstance(one, str | bytes | os.PathLike)]


sys.addaudithook(_heard)


@contextmanager
def inside(*folders):
    """Fail where a file is opened for anything, made, moved or removed that is not in the folders, nor code."""
    opened = []
    _opened.append(opened)
    try:
        yield
    finally:
        _opened.clear()
    known = (
        *map(str, folders),
        sys.prefix,
        sys.base_prefix,
        str(Path(__file__).parents[1]),
        "/proc/",
        "/sys/",
        "/dev/null",
    )
    strange = [one for one in map(os.fsdecode, opened) if os.path.isabs(one) and not one.startswith(known)]
    assert not strange, f"files outside the folder were touched: {strange}"


def flip(chance, data):
    """Flip one bit."""
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def flips(chance, data):
    """Flip many bits in one place."""
    place = chance.randrange(len(data))
    return data[:place] + chance.randbytes(64) + data[place + 64 :]


def cut(chance, data):
    """Cut the end off."""
    return data[: chance.randrange(len(data))]


def remove(chance, data):
    """Take a part out of the middle."""
    place = chance.randrange(len(data))
    return data[:place] + data[place + chance.choice([1, 7, TAR_BLOCK, 3 * TAR_BLOCK]) :]


def zero(chance, data):
    """Make a part nothing."""
    place, many = chance.randrange(len(data)), chance.choice([64, TAR_BLOCK, 4096])
    return (data[:place] + bytes(many) + data[place + many :])[: len(data)]


def swap(chance, data):
    """Exchange two blocks."""
    blocks = [data[at : at + TAR_BLOCK] for at in range(0, len(data), TAR_BLOCK)]
    one, two = chance.randrange(len(blocks)), chance.randrange(len(blocks))
    blocks[one], blocks[two] = blocks[two], blocks[one]
    return b"".join(blocks)


def repeat(chance, data):
    """Double a part."""
    place = chance.randrange(len(data)) // TAR_BLOCK * TAR_BLOCK
    return data[:place] + data[place : place + 4 * TAR_BLOCK] + data[place:]


def more(chance, data):
    """Add bytes to the end."""
    return data + chance.choice([bytes(TAR_BLOCK), chance.randbytes(100), data[:2048]])


def hostile(chance, data):
    """Put a whole header over a block: of a link, a device, a name that leads out, or a size that cannot be."""
    place = chance.randrange(max(1, len(data) // TAR_BLOCK)) * TAR_BLOCK
    made = bytearray(tar_header("x/y.json", chance.choice([0, 5, 1 << 30])))
    name = chance.choice([*HOSTILE, b"A%2ERoom/one/000.json"])
    made[:100] = name.ljust(100, b"\0")
    made[156] = chance.choice(b"0123456LKxgSVMZ\0")
    if chance.random() < 0.3:
        made[124:136] = chance.choice([b"\x80" + b"\xff" * 11, b"\xff" * 12, b"77777777777\0", b"-0000000001\0"])
    made[157:167] = b"/etc/hosts"
    made[148:156] = b" " * 8
    made[148:156] = b"%06o\0 " % sum(made)
    return data[:place] + bytes(made) + data[place + TAR_BLOCK :]


WAYS = (flip, flips, cut, remove, zero, swap, repeat, more, hostile)


def harm(folder, chance):
    """Change one file of a folder, or take it away, and return what was done to which."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    tars = [path for path in files if path.suffix == ".tar"]
    path = chance.choice(tars if chance.random() < 0.6 else files)
    if chance.random() < 0.03:
        path.unlink()
        return "gone", path.name
    way, data = chance.choice(WAYS), path.read_bytes()
    made = way(chance, data) if data else data
    path.write_bytes(made)
    return ("nothing" if made == data else way.__name__), path.name


def contents(where):
    """Return key -> labels and media of what can be read of a folder's splits; OrqaError costs what it hits."""
    found, bad = {}, 0
    try:
        shards = Shards.open(where)
    except OrqaError:
        return None, 1
    for name in shards.manifest.splits:
        split = shards.split(name)
        for number in range(len(split)):
            try:
                point = split[number]
                labels_of = dict(point.labels)
            except OrqaError:
                bad += 1
                continue
            media = {}
            for medium in point.media:
                try:
                    media[medium] = point.read(medium)
                except OrqaError:
                    bad += 1
            found[point.key] = labels_of, media
    return found, bad


def untouched(folder, sound, file):
    """Return (key, suffix) of the members of a harmed tar that lie where its index says, as they were."""
    before, after = (sound / file).read_bytes(), (folder / file).read_bytes() if (folder / file).exists() else b""
    made = TarIndex.from_bytes((sound / file).with_suffix(".idx").read_bytes(), file)
    return {
        (key, one.name)
        for number, key in enumerate(made.keys)
        if len(after) >= made.members(number)[-1].offset + made.members(number)[-1].size
        for one in made.members(number)
        if after[one.offset : one.offset + one.size] == before[one.offset : one.offset + one.size]
    }


def prove(folder, sound, done):
    """Read, verify and repair a folder that is `sound` but for what was `done`.

    Returns what came of it: `whole`, `verify refuses`, `repair refuses`, `repaired`; and of a repaired folder how many
    members are kept though damaged, and how many timepoints are gone without a name. Both are 0 but where no checksum,
    or nothing that knows names, was left.
    """
    whole, _ = contents(sound)
    harmed = [file for what, file in done if what != "nothing"]
    with in_time(), inside(folder, sound):
        _prove_reading(folder, sound, whole, done)
        try:
            report = verify(open_store(folder), 2)
        except OrqaError:
            assert harmed
            return "verify refuses", 0, 0
        # Free text of a manifest, as the title of a dataset, is nobody's to check.
        assert not report.whole or set(harmed) <= {"manifest.json"}, done
        assert report.whole or harmed, (done, report)
        if report.whole:
            return "whole", 0, 0
        if report.missing:
            _prove_nothing_changed(folder, report)
        try:
            repaired = repair(open_store(folder), report, without_missing=True)
        except OrqaError:
            return "repair refuses", 0, 0
        again = verify(open_store(folder), 2)
        assert again.whole, (done, report.problems, again.problems)
        return "repaired", *_prove_mended(folder, whole, repaired, harmed)


def _prove_nothing_changed(folder, report):
    """What is missing may be on its way: a repair that was not told to leave it out leaves all as it is."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(OrqaError, match="nothing was changed"):
        repair(open_store(folder), report)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def _prove_reading(folder, sound, whole, done):
    """What can be read is what was written, and what nothing has happened to can be read."""
    read, _ = contents(folder)
    for path in folder.glob("*.tar"):
        with suppress(OrqaError):
            assert not path.with_suffix(".idx").exists() or Tar.open(open_store(folder), path.name)
    if read is None:
        return
    harmed = {file for _, file in done}
    for key, (own, media) in read.items():
        assert key in whole
        assert own == whole[key][0]
        assert all(data == whole[key][1][name] for name, data in media.items()), f"another {key} is read: {done}"
    if any(not file.endswith(".tar") for file in harmed):
        return
    for path in sound.glob("*.tar"):
        for key, name in untouched(folder, sound, path.name):
            assert name == "json" or name in read[key][1], f"{key}.{name} is as it was and cannot be read: {done}"


def _prove_mended(folder, whole, repaired, harmed):
    """What is left is what was written, and what is gone was named, or counted where nothing knows its name."""
    after, bad = contents(folder)
    assert bad == 0
    assert set(after) <= set(whole)
    damaged = nameless = 0
    counted = any(key.endswith(".tar") for key in repaired.dropped) or {"manifest.json"} < set(harmed)
    for key, (own, media) in whole.items():
        if key not in after:
            nameless += key not in repaired.dropped
            continue
        assert after[key][0] == own
        for name, data in media.items():
            if name not in after[key][1]:
                assert f"{key}.{name}" in repaired.dropped, f"{key}.{name} is gone and nobody said so: {harmed}"
            else:
                damaged += after[key][1][name] != data
    assert not damaged or repaired.unproven, f"damaged members are left: {harmed}"
    assert not nameless or counted, f"timepoints are gone and nobody said so: {harmed} {repaired.dropped}"
    if len(harmed) == 1:
        assert (damaged, nameless) == (0, 0)
    return damaged, nameless


def chance_of(seed):
    """Return chance that is the same for the same seed."""
    return random.Random(f"mutation {seed}")

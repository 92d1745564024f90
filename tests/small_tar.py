"""Tars for tests: written here, member by member or by hand, and read whole."""

import io
import tarfile
from zlib import crc32

from orqa_shards.format.tar_index import TarIndex, index_tar
from orqa_shards.format.tar_scanner import scan_tar
from orqa_shards.format.tar_writer import TAR_BLOCK, TarWriter

SAMPLES = [(f"d/t/{k:03d}", {"json": b'{"k": %d}\n' % k, "room1.jpg": bytes([k]) * 700}) for k in range(50)]


def written(samples):
    made = io.BytesIO()
    writer = TarWriter(made)
    for key, members in samples:
        writer.write(key, members)
    writer.close()
    assert writer.length == len(made.getvalue())
    return made.getvalue(), TarIndex.of(writer.rows, writer.length)


def reader(data):
    def read(offset, size):
        assert 0 <= offset <= offset + size <= len(data), "only what lies in the file is asked for"
        return data[offset : offset + size]

    return read


def scanned(data):
    return list(scan_tar(reader(data), len(data)))


def contents(data):
    """Return key -> suffix -> bytes as the index of a scan has them, and the reasons of what is left out."""
    made, damages = index_tar(reader(data), len(data))
    found = {}
    for number, key in enumerate(made.keys):
        found[key] = {one.name: data[one.offset : one.offset + one.size] for one in made.members(number)}
        assert all(crc32(found[key][one.name]) == one.crc32 for one in made.members(number))
    again = TarIndex.from_bytes(made.to_bytes(), "x")
    assert (again.keys, again.suffixes, again.rows.tolist()) == (made.keys, made.suffixes, made.rows.tolist())
    return found, [one.why for one in damages]


def plain(name, data=b"abc", **about):
    """Return a member as tarfile writes it; `about` changes its header before the checksum."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    form = about.pop("form", tarfile.GNU_FORMAT)
    for word, value in about.items():
        setattr(info, word, value)
    return info.tobuf(form) + data + bytes(-len(data) % TAR_BLOCK)


def resealed(head):
    """Return a header with a checksum that fits."""
    blank = head[:148] + b" " * 8 + head[156:]
    return head[:148] + b"%06o\0 " % sum(blank) + head[156:]


END = bytes(2 * TAR_BLOCK)
GOOD = plain("a/1.txt") + plain("a/1.json", b"{}")
AFTER = plain("a/3.txt") + plain("a/3.json", b"{}") + END

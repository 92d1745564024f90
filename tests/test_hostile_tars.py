"""Damaged and hostile tars: they cost only themselves, and nothing that is wrong comes out as if it were right."""

import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_tar import AFTER, END, GOOD, SAMPLES, contents, plain, reader, resealed, scanned, written

from orqa_registry import OrqaError
from orqa_shards.format.tar_index import group_samples
from orqa_shards.format.tar_scanner import TarDamage, scan_tar
from orqa_shards.format.tar_writer import TAR_BLOCK, TarMember
from orqa_shards.read.tar_reader import Tar
from orqa_shards.storage.open import open_store


@pytest.mark.parametrize("hit", [0, 1, 50, 51, 98, 99])
@pytest.mark.parametrize("place", [0, 9, 124, 135, 148, 156, 257])
def test_a_damaged_header_costs_its_sample(hit, place):
    data, made = written(SAMPLES)
    name = f"{SAMPLES[hit // 2][0]}.{('json', 'room1.jpg')[hit % 2]}"
    at = int(made.rows["offset"][hit]) - TAR_BLOCK + place
    damaged = data[:at] + bytes([data[at] ^ 0x04]) + data[at + 1 :]
    found, (why,) = contents(damaged)
    assert found == {key: members for key, members in SAMPLES if key != SAMPLES[hit // 2][0]}
    if place > 9:
        assert name in why
    assert "a damaged header" in why


def test_a_block_of_nothing_where_a_header_was():
    data, made = written(SAMPLES)
    at = int(made.rows["offset"][20]) - TAR_BLOCK
    found, (why,) = contents(data[:at] + bytes(TAR_BLOCK) + data[at + TAR_BLOCK :])
    assert (len(found), why) == (49, "an empty block where a header was expected")


@given(cut=st.integers(4000, 80_000))
def test_a_tail_that_is_cut_off_costs_what_lay_there(cut):
    data, made = written(SAMPLES)
    found, whys = contents(data[:cut])
    whole = {
        key: dict(SAMPLES)[key]
        for number, key in enumerate(made.keys)
        if cut >= made.members(number)[-1].offset + made.members(number)[-1].size
    }
    padded = {key: found[key] for key in found if key in whole}
    assert padded == found, "nothing that is not whole comes out"
    assert len(whole) - len(found) <= 1
    assert whys or cut >= len(data) - TAR_BLOCK


def test_a_nested_tar_is_not_taken_for_members_when_its_header_is_damaged():
    inner, _ = written([("evil/0", {"json": b"{}"})])
    data, made = written([SAMPLES[0], ("d/t/nested", {"tar": inner, "txt": b"x"}), SAMPLES[1]])
    at = int(made.rows["offset"][2]) - TAR_BLOCK
    found, whys = contents(data[: at + 104] + b"!" + data[at + 105 :])
    assert list(found) == ["d/t/000", "d/t/001"]
    assert len(whys) == 1


REFUSED = {
    "a link": plain("a/2.txt", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "is a link": plain("a/2.txt", b"", type=tarfile.LNKTYPE, linkname="a/1.txt"),
    "a device": plain("a/2.txt", b"", type=tarfile.CHRTYPE),
    "is a device": plain("a/2.txt", b"", type=tarfile.BLKTYPE),
    "a pipe": plain("a/2.txt", b"", type=tarfile.FIFOTYPE),
    "not a name in the folder": plain("/a/2.txt"),
    "is not a name in the folder": plain("../a/2.txt"),
    "a name in the folder": plain("a/../../2.txt"),
    "name in the folder": plain("C:\\a\\2.txt"),
    "in the folder": plain("C:a/2.txt"),
    "unprintable": resealed(plain("a/2\n.txt")[:TAR_BLOCK]) + plain("")[TAR_BLOCK:],
    "has unprintable": plain("a/\u202e2.txt"),
    "unprintable letters": plain("a/2\x1b[2J.txt"),
    "unprintable ": plain("a/\0x2.txt" * 20, form=tarfile.PAX_FORMAT, pax_headers={"path": "a/\0x.txt"}),
    "is sparse": plain("a/2.txt", type=b"S"),
    "sparse": plain("a/2.txt", form=tarfile.PAX_FORMAT, pax_headers={"GNU.sparse.major": "1"}),
    "size that an extension": plain("a/2.txt", form=tarfile.PAX_FORMAT, pax_headers={"size": "700"}),
    "of all members": tarfile.TarInfo.create_pax_global_header({"path": "b.txt"}),
    "kind that is not read": plain("a/2.txt", type=b"Z"),
    "its size is no number": plain("a/2.txt", form=tarfile.PAX_FORMAT, pax_headers={"size": "-5"}),
    "an extension of": plain("x", b"9" * 70_000, type=b"x") + plain("a/2.txt"),
    "a damaged extension": plain("x", b"99999 path=a/9.txt\n", type=b"x") + plain("a/2.txt"),
    "damaged extension": plain("x", b"0 path=a/9.txt\n", type=b"x") + plain("a/2.txt"),
    "is cut short": plain("a/2.txt", b"", size=1 << 40),
    "a negative number": resealed(plain("a/2.txt")[:124] + b"\xff" * 12 + plain("a/2.txt")[136:512]) + bytes(TAR_BLOCK),
    "cut short": resealed(plain("a/2.txt")[:124] + b"\x80" + b"\xff" * 11 + plain("a/2.txt")[136:512])
    + bytes(TAR_BLOCK),
    "no number": resealed(plain("a/2.txt")[:124] + b"12345678901\0" + plain("a/2.txt")[136:512])[:124]
    + b"notanumber!\0",
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_no_plain_file_of_the_folder_is_refused(why):
    hostile = REFUSED[why]
    if why == "no number":
        hostile = resealed(hostile + plain("a/2.txt")[136:512]) + bytes(TAR_BLOCK)
    found, whys = contents(GOOD + hostile + AFTER)
    expected = {key: {"txt": b"abc", "json": b"{}"} for key in ("a/1", "a/3")}
    assert found == expected
    assert any(why in one for one in whys), whys
    assert all(one.isprintable() and len(one) < 500 for one in whys)


@pytest.mark.parametrize("kind", ["txt", "json"])
def test_a_sample_with_a_refused_member_does_not_come_out_without_it(kind):
    link = plain(f"a/2.{kind}", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
    rest = plain("a/2.json" if kind == "txt" else "a/2.txt")
    for hostile in (link + rest, rest + link):
        found, whys = contents(GOOD + hostile + AFTER)
        assert list(found) == ["a/1", "a/3"]
        assert len(whys) == 1


def test_folders_are_passed_over_and_names_without_suffix_named():
    data = plain("a/", b"", type=tarfile.DIRTYPE) + plain("README") + plain(".hidden.txt") + GOOD + END
    found, whys = contents(data)
    assert list(found) == ["a/1"]
    assert whys == ["'README' has no suffix", "'.hidden.txt' has no suffix"]


def test_what_comes_again_is_named_and_the_first_counts():
    data = GOOD + plain("a/1.TXT", b"other") + plain("a/2.txt") + plain("a/1.npy") + END
    found, whys = contents(data)
    assert found == {"a/1": {"txt": b"abc", "json": b"{}"}, "a/2": {"txt": b"abc"}}
    assert whys == ["'a/1.TXT' comes again", "'a/1.npy' comes again"]


def test_too_many_suffixes_are_named(monkeypatch):
    monkeypatch.setattr("orqa_shards.format.tar_index.MAX_SUFFIXES", 3)
    found, whys = contents(b"".join(plain(f"a/1.x{k}") for k in range(5)) + END)
    assert list(found["a/1"]) == ["x0", "x1", "x2"]
    assert len(whys) == 2


def test_a_sample_that_is_too_large_is_left_out(monkeypatch):
    monkeypatch.setattr("orqa_shards.format.tar_index.MAX_SAMPLE_BYTES", 2000)
    found, whys = contents(GOOD + b"".join(plain(f"a/2.x{k}") for k in range(5)) + AFTER)
    assert list(found) == ["a/1", "a/3"]
    assert len(whys) == 3


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\x1f\x8b", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"PK\x03\x04", "zip"),
        (b"plain text", "no tar"),
        (b"", "em"),
    ],
)
def test_what_is_no_tar_is_said_so(start, said, tmp_path):
    (tmp_path / "x.tar").write_bytes(start + bytes(2000 if start else 0))
    with pytest.raises(OrqaError, match=rf"x\.tar.*{said}"):
        Tar.open(open_store(tmp_path), "x.tar")
    assert [one.name for one in tmp_path.iterdir()] == ["x.tar"]


def test_a_folder_instead_of_a_tar(tmp_path):
    (tmp_path / "x.tar").mkdir()
    with pytest.raises(OrqaError, match="no plain file"):
        Tar.open(open_store(tmp_path), "x.tar")


def test_work_is_linear_in_the_size_of_hostile_tars():
    """Headers that point far ahead, that are cut short, that alternate with nothing: none makes the scan go back."""
    far = resealed(plain("a/2.txt", b"", size=1 << 20)[:148] + bytes(8) + plain("a/2.txt", b"", size=1 << 20)[156:])
    damaged = far[:148] + b"7654321\0" + far[156:]
    for unit in (plain("a/2.txt", b"", size=1 << 40), damaged, far + bytes(TAR_BLOCK), b"ustar" * 102 + b"us"):
        data = GOOD + unit * ((3 << 20) // len(unit))
        moved = 0

        def read(offset, size, data=data):
            nonlocal moved
            moved += size
            return data[offset : offset + size]

        damages = [one for one in scan_tar(read, len(data)) if isinstance(one, TarDamage)]
        assert damages
        assert moved < 8 * len(data)


@given(data=st.binary(max_size=3000), samples=st.integers(0, 3))
def test_any_bytes_at_all(data, samples):
    sound, _ = written(SAMPLES[:samples])
    for found in scanned(sound[:-1024] + data):
        assert isinstance(found, TarMember | TarDamage)


@given(data=st.data())
def test_any_change_of_bytes(data):
    sound = bytearray(written(SAMPLES[:4])[0] + GOOD + REFUSED["sparse"] + AFTER)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(sound) - 1))
        sound[place : place + 4] = data.draw(st.binary(min_size=1, max_size=4))
    samples, damages, broken = group_samples(reader(bytes(sound)), len(sound))
    assert broken <= set(samples) | {None} or damages
    assert all(name.isprintable() and ".." not in name.split("/") and Path(name).parts[0] != "/" for name in samples)

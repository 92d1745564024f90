"""What is stored of each medium: views within their budget, compact clouds, lossless sounds, and nothing damaged."""

import io
import json
import pickle
import sys

import numpy as np
import pytest
import simplejpeg
from damage import damaged, saved, tried
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from orqa_registry.errors import CallError, MissingLibraryError, OrqaError
from orqa_registry.readers.formats import clouds
from orqa_shards.read.image_decoder import decode_image, fit_within, image_dimensions
from orqa_shards.write.transcode import StoredMedium, Transcoder

soundfile = pytest.importorskip("soundfile")


def picture(width, height, mode="RGB", form="JPEG", **options):
    """Return a picture with edges and gradients, the same each time."""
    coarse = np.random.default_rng(width).integers(0, 256, (height // 20, width // 20, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).convert(mode).save(out, form, **options)
    return out.getvalue()


def sound(samples, rate=16_000, subtype="PCM_16", form="WAV"):
    out = io.BytesIO()
    soundfile.write(out, samples, rate, subtype, format=form)
    return out.getvalue()


def heard(data):
    return soundfile.read(io.BytesIO(data), dtype="int32", always_2d=True)


LARGE, SMALL = picture(800, 600), picture(320, 240)
NOISE = np.random.default_rng(0).integers(-(2**31), 2**31, (1000, 2)).astype(np.int32)
CLOUD = np.column_stack([np.random.default_rng(0).normal(0, 1e3, (40, 3)), np.arange(120).reshape(40, 3)]).astype("f4")


def test_a_view_over_its_budget_is_scaled_and_its_size_remembered():
    stored = Transcoder()("room1.jpg", LARGE)
    assert (stored.name, stored.size) == ("room1.jpg", (800, 600))
    assert image_dimensions(stored.data) == fit_within((800, 600), 112_896)
    assert simplejpeg.decode_jpeg_header(stored.data)[2:] == ("YCbCr", "444")
    with Image.open(io.BytesIO(stored.data)) as opened:
        assert not {"progressive", "exif", "icc_profile"} & set(opened.info)
    wanted = decode_image(LARGE, 112_896, fine=True).astype(float)
    assert np.sqrt(np.mean((decode_image(stored.data) - wanted) ** 2)) < 2.5
    assert Transcoder()("room1.jpg", LARGE) == stored, "the same bytes each time"


def test_what_a_phone_adds_is_left_out():
    turned = Image.Exif()
    turned[0x0112] = 6
    stored = Transcoder()("room1.jpg", picture(800, 600, exif=turned))
    assert stored == Transcoder()("room1.jpg", LARGE)


@pytest.mark.parametrize("name", ["room1.jpg", "room1.jpeg", "room1.png"])
def test_a_view_within_its_budget_stays(name):
    assert Transcoder()(name, SMALL) == StoredMedium(name, SMALL)
    assert Transcoder(pixels=320 * 240)(name, SMALL).data == SMALL
    assert Transcoder(pixels=320 * 240 - 1)(name, SMALL).size == (320, 240)


def test_the_budget_is_that_of_the_role():
    stored = Transcoder()("screen.jpg", LARGE)
    assert image_dimensions(stored.data) == fit_within((800, 600), 262_144)
    assert [Transcoder(pixels=pixels).budget("screen") for pixels in (1, 262_145, None)] == [262_144, 262_145, None]
    assert [Transcoder(pixels=pixels).budget("room1") for pixels in (1, 262_145, None)] == [1, 262_145, None]


def test_full_keeps_every_view_but_looks_at_it():
    full = Transcoder(pixels=None)
    for name in ("room1.jpg", "screen.jpg"):
        assert full(name, LARGE) == StoredMedium(name, LARGE)
    with pytest.raises(OrqaError, match=r"^room1\.jpg: .*Premature end"):
        full("room1.jpg", LARGE[: len(LARGE) // 2])


def test_a_png_stays_one_and_loses_nothing_but_its_size():
    data = picture(800, 600, form="PNG")
    stored = Transcoder()("room1.png", data)
    assert stored.data.startswith(b"\x89PNG")
    assert stored.size == (800, 600)
    np.testing.assert_array_equal(decode_image(stored.data), decode_image(data, 112_896, fine=True))


@pytest.mark.parametrize(("name", "form"), [("room1.jpg", "JPEG"), ("room1.png", "PNG")])
def test_grey_stays_grey(name, form):
    data = picture(800, 600, "L", form)
    stored = Transcoder()(name, data)
    with Image.open(io.BytesIO(stored.data)) as opened:
        assert opened.mode == "L"
    assert np.abs(decode_image(stored.data).astype(int) - decode_image(data, 112_896, fine=True)).max() < 16


def test_quality_costs_bytes():
    few, many = (Transcoder(quality=quality)("room1.jpg", LARGE).data for quality in (60, 95))
    assert len(few) < len(many)


@pytest.mark.parametrize(
    "name", ["room1.mask.png", "room1.depth.png", "lowres1.mask.png", "calibration.json", "speech.txt", "own.npy"]
)
def test_anything_else_stays(name):
    data = picture(800, 600, form="PNG")[:-5]
    assert Transcoder()(name, data) == StoredMedium(name, data)


@pytest.mark.parametrize("pixels", [112_896, None])
@pytest.mark.parametrize(("name", "columns", "each"), [("points.npy", 6, 15), ("segments.npy", 4, 13)])
def test_clouds_are_compact(name, columns, each, pixels):
    before = saved(CLOUD[:, :columns])
    stored = Transcoder(pixels=pixels)(name, before)
    assert (stored.name, stored.size) == (name, None)
    assert len(before) - len(stored.data) >= 40 * (4 * columns - each) - 64
    assert clouds.cloud_from_npy(stored.data).tobytes() == CLOUD[:, :columns].tobytes()
    assert Transcoder()(name, stored.data) == stored


def test_embeddings_stay_if_they_are_arrays():
    data = saved(np.arange(512, dtype=np.float32))
    assert Transcoder()("clap.npy", data).data == data
    with pytest.raises(OrqaError, match=r"^clap\.npy: "):
        Transcoder()("clap.npy", data[:-1])


@pytest.mark.parametrize("pixels", [112_896, None])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
def test_a_wav_becomes_flac(subtype, form, pixels):
    before = sound(NOISE, 44_100, subtype, form)
    stored = Transcoder(pixels=pixels)("audio.wav", before)
    assert stored.name == "audio.flac"
    assert stored.data.startswith(b"fLaC")
    (samples, rate), (wanted, wanted_rate) = heard(stored.data), heard(before)
    assert rate == wanted_rate
    np.testing.assert_array_equal(samples, wanted)
    assert Transcoder()("audio.wav", before) == stored


@given(st.integers(1, 9), st.integers(1, 800_000), st.integers(0, 300))
@settings(max_examples=settings.default.max_examples * 2 // 5)
def test_a_wav_of_any_kind_keeps_its_samples(channels, rate, many):
    before = sound(np.resize(NOISE, (many, channels)), rate)
    stored = Transcoder()("audio.wav", before)
    assert stored.name == "audio.flac" or stored == StoredMedium("audio.wav", before)
    if many:
        assert heard(stored.data)[1] == rate
        np.testing.assert_array_equal(heard(stored.data)[0], heard(before)[0])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("audio.wav", sound(NOISE / 2**31, subtype="FLOAT")),
        ("audio.wav", sound(NOISE, subtype="PCM_32")),
        ("audio.mp3", sound(NOISE / 2**33, subtype="MPEG_LAYER_III", form="MP3")),
        ("audio.flac", sound(NOISE, form="FLAC")),
    ],
    ids=["float", "32 bit", "mp3", "flac"],
)
def test_other_sounds_stay_if_they_can_be_read(name, data):
    assert Transcoder()(name, data) == StoredMedium(name, data)
    with pytest.raises(OrqaError, match=rf"^{name}: .*expected a WAV, MP3 or FLAC"):
        Transcoder()(name, b"no sound" * 100)


def test_sounds_need_their_library_and_nothing_else_does(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingLibraryError, match=r"audio\.wav.* needs soundfile"):
        Transcoder()("audio.wav", sound(NOISE))
    assert Transcoder()("room1.jpg", LARGE).size == (800, 600)
    assert "soundfile" not in Transcoder().parameters()["libraries"]


@pytest.mark.parametrize("name", ["room1.jpg", "points.npy", "audio.wav", "speech.txt"])
def test_an_empty_file_is_refused(name):
    with pytest.raises(OrqaError, match=rf"^{name}: the file is empty"):
        Transcoder()(name, b"")


SOUND = {
    "room1.jpg": LARGE,
    "room1.png": picture(80, 60, form="PNG"),
    "points.npy": saved(CLOUD),
    "clap.npy": saved(CLOUD[0]),
    "audio.wav": sound(NOISE),
    "audio.flac": sound(NOISE, form="FLAC"),
}


@pytest.mark.parametrize("name", SOUND)
def test_damaged_media(name):
    @given(damaged([SOUND[name]]))
    @settings(max_examples=settings.default.max_examples * 3 // 5)
    def tried_all(data):
        stored = tried(Transcoder(pixels=2000), name, data)
        assert stored is None or stored.data

    tried_all()


def test_what_decides_the_bytes_is_told():
    told = Transcoder(pixels=5, quality=90).parameters()
    assert json.loads(json.dumps(told)) == told
    assert (told["pixels"], told["quality"]) == (5, 90)
    assert set(told["libraries"]) >= {"numpy", "pillow", "simplejpeg", "soundfile", "zstandard"}
    assert Transcoder(pixels=None).parameters()["pixels"] == "full"


@pytest.mark.parametrize("wrong", [{"pixels": 0}, {"pixels": -5}, {"quality": 0}, {"quality": 101}])
def test_what_makes_no_sense_is_a_wrong_call(wrong):
    with pytest.raises(CallError, match="expected"):
        Transcoder(**wrong)


def test_it_travels_to_other_processes():
    assert pickle.loads(pickle.dumps(Transcoder(pixels=7))) == Transcoder(pixels=7)

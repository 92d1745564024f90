"""One second of what a microphone in the room hears: air, the monitor, and the tool in use."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from orqa_plugin_hybridor.procedure.situation import Situation
from orqa_registry import seeded_rng

SAMPLE_RATE = 16000
"""Samples a second; one channel."""

Wave = npt.NDArray[np.float64]


def synthesise_sound(situation: Situation, seed: int, take: str) -> npt.NDArray[np.int16]:
    """Return the sound of this second, (16000,) of 16 bits."""
    rng = np.random.default_rng(seeded_rng(seed, take, "sound", int(situation.seconds)).getrandbits(63))
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    wave = 0.006 * rng.standard_normal(SAMPLE_RATE) + 0.004 * np.sin(2 * np.pi * 100 * time)
    if situation.patient is not None:
        wave += 0.05 * _tone(time, 880.0) * (time % 1.0 < 0.09)
    for step in situation.steps:
        if step.action in _SOUND_OF_ACTION:
            wave += _SOUND_OF_ACTION[step.action](time, rng)
    return np.asarray(np.clip(wave, -1, 1) * 32000, dtype=np.int16)


def _tone(time: Wave, pitch: float) -> Wave:
    return np.asarray(np.sin(2 * np.pi * pitch * time))


def _drill_sound(time: Wave, rng: np.random.Generator) -> Wave:
    pitch = rng.uniform(820.0, 980.0)
    return 0.16 * _tone(time, pitch) + 0.09 * _tone(time, 2 * pitch) + 0.05 * _tone(time, 3 * pitch)


def _saw_sound(time: Wave, rng: np.random.Generator) -> Wave:
    pitch = rng.uniform(190.0, 230.0)
    rasp: Wave = np.sign(_tone(time, pitch)) * (0.6 + 0.4 * _tone(time, 11.0))
    return 0.14 * rasp + 0.05 * rng.standard_normal(len(time)) * (rasp > 0)


def _hammer_sound(time: Wave, rng: np.random.Generator) -> Wave:
    phase = (time - rng.uniform(0.0, 0.3)) % 0.36
    return 0.55 * np.exp(-phase * 45.0) * _tone(phase, 1450.0)


def _servo_sound(time: Wave, rng: np.random.Generator) -> Wave:
    return 0.08 * _tone(time, 130.0 + 40.0 * rng.random()) * (0.7 + 0.3 * _tone(time, 2.0))


def _rinse_sound(time: Wave, rng: np.random.Generator) -> Wave:
    noise = rng.standard_normal(len(time))
    smooth = np.convolve(noise, np.ones(9) / 9, mode="same")
    return np.asarray(0.11 * smooth)


def _mixer_sound(time: Wave, rng: np.random.Generator) -> Wave:
    return 0.09 * _tone(time, 62.0) * (0.5 + 0.5 * np.sign(_tone(time, 4.0 + rng.random())))


def _pointer_sound(time: Wave, rng: np.random.Generator) -> Wave:
    return 0.1 * _tone(time, 2100.0) * ((time * 6.0 + rng.random()) % 1.0 < 0.3)


_SOUND_OF_ACTION = {
    "drilling": _drill_sound,
    "sawing": _saw_sound,
    "hammering": _hammer_sound,
    "calibrating": _servo_sound,
    "cleaning": _rinse_sound,
    "cementing": _mixer_sound,
    "scanning": _pointer_sound,
}

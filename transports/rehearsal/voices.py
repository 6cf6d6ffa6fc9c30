"""The user's voice: espeak-ng in another voice than the bot's; and noises made of voices."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import soxr

from bargein.config.problems import Problem
from bargein.errors import ConfigError
from bargein.processors.espeak import Speech, Voice, engine
from bargein.rehearsal import noises
from bargein.rehearsal.levels import (
    RATE_HZ,
    SPEECH_DB,
    Sound,
    at_level,
    from_pcm,
    gain,
    trimmed,
)
from bargein.rehearsal.scenario import Act, BackgroundNoise, Written

SPEECH_S = 30.0
MURMUR_MS = 90
"""Too short for a word, and for a server that wants 150 ms of speech."""
MOST_WAV_S = 120
SAMPLE_BYTES = 2
CROWD = (
    ("en-us+m1", "I told him that we would be there at seven, and of course he was late again."),
    ("en-us+f2", "Have you seen the new place on the corner? They have a garden behind it."),
    ("en-us+m3", "No, the blue one, the one that we bought last summer in the other shop."),
    ("en-us+f4", "And then she said that nobody had ever asked her before, can you imagine?"),
    ("en-us+m5", "It is going to rain this afternoon, so we had better take the car today."),
    ("en-us+f1", "My brother has been working there for years, and he likes it very much."),
)
"""Who talks in a babble, and what they say, over and over."""
BABBLE_S = 6
NOISE_S = 20.0
"""Length of a noise in the background, before it is repeated."""


def sound_of(act: Act, folder: Path, seed: int) -> Sound:
    """Give what an act sounds like, its onset at the first sample; a ConfigError for a bad file."""
    if act.say is not None:
        spoken = _spoken(act.say, act.voice, act.words_per_minute, act.pitch)
        return at_level(spoken, SPEECH_DB + act.gain_db)
    if act.play is not None:
        return read_wav(folder / act.play) * np.float32(gain(act.gain_db))
    if act.noise is None:
        return np.zeros(0, dtype=np.float32)
    return at_level(_noise(act.noise, act.for_ms, seed), SPEECH_DB + act.gain_db)


def mistakes_of_sounds(written: Written) -> Iterator[Problem]:
    """Give each file that can't be read and each voice that is not there."""
    folder = written.path.parent
    for act, place in zip(written.scenario.user, written.act_places, strict=True):
        try:
            if act.play is not None:
                read_wav(folder / act.play)
            elif act.say is not None:
                engine().check(Voice(act.voice, act.words_per_minute, act.pitch))
        except ConfigError as error:
            yield Problem(place, str(error))
    noise = written.scenario.client.noise
    if noise is not None and noise.file is not None:
        try:
            read_wav(folder / noise.file)
        except ConfigError as error:
            yield Problem(written.noise_place, str(error))


def background(noise: BackgroundNoise | None, folder: Path, seed: int) -> Sound | None:
    """Give what is heard all the time, at its level against the user's speech."""
    if noise is None:
        return None
    if noise.file is not None:
        sound = read_wav(folder / noise.file)
    else:
        assert noise.kind is not None
        sound = _noise(noise.kind, NOISE_S * 1000, seed)
    rms = float(np.sqrt(np.mean(np.square(sound)))) if len(sound) else 0.0
    return sound * np.float32(gain(SPEECH_DB - noise.snr_db) / rms) if rms else sound


def _noise(kind: str, for_ms: float | None, seed: int) -> Sound:
    if kind == "murmur":
        length_ms = MURMUR_MS if for_ms is None else for_ms
        return _spoken("ah", "en-us+klatt4", 160, 40)[: round(length_ms * RATE_HZ / 1000)]
    if kind == "babble":
        return _babble(round((for_ms or noises.LONG_MS) * RATE_HZ / 1000))
    return noises.make(kind, for_ms, seed)


@cache
def _spoken(text: str, voice: str, words_per_minute: int, pitch: int) -> Sound:
    """Speak with espeak-ng; raises PartError without it, ConfigError for an unknown voice."""
    chunks: list[bytes] = []

    def keep(speech: Speech) -> bool:
        chunks.append(speech.pcm)
        return True

    espeak = engine()
    how = Voice(name=voice, words_per_minute=words_per_minute, pitch=pitch)
    espeak.check(how)
    espeak.speak(text, how, keep).result(timeout=SPEECH_S)
    made = from_pcm(b"".join(chunks))
    heard: Sound = soxr.resample(made, espeak.sample_rate_hz, RATE_HZ).astype(np.float32)
    return trimmed(heard)


def _babble(samples: int) -> Sound:
    """Several people at once, each beginning somewhere else in what they say."""
    mixed = np.zeros(samples, dtype=np.float32)
    for number, (voice, text) in enumerate(CROWD):
        said = at_level(_spoken(text, voice, 170, 50), SPEECH_DB)
        shift = number * len(said) // len(CROWD)
        mixed += np.take(said, range(shift, shift + samples), mode="wrap")
    return mixed


def read_wav(path: Path) -> Sound:
    """Read a WAV file of 16 bits, any rate, its channels mixed; ConfigError says what is wrong."""
    try:
        with wave.open(str(path), "rb") as file:
            rate_hz, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            pcm = file.readframes(MOST_WAV_S * rate_hz)
    except OSError as error:
        reason = f"{str(path)!r} can't be read: {error.strerror}. Mend the path."
        raise ConfigError(reason) from error
    except (wave.Error, EOFError) as error:
        because = f": {error}" if str(error) else ""
        reason = f"{str(path)!r} is no WAV file{because}. Write a WAV file of 16 bits."
        raise ConfigError(reason) from error
    if width != SAMPLE_BYTES:
        raise ConfigError(f"{str(path)!r} has {8 * width} bits. Write a WAV file of 16 bits.")
    mono = from_pcm(pcm).reshape(-1, channels).mean(axis=1)
    heard: Sound = soxr.resample(mono, rate_hz, RATE_HZ).astype(np.float32)
    return heard

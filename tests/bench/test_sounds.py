"""The sounds that meet the bot, and when they do."""

from __future__ import annotations

import json
import random
import wave
from pathlib import Path

import numpy as np
import pytest

from bargein.errors import ConfigError
from bargein.measure.encounter import SoundKind
from bargein.measure.mouth import Mouth, read_wav, write_wav
from bargein.pipelines.bench.sounds import meetings, recorded, synthesized

ALL = frozenset(SoundKind)


def test_sentences_that_the_bot_knows_are_said(tmp_path: Path) -> None:
    sounds = synthesized(ALL, ("Stop", "Tell me about your coffee"), tmp_path)
    speech = [sound.text for sound in sounds if sound.kind is SoundKind.SPEECH]
    assert speech == ["Tell me about your coffee"]
    assert {sound.kind for sound in sounds} == ALL
    assert all(not sound.text for sound in sounds if sound.kind is SoundKind.NOISE)


def test_a_sound_begins_with_its_first_sample(tmp_path: Path) -> None:
    for sound in synthesized(frozenset({SoundKind.SPEECH}), (), tmp_path):
        samples = read_wav(sound.file)
        assert np.abs(samples[:80]).max() > 100
        assert sound.length_ms == len(samples) / 16


def test_every_sound_is_made_in_every_round_at_moments_that_a_seed_repeats(tmp_path: Path) -> None:
    sounds = synthesized(frozenset({SoundKind.BACKCHANNEL}), (), tmp_path)
    drawn = meetings(sounds, 3, random.Random(1))
    assert sorted(each.sound for each in drawn) == sorted([*range(len(sounds))] * 3)
    assert drawn == meetings(sounds, 3, random.Random(1))


def test_a_mouth_says_a_sound_at_its_sample() -> None:
    mouth = Mouth()
    mouth.chunk(160)
    first = mouth.say(np.full(100, 9000, dtype=np.int16), 37)
    heard = np.frombuffer(mouth.chunk(160), dtype="<i2")
    assert first == 197
    assert np.flatnonzero(heard > 8000).tolist() == list(range(37, 137))


def corpus(folder: Path, **entry: object) -> Path:
    tone = (np.sin(np.arange(16_000) / 9) * 9000).astype(np.int16)
    write_wav(folder / "a.wav", tone)
    told = {"id": "a", "file": "a.wav", "onset_ms": 200.0, "offset_ms": 700.0}
    (folder / "manifest.json").write_text(json.dumps([told | entry]))
    return folder


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("sentence", "where is the door", SoundKind.SPEECH),
        ("short", "stop", SoundKind.SPEECH),
        ("interjection", "hmm", SoundKind.BACKCHANNEL),
        ("nonspeech", "a cough", SoundKind.NOISE),
    ],
)
def test_a_recording_is_cut_at_its_labels(
    tmp_path: Path, kind: str, text: str, expected: SoundKind
) -> None:
    pytest.importorskip("soundfile")
    made = tmp_path / "made"
    made.mkdir()
    folder = corpus(tmp_path, kind=kind, text=text)
    (sound,) = recorded(folder, ALL, 4, made, random.Random(1))
    assert (sound.kind, sound.length_ms) == (expected, 500)
    with wave.open(sound.file) as file:
        assert file.getnframes() == 8000


def test_a_corpus_without_a_manifest_is_a_mistake_that_can_be_mended(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--corpus: .*manifest\.json can't be read"):
        recorded(tmp_path, ALL, 4, tmp_path, random.Random(1))

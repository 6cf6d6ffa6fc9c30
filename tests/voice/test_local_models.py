"""Recognisers and voices whose models run here: nothing is loaded before its time, once for all."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pipecat.frames.frames import (
    InputAudioRawFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)

from bargein.config.problems import InvalidConfigError
from bargein.errors import PartError
from bargein.pipelines.load import load
from bargein.processors import local_model
from bargein.processors.transcripts_frames import NoWordsFrame
from tests.voice.conftest import Run

ENGINES = Path(__file__).parent / "engines"
RATE_HZ = 16_000
PLAYED = ("faster_whisper", "piper", "pipecat.services.whisper", "pipecat.services.piper")
OURS = ("bargein.processors.whisper_stt", "bargein.processors.piper_tts")


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Play the packages, and forget them afterwards."""

    def forget() -> None:
        for name in [name for name in sys.modules if name.startswith((*PLAYED, *OURS))]:
            del sys.modules[name]

    forget()
    monkeypatch.syspath_prepend(ENGINES)
    monkeypatch.setattr(local_model, "_LOADED", {})
    yield
    forget()


def part(name: str, cls: str) -> Any:
    """A class of ours, imported when its package is there."""
    return getattr(importlib.import_module(f"bargein.processors.{name}"), cls)


@pytest.mark.parametrize(
    ("use", "package", "extra"),
    [
        ("whisper_stt", "faster_whisper", "whisper"),
        ("moonshine_stt", "moonshine_voice", "moonshine"),
        ("piper_tts", "piper", "piper"),
        ("kokoro_tts", "kokoro_onnx", "kokoro"),
    ],
)
def test_a_package_that_is_not_installed_is_said_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"bargein.processors.{use}", raising=False)
    bot = tmp_path / "bot.yaml"
    bot.write_text(f"name: a\ntransport: local\npipeline:\n  - {use}\n")
    with pytest.raises(InvalidConfigError) as caught:
        load(bot, environ=os.environ)
    assert f"bot.yaml:4:5: pipeline[0].use: {use!r} needs the package" in str(caught.value)
    assert f"pip install 'bargein[{extra}]'" in str(caught.value)


@pytest.mark.usefixtures("engines")
def test_to_make_a_part_loads_nothing_and_two_of_one_model_load_it_once() -> None:
    whisper = part("whisper_stt", "WhisperSTT")
    first, second, other = whisper(), whisper(), whisper(model="small")
    made = sys.modules["faster_whisper"].made
    assert made == []
    for each in (first, second, other):
        each.load_model()
    assert made == ["base.en", "small"]


@pytest.mark.usefixtures("engines")
def test_a_model_that_cannot_be_had_is_said_with_the_way_out() -> None:
    missing = part("whisper_stt", "WhisperSTT")(model="missing")
    with pytest.raises(
        PartError, match=r"^the model whisper missing .*: no such model on the hub\. "
    ):
        missing.load_model()


@pytest.mark.pipeline
@pytest.mark.usefixtures("engines")
async def test_whisper_hears_a_stretch_of_speech_and_says_so_when_there_was_none(
    run: Run,
) -> None:
    async with run(part("whisper_stt", "WhisperSTT")()) as pipeline:
        for seconds in (2, 0):
            loud = np.full(seconds * RATE_HZ, 9000, "<i2").tobytes()
            await pipeline.send(VADUserStartedSpeakingFrame())
            await pipeline.send(InputAudioRawFrame(loud + bytes(3200), RATE_HZ, 1))
            await pipeline.send(VADUserStoppedSpeakingFrame())
        await pipeline.next(NoWordsFrame)
        (heard,) = pipeline.heard(TranscriptionFrame)
    assert (heard.text.strip(), heard.finalized) == ("word word", True)


@pytest.mark.pipeline
@pytest.mark.usefixtures("engines")
async def test_piper_downloads_its_voice_once_and_speaks(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    voice = part("piper_tts", "PiperTTS")
    monkeypatch.setattr("bargein.processors.piper_tts.PIPER_CACHE_DIR", tmp_path / "voices")
    async with run(voice(), output_hz=22_050) as pipeline:
        await pipeline.send(TTSSpeakFrame("Good morning."))
        await pipeline.next(TTSStoppedFrame)
        assert [each.text for each in pipeline.heard(TTSTextFrame)] == ["Good morning."]
        audio = b"".join(each.audio for each in pipeline.heard(TTSAudioRawFrame))
    assert [each.name for each in (tmp_path / "voices").iterdir()] == ["en_US-lessac-medium.onnx"]
    seconds = len(audio) / 2 / pipeline.heard(TTSAudioRawFrame)[0].sample_rate
    assert seconds == pytest.approx(0.13, abs=0.001)

"""The espeak service in a real pipeline: words, offsets, one context an utterance, abort."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pipecat.frames.frames import (
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)

from bargein.errors import ConfigError
from bargein.processors.espeak import SAMPLE_BYTES, Speech, Voice, engine
from bargein.processors.espeak_tts import EspeakTTS

if TYPE_CHECKING:
    from .conftest import Run, Running

pytestmark = pytest.mark.pipeline

SENTENCES = (
    "Your order 4217 is ready.",
    "It costs $3.50, and that's all!",
    "See you at 9 a.m. tomorrow.",
)
REPLY = " ".join(SENTENCES)
ROUNDING_SAMPLES = 2
"""Word times travel as seconds and nanoseconds, and a resampled sentence ends between samples."""


def reply(text: str) -> list[LLMFullResponseStartFrame | LLMTextFrame | LLMFullResponseEndFrame]:
    tokens = [LLMTextFrame(f"{word} ") for word in text.split()]
    return [LLMFullResponseStartFrame(), *tokens, LLMFullResponseEndFrame()]


def spoken(sentence: str) -> tuple[list[Speech], int]:
    chunks: list[Speech] = []

    def keep(chunk: Speech) -> bool:
        chunks.append(chunk)
        return True

    return chunks, engine().speak(sentence, Voice(), keep).result()


def engine_words(output_hz: int) -> list[tuple[str, int]]:
    """What the engine itself says of the whole reply: each word's sample, at another rate."""
    ratio = output_hz / engine().sample_rate_hz
    chunks, _ = spoken(REPLY)
    heard = [word for chunk in chunks for word in chunk.words]
    return [(word.text, round(word.start_sample * ratio)) for word in heard]


def audio_samples(rig: Running) -> int:
    return sum(len(frame.audio) // SAMPLE_BYTES for frame in rig.heard(TTSAudioRawFrame))


@pytest.mark.parametrize("output_hz", [22_050, 24_000, 16_000])
async def test_each_word_carries_the_sample_at_which_the_engine_began_it(
    run: Run, output_hz: int
) -> None:
    async with run(EspeakTTS(), output_hz=output_hz) as rig:
        await rig.send(*reply(REPLY))
        await rig.next(LLMFullResponseEndFrame)
    heard = [(frame.text, frame.metadata["start_sample"]) for frame in rig.heard(TTSTextFrame)]
    expected = engine_words(output_hz)
    assert [text for text, _ in heard] == [text for text, _ in expected] == REPLY.split()
    for (word, sample), (_, by_engine) in zip(heard, expected, strict=True):
        assert abs(sample - by_engine) <= ROUNDING_SAMPLES, word
    assert heard[-1][1] < audio_samples(rig)


async def test_an_utterance_of_several_sentences_starts_and_stops_once(run: Run) -> None:
    async with run(EspeakTTS()) as rig:
        await rig.send(*reply(REPLY))
        await rig.next(LLMFullResponseEndFrame)
    assert len(rig.heard(TTSStartedFrame)) == len(rig.heard(TTSStoppedFrame)) == 1
    words = {frame.context_id for frame in rig.heard(TTSTextFrame)}
    audio = {frame.context_id for frame in rig.heard(TTSAudioRawFrame)}
    assert words == audio == {rig.heard(TTSStartedFrame)[0].context_id}


async def test_each_utterance_counts_its_samples_from_zero(run: Run) -> None:
    async with run(EspeakTTS()) as rig:
        await rig.send(*reply("Hello there. How are you?"), *reply("Good."))
        await rig.next(LLMFullResponseEndFrame, 2)
        await rig.send(TTSSpeakFrame("Bye now."))
        await rig.next(TTSStoppedFrame, 3)
    firsts: dict[str | None, int] = {}
    for frame in rig.heard(TTSTextFrame):
        firsts.setdefault(frame.context_id, frame.metadata["start_sample"])
    assert list(firsts.values()) == [0, 0, 0]


async def test_a_resampled_sentence_is_as_long_as_the_engine_made_it(run: Run) -> None:
    async with run(EspeakTTS(), output_hz=16_000) as rig:
        await rig.send(TTSSpeakFrame(SENTENCES[0]))
        await rig.next(TTSStoppedFrame)
    chunks, _ = spoken(SENTENCES[0])
    sound = b"".join(chunk.pcm for chunk in chunks).rstrip(b"\0")
    ours_s, engine_s = audio_samples(rig) / 16_000, len(sound) / 2 / engine().sample_rate_hz
    assert ours_s == pytest.approx(engine_s, abs=0.002)


async def test_an_interruption_stops_the_speech_and_the_next_reply_is_whole(run: Run) -> None:
    async with run(EspeakTTS()) as rig:
        await rig.send(*reply("word " * 300))
        await rig.next(TTSAudioRawFrame)
        await rig.send(InterruptionFrame())
        await rig.next(InterruptionFrame)
        before = len(rig.tape.frames)
        await rig.send(*reply("I am here."))
        await rig.next(TTSStoppedFrame)
    after = [frame for frame in rig.tape.frames[before:] if isinstance(frame, TTSTextFrame)]
    assert [frame.text for frame in after] == ["I", "am", "here."]
    assert after[0].metadata["start_sample"] == 0


def test_a_voice_that_is_not_there_is_named_at_construction() -> None:
    with pytest.raises(ConfigError, match="no voice 'en-gb'"):
        EspeakTTS(voice="en-gb")

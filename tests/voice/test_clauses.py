"""Clauses in a real pipeline: what the voice gets, what it sounds like, what the context keeps."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pipecat.frames.frames import (
    AggregatedTextFrame,
    Frame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    OutputTransportMessageFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMAssistantAggregator
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TextAggregationMode, TTSService

from bargein.clauses import ClauseRules, Clauses
from bargein.errors import ConfigError
from bargein.processors.clauses import GOES_ON, ClauseAggregator
from bargein.processors.espeak import Speech, Voice, engine
from bargein.processors.espeak_tts import EspeakTTS
from bargein.processors.played_audio import START_SAMPLE

from .conftest import PATIENCE_S, Tape

if TYPE_CHECKING:
    from .conftest import Run, Running

pytestmark = pytest.mark.pipeline

RATE_HZ = 24_000
REPLY = (
    "I have checked your order, and it left this morning. It should be with you on Friday; if it"
    " is late, call us. Is there more?"
)
PIECES = [
    "I have checked your order,",
    "and it left this morning.",
    "It should be with you on Friday;",
    "if it is late,",
    "call us.",
    "Is there more?",
]


class Telling(TTSService):
    """A voice that makes 10 ms for each text; it keeps what it was given."""

    def __init__(self, *, mode: TextAggregationMode = TextAggregationMode.SENTENCE) -> None:
        super().__init__(
            text_aggregation_mode=mode,
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model=None, voice=None, language=None),
        )
        self.texts: list[str] = []

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        self.texts.append(text)
        yield TTSAudioRawFrame(b"\1\0" * 240, RATE_HZ, 1, context_id=context_id)


class WithoutRoom(ClauseAggregator):
    """Every clause runs dry, so that the pieces do not depend on how fast the test is."""

    def __init__(self) -> None:
        super().__init__(bridge_ms=10_000)


def words(text: str) -> list[str]:
    """Tokens as models make them, with the space before."""
    return re.findall(r"\s*\S+", text)


def reply(tokens: Sequence[str]) -> list[Frame]:
    texts = [LLMTextFrame(token) for token in tokens]
    return [LLMFullResponseStartFrame(), *texts, LLMFullResponseEndFrame()]


async def test_a_voice_gets_clauses_and_the_end_of_the_reply_comes_behind_them(run: Run) -> None:
    tts = Telling()
    async with run(WithoutRoom(), tts) as rig:
        await rig.send(*reply(words(REPLY)))
        await rig.next(LLMFullResponseEndFrame)
    assert tts.texts == PIECES
    assert not rig.heard(LLMTextFrame)


async def test_a_piece_says_whether_its_sentence_goes_on(run: Run) -> None:
    async with run(WithoutRoom()) as rig:
        await rig.send(*reply(words(REPLY)))
        await rig.next(LLMFullResponseEndFrame)
    told = [frame.metadata[GOES_ON] for frame in rig.heard(AggregatedTextFrame)]
    assert told == [True, False, True, True, False, False]


async def test_a_voice_that_takes_tokens_gets_the_tokens(run: Run) -> None:
    tts = Telling(mode=TextAggregationMode.TOKEN)
    async with run(ClauseAggregator(), tts) as rig:
        await rig.send(*reply(words(REPLY)))
        await rig.next(LLMFullResponseEndFrame)
    assert tts.texts == words(REPLY)


async def test_text_that_is_not_to_be_spoken_passes(run: Run) -> None:
    silent = LLMTextFrame("Not to be said, really. Never.")
    silent.skip_tts = True
    async with run(ClauseAggregator()) as rig:
        await rig.send(LLMFullResponseStartFrame(), silent, LLMFullResponseEndFrame())
        await rig.next(LLMFullResponseEndFrame)
    assert rig.heard(LLMTextFrame) == [silent]


@pytest.mark.parametrize("make", [EspeakTTS, Telling])
@pytest.mark.parametrize(
    "tokens",
    [words(REPLY), list(REPLY), [REPLY], re.findall(r"\S+\s*", REPLY), re.findall(".{1,3}", REPLY)],
    ids=["space before", "letters", "at once", "space behind", "threes"],
)
async def test_the_context_holds_the_reply_to_the_letter(
    run: Run, make: type[TTSService], tokens: list[str]
) -> None:
    context = LLMContext()
    async with run(ClauseAggregator(), make(), LLMAssistantAggregator(context)) as rig:
        await rig.send(*reply(tokens))
        await rig.until(lambda: bool(context.messages))
    assert context.messages == [{"role": "assistant", "content": REPLY}]


@pytest.mark.parametrize("after", range(1, len(words(REPLY)), 4))
async def test_an_interruption_leaves_nothing_for_the_next_reply(run: Run, after: int) -> None:
    tts, between = Telling(), Tape()
    async with run(WithoutRoom(), between, tts) as rig:
        behind = OutputTransportMessageFrame({})
        await rig.send(*reply(words(REPLY)[:after])[:-1], behind)
        await passed(between, behind)
        # An LLM that is cancelled ends its reply all the same.
        await rig.send(InterruptionFrame(), LLMFullResponseEndFrame())
        await rig.next(LLMFullResponseEndFrame)
        said_before = tts.texts.copy()
        await rig.send(*reply(words("I am here. Go on.")))
        await rig.next(LLMFullResponseEndFrame, 2)
    assert said_before == handed_over(words(REPLY)[:after])
    assert tts.texts == [*said_before, "I am here.", "Go on."]


def handed_over(tokens: Sequence[str]) -> list[str]:
    """What goes to the voice before the reply ends, or is cut off."""
    clauses = Clauses(ClauseRules(bridge_ms=10_000))
    return [piece.text for token in tokens for piece in clauses.add(token, 0)]


async def passed(tape: Tape, frame: Frame) -> None:
    """Wait until a frame has passed; bounded."""
    async with asyncio.timeout(PATIENCE_S):
        while frame not in tape.frames:
            tape.changed.clear()
            await tape.changed.wait()


def test_the_keys_have_the_defaults_of_the_rules() -> None:
    assert ClauseAggregator()._clauses.rules == ClauseRules()


def test_settings_without_room_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"min_words is 12, but .* max_words, 8"):
        ClauseAggregator(min_words=12)


# --- what it sounds like with espeak-ng ------------------------------------------------


def by_engine(text: str) -> tuple[np.ndarray, list[tuple[str, int]]]:
    """The engine's own speech of a text, and its words, at the engine's rate."""
    chunks: list[Speech] = []

    def keep(chunk: Speech) -> bool:
        chunks.append(chunk)
        return True

    engine().speak(text, Voice(), keep).result()
    sound = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2")
    return sound, [(word.text, word.start_sample) for chunk in chunks for word in chunk.words]


async def in_clauses(run: Run, text: str) -> Running:
    """Speak a reply in clauses at the engine's rate."""
    async with run(WithoutRoom(), EspeakTTS(), output_hz=engine().sample_rate_hz) as rig:
        await rig.send(*reply(words(text)))
        await rig.next(TTSStoppedFrame)
    return rig


def heard(rig: Running) -> np.ndarray:
    return np.frombuffer(b"".join(frame.audio for frame in rig.heard(TTSAudioRawFrame)), "<i2")


ROUNDING_SAMPLES = 4
"""Word times travel as seconds and nanoseconds, and each piece may differ by a sample."""


async def test_each_word_begins_where_it_does_in_the_whole_reply(run: Run) -> None:
    rig = await in_clauses(run, REPLY)
    starts = [(each.text, each.metadata[START_SAMPLE]) for each in rig.heard(TTSTextFrame)]
    _, expected = by_engine(REPLY)
    assert [text for text, _ in starts] == [text for text, _ in expected] == REPLY.split()
    for (word, sample), (_, whole) in zip(starts, expected, strict=True):
        assert abs(sample - whole) <= ROUNDING_SAMPLES, word


async def test_the_reply_in_clauses_is_as_long_as_the_whole(run: Run) -> None:
    ours, whole = heard(await in_clauses(run, REPLY)), np.trim_zeros(by_engine(REPLY)[0], "b")
    assert abs(len(ours) - len(whole)) <= ROUNDING_SAMPLES


UNMARKED = (
    "That would depend on how many people are coming to the restaurant with you on that evening."
)


async def test_a_clause_without_a_mark_does_not_fall_as_a_sentence_does(run: Run) -> None:
    rig = await in_clauses(run, UNMARKED)
    first = rig.heard(AggregatedTextFrame)[0].text
    assert first == "That would depend on how many people"
    frames = rig.heard(TTSTextFrame)
    end = frames[len(first.split())].metadata[START_SAMPLE]
    fallen, whole = by_engine(first)[0], by_engine(UNMARKED)
    in_whole = whole[0][: whole[1][len(first.split())][1]]
    ours_hz, fallen_hz, whole_hz = (pitch_at_end(x) for x in (heard(rig)[:end], fallen, in_whole))
    assert fallen_hz < 0.9 * whole_hz
    assert ours_hz == pytest.approx(whole_hz, rel=0.06)


def pitch_at_end(sound: np.ndarray) -> float:
    """The pitch of the last 60 ms that are voiced, in Hz, by autocorrelation."""
    rate_hz = engine().sample_rate_hz
    size, step = int(0.04 * rate_hz), int(0.01 * rate_hz)
    tail = [sound[at : at + size] for at in range(len(sound) - size, len(sound) // 2, -step)]
    voiced = [hz for hz in map(pitch_hz, tail) if hz]
    return float(np.median(voiced[:6]))


def pitch_hz(window: np.ndarray) -> float | None:
    """The pitch between 60 and 200 Hz, or None where there is hardly any."""
    rate_hz, sound = engine().sample_rate_hz, window - window.mean()
    if np.sqrt(np.mean(sound**2)) < 200:
        return None
    alike = np.correlate(sound * np.hanning(len(sound)), sound, "full")[len(sound) - 1 :]
    low, high = rate_hz // 200, rate_hz // 60
    lag = low + int(np.argmax(alike[low:high]))
    return rate_hz / lag if alike[lag] > 0.4 * alike[0] else None

"""Whose words they are: those of a turn are answered, whenever the recogniser tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InputTransportMessageFrame,
    InterimTranscriptionFrame,
    LLMContextFrame,
    LLMRunFrame,
    LLMServiceMetadataFrame,
    SystemFrame,
    TranscriptionFrame,
    TTSSpeakFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.tests.utils import SleepFrame, run_test

from bargein.cut import Cut
from bargein.endpointing import EndpointRules
from bargein.floor import Floor, Heard
from bargein.pipelines.session import deaf
from bargein.processors import end_of_turn
from bargein.processors.interruption import Interruption
from bargein.processors.played_audio import PlayedAudio
from bargein.processors.transcripts_frames import NoWordsFrame
from bargein.processors.user_context import UserContext
from bargein.processors.wire import Wire
from bargein.protocol import Truncate, Welcome
from tests.room.parts import GivenLlm, Tap
from tests.test_orders import CUT, CutAt, Silence

SILENCE_S = 0.15
WAIT_S = 0.15
RULES = EndpointRules(silence_ms=round(SILENCE_S * 1000))

pytestmark = pytest.mark.pipeline

STARTS = VADUserStartedSpeakingFrame(start_secs=0.1)
STOPS = VADUserStoppedSpeakingFrame(stop_secs=0.02)
TRUNCATE = InputTransportMessageFrame(
    message=Truncate(utterance=1, played_samples=100, epoch=1).model_dump(mode="json")
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end_of_turn, "STALL_S", 0.0)
    monkeypatch.setattr(end_of_turn, "TRANSCRIPT_WAIT_S", WAIT_S)


def final(text: str) -> TranscriptionFrame:
    """The recogniser is sure."""
    return TranscriptionFrame(text, "user", "now", finalized=True)


def interim(text: str) -> InterimTranscriptionFrame:
    """The recogniser guesses."""
    return InterimTranscriptionFrame(text, "user", "now")


@dataclass
class Did(SystemFrame):
    """The bot did something."""

    heard: Heard = Heard.BOT_FINISHED


Given = Sequence[Frame | float]


class Ear(FrameProcessor):
    """Between the gateway and the context: tells it the VAD's evidence, and what the bot did."""

    def __init__(self, interruption: Interruption) -> None:
        super().__init__()
        self._interruption = interruption

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, Did):
            self._interruption.bot(frame.heard)
        if direction is FrameDirection.DOWNSTREAM:
            if isinstance(frame, VADUserStartedSpeakingFrame):
                await self.push_frame(VADUserStartedSpeakingFrame(), FrameDirection.UPSTREAM)
            elif isinstance(frame, VADUserStoppedSpeakingFrame):
                await self.push_frame(VADUserStoppedSpeakingFrame(), FrameDirection.UPSTREAM)


async def heard(
    frames: Given,
    *,
    bot: Sequence[Heard] = (),
    cut: Cut = CUT,
    barge_in_enabled: bool = True,
    **rules: Any,
) -> tuple[list[str], Floor]:
    """What goes to the LLM and the TTS when these come, a float being seconds that pass.

    Each user message of the last context is given as it is, a resume with "say: ".
    """
    interruption = Interruption(barge_in_enabled=barge_in_enabled, **rules)
    context = LLMContext()
    user = UserContext(context, listener=interruption, rules=RULES, analyzer=None)
    interruption.attach(
        wire=Wire(Silence(), "s"),
        played_audio=CutAt(cut, reply_open=False),
        welcome=Welcome(),
        min_speech_duration_ms=150,
        correct=lambda _: None,
    )
    for deed in bot:
        interruption.bot(deed)
    given: list[Any] = []
    for each in frames:
        given += [SleepFrame(each)] if isinstance(each, float) else [each, SleepFrame(0.02)]
    async with asyncio.timeout(10):
        down, _ = await run_test(
            Pipeline([interruption, Ear(interruption), user]), frames_to_send=given
        )
    said = [f"say: {each.text}" for each in down if isinstance(each, TTSSpeakFrame)]
    asked = [each for each in down if isinstance(each, LLMContextFrame | LLMRunFrame)]
    messages: list[Any] = context.messages if asked else []
    return [str(each["content"]) for each in messages] + said, interruption.floor


SPEAKS = (Heard.REPLY_BEGUN, Heard.BOT_STARTED)
ENDS = SILENCE_S + WAIT_S + 0.2


async def test_a_turn_is_what_was_said_from_its_beginning_to_its_end() -> None:
    said, floor = await heard([STARTS, STOPS, final("two teas"), ENDS])
    assert (said, floor) == (["two teas"], Floor.PROCESSING)


async def test_the_words_that_decide_a_barge_in_are_in_its_turn() -> None:
    said, floor = await heard([TRUNCATE, final("stop now"), ENDS], bot=SPEAKS)
    assert (said, floor) == (["stop now"], Floor.PROCESSING)


DEADLINE_MS, DEADLINE_S = 100, 0.15
"""By then a contest without evidence is rejected, and the bot goes on."""
SOON: Any = {"bot": SPEAKS, "verdict_deadline_ms": DEADLINE_MS}
TRUNCATE_AGAIN = InputTransportMessageFrame(
    message=Truncate(utterance=1, played_samples=200, epoch=2).model_dump(mode="json")
)


@pytest.mark.slow
@pytest.mark.parametrize("first", [[], [interim("uh"), DEADLINE_S, final("uh")]])
async def test_a_new_contest_hears_words_before_the_servers_vad_hears_speech(first: Given) -> None:
    rejected: Given = [TRUNCATE, *first, DEADLINE_S]
    # Also from a recogniser that never says that it is sure.
    for no in (interim("no"), final("no")):
        said, floor = await heard([*rejected, TRUNCATE_AGAIN, no, ENDS], **SOON)
        assert (said, floor) == (["no"], Floor.PROCESSING)


@pytest.mark.parametrize("late", [[final("tea.")], [interim("tea"), final("Tea")]])
async def test_late_words_of_a_rejected_sound_take_no_floor(late: Given) -> None:
    # The recogniser is not trusted, so its words do not decide the first contest.
    rejected: Given = [TRUNCATE, interim("tea"), DEADLINE_S]
    given: Given = [*rejected, TRUNCATE_AGAIN, *late, STARTS, STOPS, final("the menu"), ENDS]
    said, floor = await heard(given, **SOON, trust_words=False)
    assert (said, floor) == (["the menu"], Floor.PROCESSING)


async def test_words_after_a_rejection_are_those_of_the_rejected_sound() -> None:
    given: Given = [TRUNCATE, DEADLINE_S, final("no"), ENDS]
    assert await heard(given, **SOON) == ([], Floor.SPEAKING)


async def test_a_pause_within_a_turn_does_not_split_it() -> None:
    said, _ = await heard([STARTS, STOPS, STARTS, STOPS, final("a tea"), final("and milk"), ENDS])
    assert said == ["a tea and milk"]


@pytest.mark.slow
async def test_words_of_a_silence_that_was_over_long_ago_end_their_turn_too() -> None:
    # A pause in which there was no turn must not be taken for the pause of this one.
    before: Given = [STARTS, STOPS, NoWordsFrame(), ENDS, Did(Heard.BOT_FINISHED)]
    said, floor = await heard([*before, final("hello"), ENDS], bot=SPEAKS, barge_in_enabled=False)
    assert (said, floor) == (["hello"], Floor.PROCESSING)


@pytest.mark.slow
async def test_words_that_come_after_the_end_of_their_turn_reopen_it() -> None:
    said, floor = await heard([STARTS, STOPS, final("a tea"), ENDS, final("and milk"), ENDS])
    assert (said, floor) == (["a tea and milk"], Floor.PROCESSING)


@pytest.mark.slow
async def test_the_same_words_told_twice_are_one_turn() -> None:
    said, _ = await heard([STARTS, STOPS, final("a tea"), ENDS, final("a tea"), ENDS])
    assert said == ["a tea"]


SAID_ONCE: list[tuple[Given, list[str]]] = [
    ([STARTS, final("five"), final("five"), STOPS, ENDS], ["five"]),
    ([STARTS, final("five"), interim("fi"), final("five"), STOPS, ENDS], ["five five"]),
    ([STARTS, STOPS, final("five"), STARTS, STOPS, final("five"), ENDS], ["five five"]),
]


@pytest.mark.parametrize(("given", "expected"), SAID_ONCE)
async def test_words_that_are_final_twice_were_said_once_unless_there_was_more_to_hear(
    given: Given, expected: list[str]
) -> None:
    assert (await heard(given))[0] == expected


async def test_a_turn_in_which_nothing_was_said_lets_the_bot_go_on() -> None:
    said, floor = await heard(
        [TRUNCATE, interim("no"), STARTS, STOPS, NoWordsFrame(), ENDS], bot=SPEAKS
    )
    assert (said, floor) == (["say: As I was saying, Three four."], Floor.IDLE)


@pytest.mark.slow
@pytest.mark.parametrize("meanwhile", [[], [Did(Heard.BOT_STARTED)]])
async def test_words_that_come_when_nobody_waited_any_more_are_answered_after_all(
    meanwhile: list[Frame],
) -> None:
    given: Given = [TRUNCATE, interim("no"), STARTS, STOPS, ENDS, *meanwhile]
    said, floor = await heard([*given, final("no thanks"), ENDS], bot=SPEAKS)
    assert floor is Floor.PROCESSING
    assert "no thanks" in said


async def test_words_of_an_open_turn_are_its_own_even_if_the_bot_has_begun_to_speak() -> None:
    given: Given = [STARTS, STOPS, Did(Heard.BOT_STARTED), final("a tea"), ENDS]
    assert await heard(given) == (["a tea"], Floor.SPEAKING)


@pytest.mark.slow
async def test_a_bot_that_may_not_be_interrupted_hears_what_was_said_before_and_after_it() -> None:
    said, floor = await heard([STARTS, STOPS, final("a tea"), ENDS], barge_in_enabled=False)
    assert (said, floor) == (["a tea"], Floor.PROCESSING)
    given: Given = [STARTS, STOPS, final("over you"), ENDS]
    assert await heard(given, bot=SPEAKS, barge_in_enabled=False) == ([], Floor.SPEAKING)


@pytest.mark.parametrize("setting", ["silence_ms", "likely_silence_ms", "unfinished_silence_ms"])
def test_pipecats_watchdog_ends_no_turn_before_its_rule_does(setting: str) -> None:
    """It ends one without a word to the prepared reply, and forgets the partial words."""
    rules = EndpointRules(**{setting: 10_000.0})  # type: ignore[arg-type]
    user = UserContext(LLMContext(), listener=Interruption(), rules=rules, analyzer=None)
    assert user._params.user_turn_stop_timeout > 10 + WAIT_S


@pytest.mark.parametrize("passes", [True, False])
async def test_the_microphone_goes_on_only_where_somebody_behind_listens(passes: bool) -> None:
    user = UserContext(
        LLMContext(),
        listener=Interruption(),
        rules=RULES,
        analyzer=None,
        passes_microphone=passes,
    )
    audio = InputAudioRawFrame(bytes(640), 16_000, 1)
    down, _ = await run_test(user, frames_to_send=[audio, SleepFrame(0.02)])
    assert any(isinstance(each, InputAudioRawFrame) for each in down) is passes


class Realtime(GivenLlm):
    """An LLM that is spoken to."""

    def service_metadata_frame(self) -> LLMServiceMetadataFrame:
        return LLMServiceMetadataFrame(service_name="realtime", is_realtime_service=True)


def test_an_llm_that_is_spoken_to_and_a_part_of_the_users_own_hear_the_microphone() -> None:
    parts = [GivenLlm(answers=[]), PlayedAudio(), Realtime(answers=[]), Tap()]
    assert [deaf(part) for part in parts] == [True, True, False, False]

"""What a service was given and has not done: the next one gets that, and nothing twice."""

from __future__ import annotations

import pytest
from pipecat.frames.frames import (
    AggregatedTextFrame,
    Frame,
    FunctionCallResultFrame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    LLMUpdateSettingsFrame,
    MetricsFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.utils.text.base_text_aggregator import TextType

from bargein.processors.work_in_flight import AGAIN, REMEMBERED_MS, Answering, Hearing, Speaking

RATE_HZ = 16_000
SPEAK = TTSSpeakFrame("One moment.")
CLAUSES = ("Well, order 7,", "here you are.")


def audio(ms: int = 20) -> InputAudioRawFrame:
    return InputAudioRawFrame(bytes(2 * RATE_HZ * ms // 1000), RATE_HZ, 1)


def given_to_a_voice(*, ended: bool = True) -> Speaking:
    """A reply of two clauses."""
    work = Speaking()
    work.given(LLMFullResponseStartFrame())
    for clause in CLAUSES:
        work.given(AggregatedTextFrame(clause, TextType.SENTENCE, raw_text=clause))
    if ended:
        work.given(LLMFullResponseEndFrame())
    return work


def texts(frames: object) -> list[str]:
    assert isinstance(frames, list)
    return [frame.text for frame in frames if isinstance(frame, AggregatedTextFrame)]


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ([], ["Well, order 7,", "here you are."]),
        (["Well,"], ["order 7,", "here you are."]),
        (["Well,", "order", "7,"], ["here you are."]),
        (["Well, order 7,", "here"], ["you are."]),
        # A word that was told in half is said whole.
        (["Well,", "or"], ["order 7,", "here you are."]),
    ],
)
def test_the_next_voice_goes_on_at_the_first_word_that_did_not_sound(
    said: list[str], left: list[str]
) -> None:
    work = given_to_a_voice()
    assert work.made(LLMFullResponseStartFrame())
    work.made(TTSStartedFrame())
    for word in said:
        work.made(TTSAudioRawFrame(b"", 24_000, 1))
        work.made(TTSTextFrame(word, TextType.WORD))
    assert work.waits
    assert [type(frame) for frame in work.ending()] == ([TTSStoppedFrame] if said else [])
    again = work.again()
    assert texts(again) == left
    assert isinstance(again[-1], LLMFullResponseEndFrame)
    # The reply has begun already.
    assert not work.made(LLMFullResponseStartFrame())


@pytest.mark.parametrize("over", [InterruptionFrame(), LLMFullResponseEndFrame()])
def test_of_a_reply_that_is_over_nothing_is_said_again(over: Frame) -> None:
    work = given_to_a_voice()
    work.made(LLMFullResponseStartFrame())
    if isinstance(over, InterruptionFrame):
        work.given(over)
    else:
        work.made(over)
    assert not work.waits
    work.made(over)
    assert work.again() == []


def test_the_end_of_an_interrupted_reply_is_not_that_of_the_next_one() -> None:
    work, stop = Answering(), InterruptionFrame()
    work.given(LLMContextFrame(LLMContext()))
    assert work.made(LLMFullResponseStartFrame())
    work.given(stop)
    work.given(LLMContextFrame(LLMContext()))
    for late in (LLMTextFrame("Tea"), LLMFullResponseEndFrame(), stop):
        assert work.made(late)
    assert work.made(LLMFullResponseStartFrame())
    assert work.waits
    assert [type(frame) for frame in work.again()] == [LLMContextFrame]


def test_the_end_of_an_interrupted_reply_leaves_the_next_one_to_be_said() -> None:
    work, stop = given_to_a_voice(), InterruptionFrame()
    work.given(stop)
    work.given(SPEAK)
    for late in (TTSStoppedFrame(), LLMFullResponseEndFrame(), stop):
        assert work.made(late)
    assert work.waits
    assert [type(frame) for frame in work.again()] == [TTSSpeakFrame]


def test_an_interruption_that_a_hung_service_holds_is_passed_on_by_the_next_one() -> None:
    work, stop = given_to_a_voice(), InterruptionFrame()
    work.given(stop)
    assert work.again() == [stop]


def test_a_recogniser_gets_the_audio_since_the_last_final_transcript_and_passes_none_twice() -> (
    None
):
    work = Hearing()
    for frame in (audio(), VADUserStartedSpeakingFrame(), audio()):
        work.given(frame)
        assert work.made(frame)
    assert work.made(TranscriptionFrame("two teas", "user", "now"))
    later = audio()
    for given in (later, VADUserStoppedSpeakingFrame()):
        work.given(given)
        assert work.made(given)
    again = work.again()
    kinds = [VADUserStartedSpeakingFrame, InputAudioRawFrame, VADUserStoppedSpeakingFrame]
    assert [type(frame) for frame in again] == kinds
    assert all(AGAIN in frame.metadata for frame in again)
    assert not any(work.made(frame) for frame in again)


def test_what_a_dead_recogniser_never_passed_on_passes_when_the_next_one_has_it() -> None:
    work = Hearing()
    heard, stuck = audio(), VADUserStoppedSpeakingFrame()
    work.given(heard)
    assert work.made(heard)
    work.given(stuck)
    passes = [work.made(frame) for frame in work.again()]
    assert passes == [False, True]
    # Once it has passed, a third one is given it as what has.
    assert not any(work.made(frame) for frame in work.again())


def test_who_speaks_for_longer_than_is_remembered_speaks_still() -> None:
    work = Hearing()
    work.given(VADUserStartedSpeakingFrame())
    for _ in range(2 * REMEMBERED_MS // 20):
        work.given(audio())
    again = work.again()
    assert isinstance(again[0], VADUserStartedSpeakingFrame)
    assert len(again) == 1 + REMEMBERED_MS // 20


def test_no_more_is_remembered_than_a_long_sentence() -> None:
    work = Hearing()
    for _ in range(2 * REMEMBERED_MS // 20):
        work.given(audio())
    assert len(work.again()) == REMEMBERED_MS // 20


def asked(*, behind: Frame) -> Answering:
    """An LLM that was given a context, and something behind it."""
    work = Answering()
    work.given(LLMContextFrame(LLMContext()))
    work.given(behind)
    return work


def test_what_waits_behind_a_context_is_given_to_the_next_llm_in_order() -> None:
    work = asked(behind=SPEAK)
    work.made(LLMFullResponseStartFrame())
    assert [type(frame) for frame in work.again()] == [LLMContextFrame, TTSSpeakFrame]


@pytest.mark.parametrize("done", [SPEAK, InterruptionFrame()])
def test_what_has_come_out_or_was_interrupted_is_given_to_nobody(done: Frame) -> None:
    work = asked(behind=SPEAK)
    if isinstance(done, InterruptionFrame):
        work.given(done)
        work.made(done)
    else:
        work.made(done)
    assert work.again() == []


@pytest.mark.parametrize("behind", [MetricsFrame(data=[]), LLMUpdateSettingsFrame(settings={})])
def test_what_does_not_wait_or_is_for_one_service_alone_is_not_kept(behind: Frame) -> None:
    assert [type(frame) for frame in asked(behind=behind).again()] == [LLMContextFrame]


def test_of_a_reply_that_broke_off_the_rest_of_the_queue_is_given() -> None:
    work = asked(behind=SPEAK)
    work.made(LLMFullResponseStartFrame())
    work.made(LLMTextFrame("Tea"))
    assert [type(frame) for frame in work.ending()] == [LLMFullResponseEndFrame]
    assert work.again() == [SPEAK]


def test_what_waits_behind_a_reply_is_said_by_the_next_voice_when_that_reply_is_over() -> None:
    work = given_to_a_voice()
    work.given(SPEAK)
    work.made(LLMFullResponseStartFrame())
    work.made(LLMFullResponseEndFrame())
    assert work.waits
    assert [frame.text for frame in work.again() if isinstance(frame, TTSSpeakFrame)] == [
        SPEAK.text
    ]


def test_a_voice_that_has_said_one_thing_still_owes_the_next() -> None:
    work, passing = Speaking(), FunctionCallResultFrame("f", "1", {}, "")
    for frame in (TTSSpeakFrame("Hello."), passing, SPEAK):
        work.given(frame)
    work.made(TTSStartedFrame())
    work.made(TTSTextFrame("Hello.", TextType.WORD))
    work.made(TTSStoppedFrame())
    assert work.waits
    again = work.again()
    assert again[0] is passing
    assert [type(frame) for frame in again] == [FunctionCallResultFrame, TTSSpeakFrame]
    # It passes once.
    work.made(passing)
    assert [type(frame) for frame in work.again()] == [TTSSpeakFrame]

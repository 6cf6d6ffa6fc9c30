"""What the tracker takes from the pipeline, without a client."""

from __future__ import annotations

import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InterruptionFrame,
    LLMAssistantPushAggregationFrame,
    LLMFullResponseEndFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.worker import PipelineParams
from pipecat.tests.utils import SleepFrame, run_test
from pipecat.utils.text.base_text_aggregator import TextType

from bargein.cut import Cut
from bargein.processors.played_audio import HEARD, PlayedAudio

RATE_HZ = 24_000
SECOND = TTSAudioRawFrame(bytes(2 * RATE_HZ), RATE_HZ, 1)


async def passed(*frames: Frame) -> tuple[list[Frame], list[Frame]]:
    """What leaves the tracker, downwards and upwards."""
    spaced = [each for frame in frames for each in (frame, SleepFrame(0.02))]
    down, up = await run_test(
        PlayedAudio(),
        frames_to_send=spaced,
        pipeline_params=PipelineParams(audio_out_sample_rate=RATE_HZ),
    )
    return list(down), list(up)


async def test_audio_of_another_rate_is_named_and_not_played_too_fast() -> None:
    _, up = await passed(TTSStartedFrame(), TTSAudioRawFrame(bytes(640), 16_000, 1))
    errors = [each.error for each in up if isinstance(each, ErrorFrame)]
    assert len(errors) == 1
    assert "16000 Hz" in errors[0]
    assert "24000 Hz" in errors[0]


async def test_an_interruption_of_somebody_elses_leaves_no_audio_behind() -> None:
    text = TTSTextFrame("Wait.", TextType.WORD)
    down, _ = await passed(TTSStartedFrame(), text, SECOND, InterruptionFrame())
    cut = next(each for each in down if isinstance(each, InterruptionFrame)).metadata[HEARD]
    assert isinstance(cut, Cut)
    # Nothing waits any more, so what follows is not held back.
    down, _ = await passed(SECOND, InterruptionFrame(), LLMFullResponseEndFrame())
    assert any(isinstance(each, LLMFullResponseEndFrame) for each in down)


async def test_what_follows_the_last_word_does_not_overtake_it() -> None:
    # The transport would sort by these times: the word has none any more.
    word, commit = TTSTextFrame("Bye.", TextType.WORD), LLMAssistantPushAggregationFrame()
    word.pts, commit.pts = 1, 2
    down, _ = await passed(word, commit)
    left = [each for each in down if each in (word, commit)]
    assert left == [word, commit]
    assert [each.pts for each in left] == [None, None]


@pytest.mark.parametrize("end", [LLMFullResponseEndFrame, LLMAssistantPushAggregationFrame])
async def test_words_of_a_voice_that_failed_were_not_said_and_hold_nothing_up(
    end: type[Frame],
) -> None:
    word, ends, late = TTSTextFrame("Bye.", TextType.WORD), end(), TTSTextFrame("Ah.", "word")
    word.context_id = late.context_id = "reply"
    down, _ = await passed(TTSStartedFrame(), word, ends, late)
    left = [each for each in down if each in (word, ends, late)]
    assert left == [ends]

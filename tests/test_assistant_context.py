"""What an interruption leaves in the context, whenever the listener's last position comes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pipecat.frames.frames import (
    Frame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMUserAggregator
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.tests.utils import SleepFrame, run_test
from pipecat.utils.text.base_text_aggregator import TextType

from bargein.cut import Cut
from bargein.processors.assistant_context import CUT_OFF, NOT_HEARD, AssistantContext
from bargein.processors.played_audio import COMMIT, HEARD

NOTHING = Cut(1, 0, heard="", unheard="one two", remainder="one two", heard_in_reply="", number=1)
ONE = replace(NOTHING, cut_samples=9, heard="one", unheard="two", heard_in_reply="one")
ALL = replace(
    ONE, cut_samples=19, heard="one two", unheard="", remainder="", heard_in_reply="one two"
)

SAID = {
    NOTHING: [("developer", NOT_HEARD)],
    ONE: [("assistant", "one"), ("developer", CUT_OFF.format(word="one"))],
    ALL: [("assistant", "one two")],
}


class Interrupts(FrameProcessor):
    """Stands for the tracker: marks each InterruptionFrame with the next cut, after `early`."""

    def __init__(self, assistant: AssistantContext, cuts: list[Cut], early: list[Cut]) -> None:
        super().__init__()
        self._assistant, self._cuts, self._early = assistant, list(cuts), list(early)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            frame.metadata[HEARD] = self._cuts.pop(0)
            while self._early:
                self._assistant.correct(self._early.pop(0))
        await self.push_frame(frame, direction)


async def left(
    cuts: list[Cut],
    *,
    before: tuple[Frame, ...] = (),
    early: list[Cut] | None = None,
    late: list[Cut] | None = None,
) -> list[tuple[str, str]]:
    """Role and text of the messages: after corrections before the frames, and after them."""
    context = LLMContext()
    assistant = AssistantContext(context, user=LLMUserAggregator(context))
    await run_test(
        Pipeline([Interrupts(assistant, cuts, early or []), assistant]),
        frames_to_send=[
            *before,
            SleepFrame(0.02),
            *(each for _ in cuts for each in (InterruptionFrame(), SleepFrame(0.02))),
        ],
    )
    for each in late or []:
        assistant.correct(each)
    messages: list[Any] = context.messages
    return [(str(each["role"]), str(each["content"])) for each in messages]


@pytest.mark.parametrize("cut", [NOTHING, ONE, ALL])
@pytest.mark.parametrize("really", [NOTHING, ONE, ALL])
async def test_a_correction_holds_whether_it_comes_before_the_interruption_or_after(
    cut: Cut, really: Cut
) -> None:
    assert await left([cut], late=[really]) == SAID[really]
    assert await left([cut], early=[really]) == SAID[really]


async def test_a_correction_can_itself_be_corrected() -> None:
    assert await left([NOTHING], late=[ONE, ALL, ONE]) == SAID[ONE]


async def test_a_correction_changes_no_interruption_but_its_own() -> None:
    second = replace(ONE, number=2)
    assert await left([ALL, second], early=[ONE], late=[replace(ALL, number=2)]) == [
        *SAID[ONE],
        *SAID[ALL],
    ]
    assert await left([ALL, second], late=[ONE]) == [*SAID[ALL], *SAID[ONE]]


async def test_a_message_that_an_interruption_overtakes_is_not_lost() -> None:
    cut = replace(ONE, committed=((1, "Good morning."),))
    assert (await left([cut]))[0] == ("assistant", "Good morning. one")
    assert (await left([cut], late=[ALL]))[0] == ("assistant", "Good morning. one two")


async def test_a_message_that_arrived_before_the_interruption_is_not_told_twice() -> None:
    end = LLMFullResponseEndFrame()
    end.metadata[COMMIT] = 1
    said = (LLMFullResponseStartFrame(), TTSTextFrame("Good morning.", TextType.WORD), end)
    cut = replace(ONE, committed=((1, "Good morning."),))
    assert await left([cut], before=said) == [("assistant", "Good morning."), *SAID[ONE]]

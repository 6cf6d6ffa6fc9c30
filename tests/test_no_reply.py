"""A reply that does not come: the floor is free again in bounded time, and the next turn works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from pipecat.frames.frames import Frame, InterruptionFrame, LLMContextFrame
from pipecat.processors.frame_processor import FrameDirection

from bargein.arbiter import Arbiter, ReportNoReply, ShowFloor
from bargein.cut import Cut
from bargein.floor import Floor, Heard
from bargein.processors import end_of_turn
from bargein.processors.clock import Timer
from bargein.processors.orders import Orders
from bargein.processors.wire import Wire
from bargein.protocol import Error, State
from tests.test_orders import CutAt, Silence
from tests.test_speculation import (
    SPEAKS,
    STOPS,
    Model,
    Room,
    Voice,
    final,
    interim,
    opened,
    silence,
)

NOTHING = Cut(0, 0, heard="", unheard="", remainder="", heard_in_reply="", number=1)
WITHIN_MS = 700


class StoppedClock:
    """Time stands; the timers that run are kept, each with its delay."""

    def __init__(self) -> None:
        self.running: list[tuple[float, Callable[[], None]]] = []

    def now_ms(self) -> float:
        return 0.0

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> Timer:
        alarm = (delay_ms, callback)
        self.running.append(alarm)
        return _Alarm(lambda: self.running.remove(alarm))


class _Alarm:
    def __init__(self, cancel: Callable[[], None]) -> None:
        self.cancel = cancel


def preparing() -> tuple[Orders, StoppedClock, Silence]:
    """Orders for a bot that has a reply to make."""
    clock, link = StoppedClock(), Silence()
    arbiter = Arbiter()
    orders = Orders(
        arbiter=arbiter,
        wire=Wire(link, "s"),
        played_audio=CutAt(NOTHING, reply_open=True),
        resume_phrases=["As I was saying,"],
        clock=clock,
        reply_within_ms=WITHIN_MS,
    )
    orders.carry_out(arbiter.bot(Heard.REPLY_BEGUN, 0))
    return orders, clock, link


def test_a_reply_is_waited_for_only_while_it_is_prepared() -> None:
    orders, clock, _ = preparing()
    ((delay_ms, _),) = clock.running
    assert delay_ms == WITHIN_MS
    orders.do_now(ShowFloor(Floor.SPEAKING))
    assert clock.running == []


def test_a_reply_that_is_late_is_interrupted_and_the_client_is_told() -> None:
    orders, clock, link = preparing()
    ((_, overdue),) = clock.running
    overdue()
    said = [each for each in link.said if isinstance(each, Error | State)]
    assert isinstance(said[-2], Error)
    assert (said[-2].code, said[-2].final) == ("no_reply", False)
    assert said[-1] == State(**{**said[-1].model_dump(), "state": Floor.IDLE})
    assert isinstance(orders.outbox.get_nowait(), InterruptionFrame)
    assert orders.outbox.empty()
    assert clock.running == []


def test_a_reply_that_comes_just_then_is_kept() -> None:
    arbiter = Arbiter(floor=Floor.SPEAKING)
    assert ReportNoReply() not in arbiter.reply_overdue(0)
    assert arbiter.floor is Floor.SPEAKING


class Stalls(Model):
    """Answers nothing at first, and never ends."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Wait until it is interrupted."""
        if isinstance(frame, LLMContextFrame) and len(self.asked) < self._times:
            self.asked.append([str(each["content"]) for each in frame.context.get_messages()])  # type: ignore[index]
            await forever()
        await super().process_frame(frame, direction)


class Mute(Voice):
    """Takes its first text, and makes nothing of it."""

    async def _say(self, text: str) -> None:
        self.given.append(text)
        if len(self.given) == 1:
            await forever()
        await super()._say(text)


async def forever() -> None:
    """Wait for a cancellation."""
    await asyncio.Event().wait()


async def says(room: Room, words: str) -> None:
    """A whole turn, as the recogniser tells it."""
    await room.hear(SPEAKS, interim(words), silence(128), STOPS, final(words), silence(330))


def errors(room: Room) -> list[str]:
    """What the client was told to be wrong."""
    return [each.code for each in room.loudspeaker.said if isinstance(each, Error)]


@pytest.mark.slow
@pytest.mark.pipeline
@pytest.mark.parametrize("enabled", [False, True])
@pytest.mark.parametrize(("model", "voice"), [(Stalls, Voice), (Model, Mute)])
async def test_what_stalls_is_given_up_and_the_next_turn_works(
    model: type[Model], voice: type[Voice], enabled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(end_of_turn, "STALL_S", 0.0)
    stalls = Stalls(1) if model is Stalls else Model()
    async with opened(stalls, voice=voice(), reply_within_ms=WITHIN_MS, enabled=enabled) as room:
        await says(room, "a tea")
        await room.until(lambda: room.interruption.floor is Floor.PROCESSING)
        await room.until(lambda: errors(room) == ["no_reply"])
        assert room.interruption.floor is Floor.IDLE
        assert room.loudspeaker.utterances == []
        await says(room, "a cake")
        await room.until(lambda: room.loudspeaker.utterances)
        assert room.model.asked[-1] == ["a tea", "a cake"]
        assert [text for text in room.messages if "You said a tea" in text] == []

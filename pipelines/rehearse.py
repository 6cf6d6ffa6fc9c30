"""One rehearsal: a config's bot, and a scripted user who talks with it over a simulated network.

The pipeline is the real one, put together as for a browser; only the client is written in
Python, and the loudspeaker, the microphone and the network are numbers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipecat.frames.frames import (
    LLMContextFrame,
    LLMFullResponseStartFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
)
from pipecat.observers.base_observer import BaseObserver, FramePushed
from pipecat.processors.aggregators.llm_context import LLMContext

from bargein.errors import BargeinError, Place
from bargein.ledger.entries import AnyEntry, Line
from bargein.ledger.reporter import Reporter
from bargein.pipelines.load import Config
from bargein.pipelines.preparation import bot_rate_hz
from bargein.pipelines.session import assemble
from bargein.pipelines.shared import NOTHING, Shared
from bargein.processors.provisional_llm import BRANCH
from bargein.rehearsal.expectations import Message
from bargein.rehearsal.moments import Moment, What
from bargein.rehearsal.report import Bot, Report
from bargein.rehearsal.scenario import Written
from bargein.speculation import Outcome as Fate
from bargein.speculation import Resolved
from bargein.transports.local.server import expect_hello
from bargein.transports.local.transport import LocalTransport
from bargein.transports.rehearsal.room import Room
from bargein.transports.rehearsal.voices import background, sound_of


@dataclass(frozen=True, slots=True)
class Play:
    """A scenario, and the config of the bot that it is played with."""

    written: Written
    config: Config
    seed: int | None = None
    """None takes the scenario's own."""
    shared: Shared = NOTHING
    """The servers of the bot's tools, if it has any."""


@dataclass(frozen=True, slots=True)
class Made:
    """A piece of the bot's voice, when the TTS gave it; the first of an utterance says so."""

    at_ms: float
    pcm: bytes
    begins: bool


@dataclass(slots=True)
class Outcome:
    """All that is left of a rehearsal."""

    report: Report
    rate_hz: int
    heard: bytes
    """PCM16 at `rate_hz`."""
    microphone: bytes
    """PCM16 at 16 kHz."""
    made: Sequence[Made]
    context: Sequence[Any] = field(default_factory=list)
    """The LLM's messages at the end."""
    ledger: Sequence[str] = field(default_factory=list)
    """Lines of JSON."""


async def rehearse(play: Play) -> Outcome:
    """Play one scenario; always returns, in bounded time: what fails stands in the report."""
    scenario = play.written.scenario
    rate_hz = bot_rate_hz(play.config)
    seed = scenario.network.seed if play.seed is None else play.seed
    folder = play.written.path.parent
    sounds = [sound_of(act, folder, seed + i) for i, act in enumerate(scenario.user)]
    noise = background(scenario.client.noise, folder, seed)
    room = Room(scenario, sounds, noise=noise, rate_hz=rate_hz, seed=seed)
    tape = Recording(room)
    failure = ""
    living = asyncio.create_task(room.live())
    try:
        await _serve(play, room, tape, rate_hz)
        if not room.line.closed.is_set():
            room.note(Moment(room.now_ms, What.HUNG_UP))
    except BargeinError as error:
        failure = str(error)
    finally:
        room.line.hang_up()
        await living
    return Outcome(
        report=_report(play, room, failure or _unplayed(room, play.written), seed),
        rate_hz=rate_hz,
        heard=bytes(room.tapes.heard),
        microphone=bytes(room.tapes.microphone),
        made=tape.made,
        context=tape.context,
        ledger=tape.ledger,
    )


async def _serve(play: Play, room: Room, tape: Recording, rate_hz: int) -> None:
    """Run the bot until the room hangs up."""
    hello = await expect_hello(room.line)
    transport = LocalTransport(room.line, sample_rate_hz=rate_hz, capabilities=hello.capabilities)
    session = assemble(
        play.config,
        transport=transport,
        link=room.line,
        sample_rate_hz=rate_hz,
        client_has_vad=hello.capabilities.vad,
        ledger=tape,
        reporters=[Fates(room)],
        shared=play.shared,
    )
    session.worker.add_observer(tape)
    room.context = lambda: _messages(session.context)
    room.at_end = lambda: tape.keep(session.context)
    await session.run(until=room.line.closed, greet_after=transport.microphone_heard)


def _messages(context: LLMContext) -> list[Message]:
    """The context's messages that are text."""
    held: list[Any] = [each for each in context.messages if isinstance(each, dict)]
    return [Message(str(each["role"]), _text(each.get("content"))) for each in held]


def _text(content: object) -> str:
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _report(play: Play, room: Room, failure: str, seed: int) -> Report:
    config = play.config
    return Report(
        scenario=room.scenario.name,
        file=str(play.written.path),
        bot=Bot(config.name, str(config.path), config.short_digest),
        seed=seed,
        duration_ms=room.played_ms,
        stalled_ms=room.stalled_ms,
        failure=failure,
        places=play.written.places,
        findings=tuple(room.findings),
        moments=tuple(sorted(room.moments, key=lambda moment: moment.at_ms)),
    )


def _unplayed(room: Room, written: Written) -> str:
    """Say which act never began."""
    if not room.waits_for:
        return ""
    begun = sum(moment.what in (What.USER_STARTED, What.SENT) for moment in room.moments)
    place: Place = written.act_places[begun]
    return f"{place}: user[{begun}] never began: it waited for {room.waits_for}"


class Fates(Reporter):
    """Notes what became of replies that were prepared."""

    def __init__(self, room: Room) -> None:
        """Note it in this room."""
        self._room = room

    def resolved(self, resolved: Resolved) -> None:
        """A prediction is over."""
        text, outcome = resolved.prediction.text, resolved.outcome
        what = What.CONFIRMED if outcome is Fate.CONFIRMED else What.DROPPED
        reason = "" if what is What.CONFIRMED else str(outcome)
        self._room.note(Moment(self._room.now_ms, what, text=text, reason=reason))


class Recording(BaseObserver):
    """Keeps what the TTS makes, and when; the ledger; and the context as it was at the end."""

    def __init__(self, room: Room) -> None:
        """Note in this room when an utterance begins to be made."""
        super().__init__()
        self.made: list[Made] = []
        self.context: list[Any] = []
        self.ledger: list[str] = []
        self._room = room
        self._begins = False

    def write(self, entry: AnyEntry) -> None:
        """Keep a line of the ledger."""
        self.ledger.append(Line.write(entry))

    def keep(self, context: LLMContext) -> None:
        """Keep the messages, as plain data."""
        self.context = json.loads(json.dumps(context.messages, default=str))

    async def on_push_frame(self, data: FramePushed) -> None:
        """Look at a frame where it is pushed first."""
        if not data.first_push:
            return
        match data.frame:
            case LLMContextFrame(context=context) if BRANCH in data.frame.metadata:
                text = _messages(context)[-1].text
                self._room.note(Moment(self._room.now_ms, What.PREDICTED, text=text))
            case LLMFullResponseStartFrame():
                self._room.note(Moment(self._room.now_ms, What.ASKED))
            case TTSStartedFrame():
                self._begins = True
                self._room.note(Moment(self._room.now_ms, What.MADE))
            case TTSAudioRawFrame(audio=pcm):
                self.made.append(Made(self._room.now_ms, pcm, self._begins))
                self._begins = False

"""The server that ships, driven by hand: gateway, arbiter, orders, wire, tracker and playout.

Only what stands around them is played here: the queue between two processors, the VAD's
probabilities, the end of a turn, and the context, which keeps what it was told.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from pipecat.frames.frames import (
    Frame,
    InputTransportMessageFrame,
    InterruptionFrame,
    LLMRunFrame,
    TTSSpeakFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection

from bargein.arbiter import Arbiter
from bargein.cut import Cut, LastCut
from bargein.packet import Packet
from bargein.playout import Playout
from bargein.processors.clock import Clock
from bargein.processors.floor_frames import (
    ClientLostFrame,
    FloorTakenFrame,
    SpeechWindowFrame,
    WordsDroppedFrame,
)
from bargein.processors.interruption import Interruption
from bargein.processors.played_audio import HEARD, PlayedAudio
from bargein.processors.wire import Wire
from bargein.protocol import Accepted, Codec, Message, Welcome
from bargein.voice_activity import Change, VoiceActivity, VoiceRules
from tests.fire.bot import PART, RATE_HZ, Bot, Speech
from tests.fire.hand_clock import Alarm, HandClock, run_now

WIRE_SILENT_MS = 1000
MOST_PIPELINE_MS = 60
"""An InterruptionFrame takes so long at the most until it has passed the tracker."""
TURN_PAUSE_MS = 400
MOST_REPLY_MS = 300


class HandPlayout(Playout[Frame]):
    """The playout, which notes when it takes something as heard."""

    assumed = False

    def assume_played(self, now_ms: float) -> bool:
        assumed = super().assume_played(now_ms)
        self.assumed = self.assumed or assumed
        return assumed


class HandTracker(PlayedAudio):
    """The tracker without a task: whoever lets time pass calls `pace` when it is due."""

    def __init__(self, released: Callable[[Frame], None], clock: Clock) -> None:
        super().__init__()
        self._released = released
        self._playout: Playout[Frame] = HandPlayout(rate_hz=RATE_HZ, lead_ms=self._lead_ms)
        self.parts: dict[int, int] = {}
        """Which part of the bot's speech an utterance is."""

    async def push_frame(
        self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM
    ) -> None:
        self._released(frame)

    async def broadcast_frame(self, frame_cls: Any, **kwargs: Any) -> None:
        pass

    def give(self, frame: Frame) -> None:
        """A frame of the TTS's, or an interruption, comes down the pipeline."""
        if isinstance(frame, InterruptionFrame):
            run_now(self._pass_interruption(frame))
        else:
            run_now(self.process_frame(frame, FrameDirection.DOWNSTREAM))
        if PART in frame.metadata:
            self.parts.setdefault(self.newest, frame.metadata[PART])

    @property
    def is_woken(self) -> bool:
        return self._wake.is_set()

    @property
    def assumed(self) -> bool:
        """Something was taken as heard, since the listener was silent for so long."""
        return isinstance(self._playout, HandPlayout) and self._playout.assumed

    @property
    def last_cut(self) -> LastCut | None:
        return self._playout._last_cut

    @property
    def queued(self) -> list[int]:
        return [each.id for each in self._playout._queue]

    @property
    def newest(self) -> int:
        return self._playout._next_id - 1


class HandGateway(Interruption):
    """The gateway without a task: its frames are taken from it."""

    def __init__(self) -> None:
        super().__init__(resume_phrases=["As I was saying,"])

    async def push_frame(
        self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM
    ) -> None:
        pass

    def hear_message(self, text: str) -> None:
        frame = InputTransportMessageFrame(message=json.loads(text))
        run_now(self.process_frame(frame, FrameDirection.DOWNSTREAM))

    def lose_client(self) -> None:
        run_now(self.process_frame(ClientLostFrame(), FrameDirection.DOWNSTREAM))

    def hear_evidence(self, frame: Frame) -> None:
        run_now(self.process_frame(frame, FrameDirection.UPSTREAM))

    def take(self) -> list[Frame]:
        frames = []
        while not self._orders.outbox.empty():
            frames.append(self._orders.outbox.get_nowait())
        return frames

    @property
    def arbiter(self) -> Arbiter:
        return self._arbiter


@dataclass
class Link:
    """Where messages and audio leave."""

    send_data: Callable[[str | bytes], None]
    told: Callable[[Message], None]

    def send(self, message: Message) -> None:
        self.told(message)
        self.send_data(Codec.write(message))

    def send_audio(self, packet: Packet) -> None:
        self.send_data(packet.pack())


class Server:
    """One session."""

    def __init__(
        self, clock: HandClock, random: Random, send: Callable[[str | bytes], None]
    ) -> None:
        self.clock, self.random = clock, random
        self.wire = Wire(Link(send, self._note), "fire")
        self.gateway = HandGateway()
        self.tracker = HandTracker(self._release, clock)
        self.bot = Bot(clock, random, self._give)
        self.contexts: dict[int, str] = {}
        """What the context holds of the reply that a cut ended, by the cut's number."""
        self.dropped: dict[int, int] = {}
        """For each epoch that began with a cut: the newest utterance that it dropped."""
        self.turn_open = False
        self.words = ""
        self._voice = VoiceActivity(VoiceRules())
        self._wire_silent: Alarm | None = None
        self._pace_due: Alarm | None = None
        self._frame_due_ms = 0.0
        self.tracker.attach(wire=self.wire, ears=self.gateway, clock=clock)
        self.gateway.attach(
            wire=self.wire,
            played_audio=self.tracker,
            welcome=Welcome(session="fire", sample_rate_hz=RATE_HZ),
            min_speech_duration_ms=150,
            correct=self._correct,
            clock=clock,
        )

    @property
    def arbiter(self) -> Arbiter:
        return self.gateway.arbiter

    def _note(self, message: Message) -> None:
        if isinstance(message, Accepted):
            self.dropped.setdefault(message.epoch, self.tracker.newest)

    # --- what comes ---------------------------------------------------------------------

    def receive(self, data: str | bytes) -> None:
        """A message, or a packet of the microphone whose first sample tells the probability."""
        if isinstance(data, str):
            self.gateway.hear_message(data)
        else:
            self._hear_window(Packet.unpack(data).pcm[0] / 100)
        self.settle()

    def lose_client(self) -> None:
        """Its connection is closed, and all that came by it is here."""
        self.gateway.lose_client()
        self.settle()

    def _hear_window(self, probability: float) -> None:
        change = self._voice.window(probability)
        self._tell_window(probability)
        if change is Change.STARTED:
            self.gateway.hear_evidence(VADUserStartedSpeakingFrame())
        elif change is Change.STOPPED:
            self._stopped()
        if self._wire_silent:
            self._wire_silent.cancel()
        self._wire_silent = self.clock.call_later(WIRE_SILENT_MS, self._silent_wire)

    def _silent_wire(self) -> None:
        if self._voice.silent_wire() is Change.STOPPED:
            self._stopped()
        self._tell_window(0)

    def _tell_window(self, probability: float) -> None:
        speech_ms, silence_ms = self._voice.speech_ms, self._voice.silence_ms
        self.gateway.hear_evidence(
            SpeechWindowFrame(probability=probability, speech_ms=speech_ms, silence_ms=silence_ms)
        )

    def _stopped(self) -> None:
        self.gateway.hear_evidence(VADUserStoppedSpeakingFrame())
        self.clock.call_later(TURN_PAUSE_MS, self._end_turn)

    # --- the user's turn -----------------------------------------------------------------

    def hear_words(self, text: str, *, final: bool) -> None:
        """The recogniser says something."""
        self.words = text
        self.gateway.words(text, final=final)
        self.settle()

    def hear_late_words(self) -> None:
        """Words come for which no turn is open."""
        self.gateway.speech_from_words()
        self.settle()

    def _end_turn(self) -> None:
        if not self.turn_open or self._voice.speaking:
            return
        self.turn_open = False
        has_words, self.words = bool(self.words), ""
        self.gateway.turn_ended(has_words=has_words)
        if has_words:
            delay_ms = self.random.uniform(0, MOST_REPLY_MS)
            self.clock.call_later(delay_ms, self._reply)

    def _reply(self) -> None:
        self.bot.say(Speech(utterances=((2, 3, 2), (3, 2))))

    # --- the pipeline --------------------------------------------------------------------

    def interrupt(self) -> None:
        """Somebody else in the pipeline interrupts the bot."""
        self._deliver(InterruptionFrame())

    def settle(self) -> None:
        """Take what was ordered on its way, and pace what was woken."""
        for frame in self.gateway.take():
            self._queue(frame)
        if self.tracker.is_woken:
            self.pace()

    def pace(self) -> None:
        wait_ms = run_now(self.tracker.pace())
        if self._pace_due:
            self._pace_due.cancel()
        self._pace_due = None if wait_ms is None else self.clock.call_later(wait_ms, self.pace)
        self.settle()

    def _queue(self, frame: Frame) -> None:
        """Frames take their time, and keep their order."""
        late_ms = self.random.uniform(0, MOST_PIPELINE_MS)
        self._frame_due_ms = max(self._frame_due_ms, self.clock.now_ms() + late_ms)
        self.clock.call_later(
            self._frame_due_ms - self.clock.now_ms(), lambda: self._deliver(frame)
        )

    def _deliver(self, frame: Frame) -> None:
        match frame:
            case InterruptionFrame():
                self.bot.stop()
                self._give(frame)
            case FloorTakenFrame():
                self.turn_open = True
                if not self._voice.speaking:
                    self.clock.call_later(TURN_PAUSE_MS, self._end_turn)
            case WordsDroppedFrame():
                self.words = ""
            case TTSSpeakFrame():
                self.bot.say_text(frame.text)
            case LLMRunFrame():
                self._reply()
        self.settle()

    def _give(self, frame: Frame) -> None:
        self.tracker.give(frame)
        self.settle()

    def _release(self, frame: Frame) -> None:
        if isinstance(frame, InterruptionFrame):
            cut = frame.metadata.get(HEARD)
            if isinstance(cut, Cut):
                self.contexts.setdefault(cut.number, cut.heard_in_reply)

    def _correct(self, cut: Cut) -> None:
        self.contexts[cut.number] = cut.heard_in_reply

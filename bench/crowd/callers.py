"""The callers: each listens, and speaks over its bot now and then.

What they say is rendered once. A caller's loudspeaker is a clock: what has come of the bot's
voice counts as played as time passes. Callers of both kinds keep the same times; they differ
only in what their protocol makes them send.
"""

from __future__ import annotations

import heapq
import json
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bargein.packet import Flag, Kind, Packet
from bench.crowd.line import Line
from bench.crowd.sounds import RATE_HZ, onset_window, protobuf_audio, silence, speech

BOT_RATE_HZ = 24_000
BYTES_PER_SAMPLE = 2
FIRST_WORDS_AFTER_S = (1.0, 3.0)
"""Over the bot, after so much of what it says was heard; drawn anew each time."""
FIRST_TIME_AFTER_S = (0.5, 3.0)
TIRED_OF_WAITING_S = 6.0
"""Who hears nothing for so long says it again."""
REPORT_EVERY_WINDOWS = 6
REPEAT_EVERY_WINDOWS = 3


@dataclass(slots=True)
class Caller:
    """What all callers do; `chunk_samples` is what the microphone sends at once."""

    line: Line
    rng: random.Random
    chunk_samples: int
    now_s: float = 0.0
    """When this step is due: what is sent in it is sent then."""
    talks: bool = True
    heard_s: float = 0.0
    """How much of the bot's voice was played since the caller spoke last."""
    waits_s: float = 0.0
    steps: int = 0
    unplayed_samples: int = 0
    _says: Sequence[bytes] = ()
    _said: int = 0
    _speaks_after_s: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin at odds with the others: all were called at once."""
        self._speaks_after_s = self.rng.uniform(*FIRST_TIME_AFTER_S)
        self.waits_s = self.rng.uniform(0.0, TIRED_OF_WAITING_S)

    @property
    def chunk_s(self) -> float:
        """The time between two steps."""
        return self.chunk_samples / RATE_HZ

    def step(self) -> None:
        """Play a chunk's time, and send a chunk of the microphone."""
        self._play()
        if self._said < len(self._says):
            pcm = self._says[self._said]
            self._said += 1
        else:
            pcm = silence(self.chunk_samples)[self.steps % len(silence(self.chunk_samples))]
            self._maybe_speak()
        self.send_chunk(pcm)
        self.steps += 1

    def _play(self) -> None:
        played = min(self.unplayed_samples, round(self.chunk_s * BOT_RATE_HZ))
        self.unplayed_samples -= played
        if played:
            self.heard_s += self.chunk_s
            self.waits_s = 0.0
            self.on_played(played)
        else:
            self.waits_s += self.chunk_s

    def _maybe_speak(self) -> None:
        bored = self.waits_s > TIRED_OF_WAITING_S
        if not self.talks or not (self.heard_s >= self._speaks_after_s or bored):
            return
        self._says, self._said = speech(self.chunk_samples), 0
        self.heard_s = self.waits_s = 0.0
        self._speaks_after_s = self.rng.uniform(*FIRST_WORDS_AFTER_S)

    @property
    def saying(self) -> int:
        """Index of the chunk that was taken last of what is being said, or -1."""
        return self._said - 1 if self._said < len(self._says) else -1

    def send_chunk(self, pcm: bytes) -> None:
        """Send a chunk of the microphone."""
        raise NotImplementedError

    def on_played(self, samples: int) -> None:
        """So much more was played."""

    def take(self, data: str | bytes) -> None:
        """Take what the bot sends."""
        raise NotImplementedError


@dataclass(slots=True)
class OurCaller(Caller):
    """A client of bargein/1 with a VAD: it mutes by itself, and tells what was played."""

    epoch: int = 0
    utterance: int = 0
    played: int = 0
    totals: dict[int, int] = field(default_factory=dict)
    """Samples that came of each utterance that was not played to its end."""
    ended: set[int] = field(default_factory=set)
    muted: bool = False
    _seq: int = 0

    def send_chunk(self, pcm: bytes) -> None:
        """Send a window, and what goes with it."""
        start = self.steps * self.chunk_samples
        packet = Packet(Kind.MICROPHONE, self.epoch, 0, start, pcm)
        self.line.put(self.now_s, packet.pack())
        if self.saying == onset_window() and self.totals and not self.muted:
            self.muted = True
            self.line.detected(self.now_s)
            self._truncate()
        elif self.muted and self.steps % REPEAT_EVERY_WINDOWS == 0:
            self._truncate()
        elif self.utterance and self.steps % REPORT_EVERY_WINDOWS == 0:
            self._report()

    def on_played(self, samples: int) -> None:
        """Move on within the utterance, or to the next."""
        self.utterance = min(self.totals, default=0)
        self.played += samples
        while self.utterance in self.ended and self.played >= self.totals[self.utterance]:
            self.played -= self.totals[self.utterance]
            self._say_played(self.totals.pop(self.utterance))
            self.utterance = min(self.totals, default=0)
        self._count_unplayed()

    def take(self, data: str | bytes) -> None:
        """Take audio of the present epoch, and verdicts."""
        if isinstance(data, bytes):
            packet = Packet.unpack(data)
            if packet.epoch >= self.epoch:
                self.totals[packet.utterance] = packet.start_sample + packet.samples
                if Flag.LAST in packet.flags:
                    self.ended.add(packet.utterance)
                self._count_unplayed()
            return
        self._take_message(json.loads(data))

    def _take_message(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "bargein/welcome":
                self.epoch = message["epoch"]
            case "bargein/accepted":
                self.epoch, self.muted = message["epoch"], False
                self.totals.clear()
                self.played = self.utterance = 0
            case "bargein/rejected" | "bargein/ignored":
                self.epoch, self.muted = message["epoch"], False
            case "bargein/contested":
                self.muted = True
        self._count_unplayed()

    def _count_unplayed(self) -> None:
        self.unplayed_samples = 0 if self.muted else sum(self.totals.values()) - self.played

    def _truncate(self) -> None:
        self._message(
            "truncate",
            utterance=self.utterance or min(self.totals, default=0),
            played_samples=self.played,
            probability=0.9,
            window_index=self.steps,
            detected=True,
        )

    def _report(self) -> None:
        if self.utterance in self.totals:
            self._message("played", utterance=self.utterance, played_samples=self.played)

    def _say_played(self, total: int) -> None:
        self._message(
            "played",
            utterance=self.utterance,
            played_samples=total,
            finished=True,
        )

    def _message(self, name: str, **fields: object) -> None:
        self._seq += 1
        value = {"type": f"bargein/{name}", "v": 1, "seq": self._seq, "epoch": self.epoch}
        self.line.put(self.now_s, json.dumps(value | fields))


@dataclass(slots=True)
class RawCaller(Caller):
    """A client of stock Pipecat that sends PCM, and drops what it has at the mark."""

    def send_chunk(self, pcm: bytes) -> None:
        """Send a chunk."""
        self.line.put(self.now_s, pcm)

    def take(self, data: str | bytes) -> None:
        """Count audio."""
        if data == b"!":
            self.unplayed_samples = 0
        else:
            self.unplayed_samples += len(data) // BYTES_PER_SAMPLE


@dataclass(slots=True)
class ProtobufCaller(Caller):
    """A client of stock Pipecat with Pipecat's own messages."""

    def send_chunk(self, pcm: bytes) -> None:
        """Send a chunk."""
        self.line.put(self.now_s, protobuf_audio(pcm))

    def take(self, data: str | bytes) -> None:
        """Count audio."""
        from pipecat.frames.protobufs import frames_pb2

        frame = frames_pb2.Frame.FromString(data)  # type: ignore[attr-defined]
        match frame.WhichOneof("frame"):
            case "audio":
                self.unplayed_samples += len(frame.audio.audio) // BYTES_PER_SAMPLE
            case "interruption":
                self.unplayed_samples = 0


CALLERS: dict[str, Callable[[Line, random.Random], Caller]] = {
    "bargein": lambda line, rng: OurCaller(line, rng, chunk_samples=512),
    "stock": lambda line, rng: ProtobufCaller(line, rng, chunk_samples=320),
    "stock-best": lambda line, rng: RawCaller(line, rng, chunk_samples=320),
}


class Crowd:
    """All callers: what is outside of the bots."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.callers: list[Caller] = []
        self.heard: deque[tuple[int, str | bytes]] = deque()
        """What bots have sent and no caller has taken yet."""
        self._due: list[tuple[float, int]] = []

    def add(self, caller: Caller, now_s: float) -> None:
        """Another caller begins, at any moment within a chunk."""
        self.callers.append(caller)
        begin_s = now_s + caller.rng.uniform(0, caller.chunk_s)
        heapq.heappush(self._due, (begin_s, len(self.callers) - 1))

    def next_s(self) -> float:
        """When the next of them sends something."""
        return self._due[0][0] if self._due else float("inf")

    def act(self, now_s: float) -> None:
        """Let everybody take what came and send what is due; nobody skips a chunk."""
        while self.heard:
            at, data = self.heard.popleft()
            self.callers[at].take(data)
        while self._due and self._due[0][0] <= now_s:
            due_s, at = self._due[0]
            caller = self.callers[at]
            caller.now_s = due_s
            caller.step()
            heapq.heapreplace(self._due, (due_s + caller.chunk_s, at))

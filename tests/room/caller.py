"""A client of bargein/1 for tests: a microphone that follows a script, a loudspeaker with a tape.

It runs in real time over a real WebSocket, in steps of one window (32 ms). Its VAD is
the server's model with a state of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bargein.packet import Flag, Kind, Packet
from bargein.processors.clock import monotonic_ms
from bargein.processors.silero import Silero
from bargein.protocol import (
    MICROPHONE_RATE_HZ,
    WINDOW_SAMPLES,
    Accepted,
    Capabilities,
    ClientMessage,
    Codec,
    Contested,
    Hello,
    Ignored,
    Played,
    Rejected,
    ServerMessage,
    SpokenWord,
    State,
    Truncate,
    Welcome,
    Words,
)

M = TypeVar("M")
STEP_S = WINDOW_SAMPLES / MICROPHONE_RATE_HZ
BOUND_S = 20.0
REPEAT_STEPS = 3


@dataclass
class Voice:
    """An utterance as the loudspeaker has it."""

    pcm: bytearray = field(default_factory=bytearray)
    total: int | None = None
    played: int = 0


class Caller:
    """Use as `async with Caller(url) as caller`; then speak with `say`, wait with `until`."""

    def __init__(
        self, url: str, *, threshold: float | None = None, vad: bool = True, duck: bool = False
    ) -> None:
        """A threshold of None takes the server's; without a VAD it never mutes by itself.

        One that ducks plays on, softly, where another is mute.
        """
        self.url, self.threshold, self.vad, self.duck = url, threshold, vad, duck
        self.epoch = 0
        self.muted = False
        self.voices: dict[int, Voice] = {}
        self.tape: dict[int, bytearray] = {}
        self.received: list[ServerMessage] = []
        self.truncates: list[Truncate] = []
        self.probabilities: list[float] = []
        self._seq = 0
        self._steps = 0
        self._current = 0
        self._microphone = np.zeros(0, dtype=np.int16)
        self._news = asyncio.Event()
        self._silero = Silero()
        self._speech = False
        self._low = 0
        self._later: list[Packet] = []
        self._noise = np.random.default_rng(7)

    async def __aenter__(self) -> Caller:
        """Connect, say hello, and wait for the welcome."""
        self.socket: ClientConnection = await connect(self.url)
        self._tasks = [asyncio.create_task(self._read())]
        await self.send(Hello(capabilities=Capabilities(vad=self.vad, exact_playout=True)))
        self.welcome = await self.until_message(Welcome)
        self.epoch = self.welcome.epoch
        self.rate_hz = self.welcome.sample_rate_hz
        if self.threshold is None:
            self.threshold = self.welcome.probability_threshold
        self._tasks.append(asyncio.create_task(self._live()))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.socket.close()

    # --- what a test does --------------------------------------------------------------

    def say(self, samples: np.ndarray, *, after_s: float = 0.0) -> None:
        """Speak into the microphone, after so much silence."""
        silence = np.zeros(int(after_s * MICROPHONE_RATE_HZ), dtype=np.int16)
        self._microphone = np.concatenate([self._microphone, silence, samples])

    async def until(self, holds: Callable[[], bool], *, within_s: float = BOUND_S) -> None:
        """Wait until something holds; TimeoutError with what was received otherwise."""
        try:
            async with asyncio.timeout(within_s):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            shown = [m for m in self.received if m.type != "bargein/words"][-12:]
            raise TimeoutError(f"it did not come true; last received: {shown}") from None

    async def until_message(self, kind: type[M], *, count: int = 1, within_s: float = BOUND_S) -> M:
        """Wait for the `count`-th message of a kind, and give it."""
        await self.until(lambda: len(self.messages(kind)) >= count, within_s=within_s)
        return self.messages(kind)[count - 1]

    def messages(self, kind: type[M]) -> list[M]:
        """All messages of a kind so far."""
        return [each for each in self.received if isinstance(each, kind)]

    def floors(self) -> list[str]:
        """The floor's states so far."""
        return [str(each.state) for each in self.messages(State)]

    def played_ms(self, utterance: int) -> float:
        """How much of an utterance was heard."""
        return len(self.tape.get(utterance, b"")) / 2 * 1000 / self.rate_hz

    async def send(self, message: ClientMessage) -> None:
        """Send a message under the present epoch."""
        self._seq += 1
        stamped = message.model_copy(update={"seq": self._seq, "epoch": self.epoch})
        await self.socket.send(Codec.write(stamped))

    # --- the loudspeaker ----------------------------------------------------------------

    async def _read(self) -> None:
        try:
            async for data in self.socket:
                if isinstance(data, str):
                    await self._take(Codec.read_server(data))
                else:
                    self._take_packet(Packet.unpack(data))
                self._news.set()
        except ConnectionClosed:
            self._news.set()

    def _take_packet(self, packet: Packet) -> None:
        if packet.epoch > self.epoch:
            self._later.append(packet)
            return
        if packet.epoch < self.epoch:
            return
        voice = self.voices.setdefault(packet.utterance, Voice())
        have = len(voice.pcm) // 2
        assert packet.start_sample <= have, "a gap in the bot's voice"
        voice.pcm += packet.pcm[(have - packet.start_sample) * 2 :]
        if Flag.LAST in packet.flags:
            voice.total = packet.start_sample + packet.samples

    async def _take(self, message: ServerMessage) -> None:
        if isinstance(message, Accepted | Rejected) and message.epoch <= self.epoch:
            return  # a verdict sent again
        self.received.append(message)
        match message:
            case Accepted():
                self.epoch, self.muted = message.epoch, False
                if self._current in self.voices:
                    await self._report(finished=False)
                self.voices.clear()
            case Rejected():
                self.epoch, self.muted = message.epoch, False
            case Ignored():
                self.muted = False
            case Contested() if not self.muted:
                self.muted = True
                await self._truncate(0.0, detected=False)
        later, self._later = self._later, []
        for packet in later:
            self._take_packet(packet)

    async def _play(self) -> None:
        want = int(self.rate_hz * STEP_S)
        while want and (self.duck or not self.muted) and self.voices:
            self._current = min(self.voices)
            voice = self.voices[self._current]
            pcm = voice.pcm[voice.played * 2 : (voice.played + want) * 2]
            self.tape.setdefault(self._current, bytearray()).extend(pcm)
            voice.played += len(pcm) // 2
            want -= len(pcm) // 2
            if voice.total is not None and voice.played >= voice.total:
                await self._report(finished=True)
                del self.voices[self._current]
            elif not pcm:
                return

    async def _report(self, *, finished: bool) -> None:
        played = self.voices[self._current].played
        await self.send(Played(utterance=self._current, played_samples=played, finished=finished))

    # --- the microphone -----------------------------------------------------------------

    async def _live(self) -> None:
        start_ms = monotonic_ms()
        while True:
            await self._hear()
            await self._play()
            if self._steps % 6 == 0 and self.voices and self._current in self.voices:
                await self._report(finished=False)
            self._steps += 1
            self._news.set()
            due_ms = start_ms + self._steps * STEP_S * 1000
            await asyncio.sleep(max(0.0, (due_ms - monotonic_ms()) / 1000))

    async def _hear(self) -> None:
        window, self._microphone = np.split(self._microphone, [WINDOW_SAMPLES])
        heard = np.zeros(WINDOW_SAMPLES, dtype=np.int16)
        heard[: len(window)] = window
        hiss = self._noise.integers(-3, 4, WINDOW_SAMPLES).astype(np.int16)
        pcm = (heard + hiss).astype("<i2").tobytes()
        start = self._steps * WINDOW_SAMPLES
        await self.socket.send(Packet(Kind.MICROPHONE, self.epoch, 0, start, pcm).pack())
        probability = self._silero.probability(pcm)
        self.probabilities.append(probability)
        await self._decide(probability)

    async def _decide(self, probability: float) -> None:
        assert self.threshold is not None
        if probability >= self.threshold:
            onset, self._speech, self._low = not self._speech, True, 0
            if onset and self.vad and self.voices and not self.muted:
                self.muted = True
                await self._truncate(probability, detected=True)
                return
        elif probability < self.threshold - 0.15:
            self._low += 1
            if self._low >= 6:
                self._speech = False
        if self.muted and self._steps % REPEAT_STEPS == 0:
            await self._truncate(probability, detected=self.vad)

    async def _truncate(self, probability: float, *, detected: bool) -> None:
        current = min(self.voices, default=self._current)
        voice = self.voices.get(current, Voice())
        message = Truncate(
            utterance=current,
            played_samples=voice.played,
            probability=probability,
            window_index=self._steps,
            detected=detected,
        )
        self.truncates.append(message)
        await self.send(message)


def heard_words(caller: Caller, utterance: int) -> str:
    """What the listener's own tape says was heard of an utterance."""
    words: dict[int, SpokenWord] = {}
    for message in caller.messages(Words):
        if message.utterance == utterance:
            words.update(enumerate(message.words, start=message.first_word))
    played = len(caller.tape.get(utterance, b"")) // 2
    return " ".join(
        words[i].text
        for i in sorted(words)
        if 2 * played > words[i].start_sample + words[i].end_sample
    )

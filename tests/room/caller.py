"""A client of bargein/1 for tests: a microphone that follows a script, a loudspeaker with a tape.

It runs in real time over a real WebSocket, in steps of one window (32 ms); what it says and
plays is decided by the pure `bargein.client`. Its VAD is the server's model
with a state of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import numpy as np
import soxr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bargein.client.client import Client, ClientSettings
from bargein.client.engine import QUANTUM_SAMPLES
from bargein.client.events import Sounded
from bargein.packet import BYTES_PER_SAMPLE
from bargein.processors.clock import monotonic_ms
from bargein.processors.silero import Silero
from bargein.protocol import (
    MICROPHONE_RATE_HZ,
    WINDOW_SAMPLES,
    Accepted,
    Codec,
    Rejected,
    ServerMessage,
    SpokenWord,
    State,
    Truncate,
    Welcome,
    Words,
)
from bargein.sound import first_sound

M = TypeVar("M")
STEP_S = WINDOW_SAMPLES / MICROPHONE_RATE_HZ
BOUND_S = 20.0
HISS = 3
"""The microphone's noise, as PCM16."""
LEAK_DELAY_SAMPLES = 2048
"""What sounds is in the microphone 128 ms later: buffers of loudspeaker and microphone."""


class Caller:
    """Use as `async with Caller(url) as caller`; then speak with `say`, wait with `until`."""

    def __init__(
        self,
        url: str,
        *,
        threshold: float | None = None,
        vad: bool = True,
        duck: bool = False,
        leak_db: float | None = None,
    ) -> None:
        """A threshold of None takes the server's; without a VAD it never mutes by itself.

        One that ducks plays on, softly, where another is mute. Where it leaks the microphone
        hears the loudspeaker, softer by so much (-20 is a phone on a table).
        """
        self.url = url
        self.client = Client(
            ClientSettings(
                vad=vad,
                overlap="duck" if duck else "mute",
                # The tape is compared with what was made.
                duck_on_hint=False,
                threshold=threshold,
            )
        )
        self.tape: dict[int, bytearray] = {}
        self.stretches: list[tuple[int, int, bytes]] = []
        """What sounded, piece by piece: utterance, first sample, PCM16."""
        self.heard_ms: dict[int, float] = {}
        """When each utterance was heard first, by the clock."""
        self.received: list[ServerMessage] = []
        self.truncates: list[Truncate] = []
        self._steps = 0
        self._microphone = np.zeros(0, dtype=np.int16)
        self._news = asyncio.Event()
        self._sending = asyncio.Lock()
        self._silero = Silero()
        self._noise = np.random.default_rng(7)
        self._leak = 0.0 if leak_db is None else 10 ** (leak_db / 20)
        self._leaked = np.zeros(LEAK_DELAY_SAMPLES)

    async def __aenter__(self) -> Caller:
        """Connect, say hello, and wait for the welcome."""
        self.socket: ClientConnection = await connect(self.url)
        self._tasks = [asyncio.create_task(self._read())]
        self.client.connect(monotonic_ms())
        await self._send()
        self.welcome = await self.until_message(Welcome)
        self.rate_hz = self.welcome.sample_rate_hz
        self._air = soxr.ResampleStream(self.rate_hz, MICROPHONE_RATE_HZ, 1, dtype="float32")
        self._tasks.append(asyncio.create_task(self._live()))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.socket.close()

    # --- a line that is cut -----------------------------------------------------------

    def drop(self) -> None:
        """The line is cut, without a goodbye."""
        self._tasks[0].cancel()
        self.client.disconnect(monotonic_ms())
        self.socket.transport.abort()

    async def come_back(self) -> Welcome:
        """Connect again, and wait for the welcome."""
        welcomes = len(self.messages(Welcome))
        self.socket = await connect(self.url)
        self._tasks[0] = asyncio.create_task(self._read())
        self.client.connect(monotonic_ms())
        await self._send()
        return await self.until_message(Welcome, count=welcomes + 1)

    async def rest(self, seconds: float) -> None:
        """Let so much time pass."""
        end_ms = monotonic_ms() + seconds * 1000
        await self.until(lambda: monotonic_ms() >= end_ms, within_s=seconds + 5)

    # --- what a test does --------------------------------------------------------------

    @property
    def voices(self) -> list[int]:
        """The utterance that plays or is the next to, if any."""
        return [self.client.position[0]] if self.client.playing else []

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

    # --- the wire -----------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            async for data in self.socket:
                self._take(data)
                await self._send()
                self._news.set()
        except ConnectionClosed:
            self._news.set()

    def _take(self, data: str | bytes) -> None:
        known = self.client.epoch
        self.client.receive(data, monotonic_ms())
        if isinstance(data, bytes):
            return
        message = Codec.read_server(data)
        said_again = isinstance(message, Accepted | Rejected) and message.epoch <= known
        if not said_again:
            self.received.append(message)

    async def _send(self) -> None:
        async with self._sending:
            for data in self.client.take():
                if isinstance(data, str):
                    message = Codec.read_client(data)
                    if isinstance(message, Truncate):
                        self.truncates.append(message)
                # What is said to a line that is cut is lost.
                with suppress(ConnectionClosed):
                    await self.socket.send(data)

    # --- ear and loudspeaker ------------------------------------------------------------

    async def _live(self) -> None:
        start_ms = monotonic_ms()
        while True:
            self._step(monotonic_ms())
            await self._send()
            self._steps += 1
            self._news.set()
            due_ms = start_ms + self._steps * STEP_S * 1000
            await asyncio.sleep(max(0.0, (due_ms - monotonic_ms()) / 1000))

    def _step(self, now_ms: float) -> None:
        pcm = self._window()
        self.client.hear(pcm, self._silero.probability(pcm), now_ms)
        output = self.client.render(int(self.rate_hz * STEP_S), now_ms)
        self._sound(output)
        self.client.tick(now_ms)
        for event in self.client.events():
            if isinstance(event, Sounded):
                first = event.offset_samples * BYTES_PER_SAMPLE
                played = output[first : first + event.samples * BYTES_PER_SAMPLE]
                self.tape.setdefault(event.utterance, bytearray()).extend(played)
                self.stretches.append((event.utterance, event.start_sample, played))
                if (sounds_at := first_sound(played)) is not None:
                    sounds_ms = event.at_ms + sounds_at * 1000 / self.rate_hz
                    self.heard_ms.setdefault(event.utterance, sounds_ms)

    def _sound(self, output: bytes) -> None:
        """The loudspeaker's sound on its way to the microphone."""
        sound = self._air.resample_chunk(np.frombuffer(output, dtype="<i2").astype(np.float32))
        self._leaked = np.concatenate([self._leaked, sound * self._leak])

    def _window(self) -> bytes:
        window, self._microphone = np.split(self._microphone, [WINDOW_SAMPLES])
        heard = np.zeros(WINDOW_SAMPLES, dtype=np.int16)
        heard[: len(window)] = window
        hiss = self._noise.integers(-HISS, HISS + 1, WINDOW_SAMPLES).astype(np.int16)
        leaked, self._leaked = np.split(self._leaked, [WINDOW_SAMPLES])
        heard[: len(leaked)] += leaked.astype(np.int16)
        return (heard + hiss).astype("<i2").tobytes()


def same_voice(heard: bytes, made: bytes) -> bool:
    """Every sample sounded once: as it was made, but for the ramps by which mutes end."""
    if len(heard) != len(made):
        return False
    ours, theirs = (np.frombuffer(pcm, "<i2").astype(int) for pcm in (heard, made))
    softer = np.flatnonzero(ours != theirs)
    ramps = np.split(softer, np.flatnonzero(np.diff(softer) > QUANTUM_SAMPLES) + 1)
    return bool(np.all(np.abs(ours[softer]) <= np.abs(theirs[softer]))) and all(
        np.ptp(ramp) < QUANTUM_SAMPLES for ramp in ramps if len(ramp)
    )


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

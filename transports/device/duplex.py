"""What happens between a sound card and a client, in blocks of a few milliseconds.

All of it happens in the audio callbacks: a window that scores as speech has muted the bot when
`hear` returns, and the next block that `play` gives is silent. Nothing here waits; a block of
10 ms takes less than a millisecond.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bargein.client.client import Client
from bargein.client.engine import QUANTUM_SAMPLES
from bargein.errors import ProtocolError
from bargein.processors.silero import WINDOW_BYTES, Silero
from bargein.protocol import MICROPHONE_RATE_HZ
from bargein.rehearsal.levels import from_pcm, to_pcm
from bargein.resampling import Resampler, Samples
from bargein.transports.device.echo_canceller import FRAME_BYTES, EchoCanceller
from bargein.voice_activity import Refresh


@dataclass(frozen=True, slots=True)
class Rates:
    """In samples per second."""

    input_hz: int
    """Of the microphone."""
    output_hz: int
    """Of the loudspeaker."""
    bot_hz: int
    """Of the bot's voice."""


class Duplex:
    """Feeds a client with what the microphone hears, and gives what the loudspeaker plays.

    One call at a time: whoever has a thread for each end holds a lock.
    """

    def __init__(
        self,
        client: Client,
        rates: Rates,
        *,
        silero: Silero,
        canceller: EchoCanceller | None,
        arrived: deque[str | bytes],
        send: Callable[[str | bytes], None],
    ) -> None:
        """Take the server's messages from `arrived`, in the next block.

        What the client says goes to `send`, which must not wait.
        """
        self.refused = 0
        """So many messages of the server's could not be read."""
        self._client = client
        self._bot_hz = rates.bot_hz
        self._silero = silero
        self._refresh = Refresh()
        self._canceller = canceller
        self._send = send
        self._arrived = arrived
        self._to_16k = Resampler(rates.input_hz, MICROPHONE_RATE_HZ)
        self._to_card = Resampler(rates.bot_hz, rates.output_hz)
        self._echo_to_16k = Resampler(rates.bot_hz, MICROPHONE_RATE_HZ)
        self._heard, self._window, self._echo = bytearray(), bytearray(), bytearray()
        self._ahead: Samples = np.zeros(0, dtype=np.float32)
        """Rendered, and for the next block: less than a quantum."""

    def hear(self, microphone: bytes, now_ms: float) -> None:
        """Take the next block of the microphone's; PCM16."""
        self.stand_still(now_ms)
        self._take(to_pcm(self._to_16k.convert(from_pcm(microphone))), now_ms)
        self._pass_on()

    def play(self, samples: int, now_ms: float) -> bytes:
        """Give so many samples for the loudspeaker; PCM16."""
        self.stand_still(now_ms)
        played = self._render(samples, now_ms)
        self._pass_on()
        return played

    def stand_still(self, now_ms: float) -> None:
        """Time passes: take in what has arrived. Called alone while no device is there."""
        while self._arrived:
            try:
                self._client.receive(self._arrived.popleft(), now_ms)
            except ProtocolError:
                self.refused += 1
        self._client.tick(now_ms)
        self._pass_on()

    def _pass_on(self) -> None:
        for data in self._client.take():
            self._send(data)
        self._client.events()

    # --- the microphone ------------------------------------------------------------------

    def _take(self, pcm: bytes, now_ms: float) -> None:
        self._heard += pcm
        while len(self._heard) >= FRAME_BYTES:
            frame = bytes(self._heard[:FRAME_BYTES])
            del self._heard[:FRAME_BYTES]
            self._window += self._canceller.clean(frame) if self._canceller else frame
        while len(self._window) >= WINDOW_BYTES:
            window = bytes(self._window[:WINDOW_BYTES])
            del self._window[:WINDOW_BYTES]
            self._client.hear(window, self._probability(window), now_ms)

    def _probability(self, window: bytes) -> float:
        probability = self._silero.probability(window)
        if self._refresh.due(probability, speaking=self._client.contesting):
            self._silero.reset()
        return probability

    # --- the loudspeaker -----------------------------------------------------------------

    def _render(self, samples: int, now_ms: float) -> bytes:
        made = [self._ahead]
        count, rendered = len(self._ahead), 0
        while count < samples:
            at_ms = now_ms + rendered * 1000 / self._bot_hz
            pcm = self._client.render(QUANTUM_SAMPLES, at_ms)
            rendered += QUANTUM_SAMPLES
            made.append(self._to_card.convert(from_pcm(pcm)))
            count += len(made[-1])
            self._remember(pcm)
        joined = np.concatenate(made)
        self._ahead = joined[samples:]
        return to_pcm(joined[:samples])

    def _remember(self, pcm: bytes) -> None:
        """Tell the echo canceller what will sound."""
        if self._canceller is None:
            return
        self._echo += to_pcm(self._echo_to_16k.convert(from_pcm(pcm)))
        while len(self._echo) >= FRAME_BYTES:
            self._canceller.played(bytes(self._echo[:FRAME_BYTES]))
            del self._echo[:FRAME_BYTES]

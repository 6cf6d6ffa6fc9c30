"""Is it the bot's own voice? The microphone against what was played; pure, so it can be replayed.

Two signs are weighed. One is the normalised cross-correlation of the last 256 ms of the
microphone with what was played, at the lag (network, buffers, loudspeaker, room) where it is
highest. The other is the level: once the lag and the loss on the way are known, so is the
level at which the bot's voice comes back, and what is 9 dB louder is somebody else.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import log10

import numpy as np
from numpy.typing import NDArray

from bargein.bot_sound import RATE_HZ, BotSound, Lowered, Samples, sample_at
from bargein.protocol import MICROPHONE_RATE_HZ, WINDOW_SAMPLES
from bargein.voice_activity import WINDOW_MS

SPAN_WINDOWS = 8
"""So much of the microphone is compared: 256 ms."""
MOST_LAG_MS = 600
NEAR_MS = 6
"""A lag that is known is looked for so near by."""
CERTAIN_AT = 0.65
"""A correlation that no user's voice reaches, at any lag: a short word comes to 0.61 by chance."""
FOUND_AT = 0.35
"""Twice as much at the same lag, in parts of the sound that have nothing in common, tells the
lag: of 170 recordings of users beside the bot none did (bench/verdicts.py says how many)."""
FINDINGS = 125
"""So many windows are looked back over: 4 s."""
KNOWN_AT = 0.2
"""At a lag that is known less is enough, for chance has fewer tries."""
OF_USUAL = 0.5
"""Where the correlation is so much less than echo has here, somebody speaks over it."""
LOUDER_DB = 9.0
"""So much louder than echo should be, and it is none."""
NO_LOUDER_DB = 3.0
"""Within this of what echo should have it is echo, however it correlates."""
FADED_DB = 12.0
FADED_WINDOWS = 60
"""The echo stayed so far below what it should have for so long: it is gone (a headset)."""
DOUBTED_WINDOWS = 8
"""So many windows without a correlation, and the level alone proves nothing any more."""
LOUDER_WINDOWS = 4
"""So many windows in a row are louder and nothing but echo: the loudspeaker was turned up."""
UNMIXED = 0.85
"""With so much of the usual correlation nothing else sounds."""
LEARNING = 0.1
"""So much a window moves what was learned: half of it is forgotten in 7 windows."""
DECAY_DB = 4.0
"""A room lets sound fade by so much in a window: 60 dB in half a second."""
QUIET_DB = -65.0
"""What comes back at less is not heard, dBFS."""

STEP = RATE_HZ * WINDOW_MS // 1000
SPAN = STEP * SPAN_WINDOWS
MOST_LAG = RATE_HZ * MOST_LAG_MS // 1000
NEAR = RATE_HZ * NEAR_MS // 1000
SAME = RATE_HZ * 3 // 1000
FADING = 10.0 ** (-DECAY_DB / 10 * np.arange(SPAN_WINDOWS - 1, -1, -1))
FFT_SIZE = 7168
"""At least the span and the longest lag; a product of small primes is quick."""
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class EchoReading:
    """What a window of the microphone has of the bot's voice."""

    is_echo: bool = False
    correlation: float = 0.0
    """With what was played, 0 to 1."""


NO_ECHO = EchoReading()


@dataclass(slots=True)
class Leak:
    """How the bot's voice comes back to the microphone; learned."""

    lag: int
    """In samples, from the earliest time at which it can sound."""
    correlation: float
    """What echo usually has."""
    gain_db: float
    """Level in the microphone minus level in the bot's own sound."""
    faded_windows: int = 0
    unknown_windows: int = 0
    """Since it was last found by its correlation."""
    louder_windows: int = 0


class MicrophoneClock:
    """The time of each window of the microphone: counted, so that the network's jitter is out.

    The quickest packet of the last seconds tells how the count stands to the clock.
    """

    HALF_WINDOWS = 150
    STALLED_MS = 1_000

    def __init__(self) -> None:
        """Begin with no window."""
        self._count = 0
        self._now = self._before = float("inf")

    def end_ms(self, now_ms: float) -> float:
        """Count a window that has arrived now, and give the time of its end."""
        self._count += 1
        offset = now_ms - self._count * WINDOW_MS
        if offset - min(self._now, self._before) > self.STALLED_MS:
            # Audio was lost, or stood still: the count begins anew.
            self._now = self._before = offset
        if self._count % self.HALF_WINDOWS == 0:
            self._before, self._now = self._now, offset
        self._now = min(self._now, offset)
        return min(self._now, self._before) + self._count * WINDOW_MS


class EchoJudge:
    """Hears the bot and the microphone, and tells the one in the other; see the module."""

    def __init__(self, rate_hz: int) -> None:
        """Take the bot's voice at this rate, and the microphone at its own."""
        self.bot = BotSound(rate_hz)
        self.leak: Leak | None = None
        self._lowered = Lowered(MICROPHONE_RATE_HZ)
        self._clock = MicrophoneClock()
        self._waiting: deque[bytes] = deque(maxlen=SPAN_WINDOWS)
        self._heard: Samples = np.zeros(SPAN, dtype=np.float32)
        self._end = 0
        self._count = 0
        self._findings: deque[tuple[int, int]] = deque()

    @property
    def leak_db(self) -> float | None:
        """How much of the bot's level comes back, dB; None while no echo is known."""
        return self.leak.gain_db if self.leak else None

    def hear(self, window: bytes, now_ms: float) -> None:
        """Take the next window of the microphone."""
        if len(window) != WINDOW_SAMPLES * 2:
            raise ValueError(f"a window has {WINDOW_SAMPLES} samples, got {len(window) // 2}")
        self._waiting.append(window)
        self._count += 1
        self._end = sample_at(self._clock.end_ms(now_ms))
        if self.leak and not self._nothing_to_hear:
            self._catch_up()
            self._watch(self.leak)

    def judge(self) -> EchoReading:
        """Is the last window the bot's own voice? Costs nothing while the bot is silent."""
        if self._nothing_to_hear:
            return NO_ECHO
        self._catch_up()
        energy = float(self._heard @ self._heard)
        if energy <= TINY:
            return NO_ECHO
        if self.leak:
            lag, correlation = self._near(self.leak.lag, energy)
            if correlation >= self._wanted(self.leak):
                return self._weigh(self.leak, lag, correlation)
        lag, correlation = self._anywhere(energy)
        if self._found_twice(lag, correlation):
            self._find(lag, correlation)
        if self.leak is None:
            return EchoReading(correlation >= CERTAIN_AT, correlation)
        return self._weigh(self.leak, lag, correlation)

    @property
    def _nothing_to_hear(self) -> bool:
        return self.bot.silent_since(self._end - SPAN - MOST_LAG)

    def _catch_up(self) -> None:
        if self._waiting:
            new = self._lowered.take(b"".join(self._waiting))
            self._waiting.clear()
            self._heard = np.concatenate((self._heard, new))[-SPAN:]

    # --- the two signs ------------------------------------------------------------------

    def _weigh(self, leak: Leak, lag: int, correlation: float) -> EchoReading:
        excess_db = self._level_db() - self._expected_db(leak)
        known = correlation >= self._wanted(leak) and abs(lag - leak.lag) <= NEAR
        leak.unknown_windows = 0 if known else leak.unknown_windows + 1
        sure = known or leak.unknown_windows <= DOUBTED_WINDOWS
        if self._turned_up(leak, correlation if known else 0.0, excess_db):
            excess_db = 0.0
        is_echo = excess_db < (LOUDER_DB if known else NO_LOUDER_DB) and sure
        if is_echo and known:
            self._learn(leak, lag, correlation, excess_db)
        return EchoReading(is_echo or correlation >= CERTAIN_AT, correlation)

    def _wanted(self, leak: Leak) -> float:
        return max(KNOWN_AT, OF_USUAL * leak.correlation)

    def _near(self, lag: int, energy: float) -> tuple[int, float]:
        """The best lag near by, and its correlation."""
        least = max(0, lag - NEAR)
        begin = self._end - SPAN - lag - NEAR
        said = self.bot.between(begin, self._end - least)
        return self._best(np.correlate(said, self._heard), said, energy, lag + NEAR)

    def _anywhere(self, energy: float) -> tuple[int, float]:
        """The best lag of all, and its correlation."""
        said = self.bot.between(self._end - SPAN - MOST_LAG, self._end)
        spectrum = np.fft.rfft(said, FFT_SIZE) * np.conj(np.fft.rfft(self._heard, FFT_SIZE))
        products = np.fft.irfft(spectrum, FFT_SIZE)[: MOST_LAG + 1]
        return self._best(products, said, energy, MOST_LAG)

    @staticmethod
    def _best(
        products: NDArray[np.floating], said: Samples, energy: float, most_lag: int
    ) -> tuple[int, float]:
        sums = np.concatenate(([0.0], np.cumsum(said.astype(np.float64) ** 2)))
        energies = sums[SPAN:] - sums[:-SPAN]
        # Where the bot hardly spoke, anything correlates.
        silent = energies <= max(float(energies.max()) * 0.01, TINY)
        scores = np.abs(products) / np.sqrt(np.maximum(energies, TINY) * energy)
        scores[silent] = 0
        best = int(np.argmax(scores))
        return most_lag - best, min(1.0, float(scores[best]))

    # --- what is learned ----------------------------------------------------------------

    def _found_twice(self, lag: int, correlation: float) -> bool:
        """Whether the same lag was found before, in a span that this one has no part of."""
        if correlation < FOUND_AT:
            return False
        self._findings.append((self._count, lag))
        while self._findings[0][0] < self._count - FINDINGS:
            self._findings.popleft()
        return any(
            abs(lag - other) <= SAME and self._count - count >= SPAN_WINDOWS
            for count, other in self._findings
        )

    def _find(self, lag: int, correlation: float) -> None:
        if self.leak is None or abs(lag - self.leak.lag) > NEAR:
            self.leak = Leak(lag, correlation, 0.0)
            self.leak.gain_db = self._level_db() - self._expected_db(self.leak)

    def _learn(self, leak: Leak, lag: int, correlation: float, excess_db: float) -> None:
        leak.lag = lag
        leak.faded_windows = 0
        if correlation < UNMIXED * leak.correlation:
            return  # the user speaks too, so its level is not that of the echo
        leak.correlation += LEARNING * (correlation - leak.correlation)
        leak.gain_db += LEARNING * excess_db

    @staticmethod
    def _turned_up(leak: Leak, correlation: float, excess_db: float) -> bool:
        """Learn at once that the echo itself is louder; a user would spoil the correlation."""
        alone = correlation >= max(FOUND_AT, UNMIXED * leak.correlation)
        leak.louder_windows = leak.louder_windows + 1 if alone and excess_db >= LOUDER_DB else 0
        if leak.louder_windows < LOUDER_WINDOWS:
            return False
        leak.gain_db += excess_db
        leak.louder_windows = 0
        return True

    def _watch(self, leak: Leak) -> None:
        """Forget the echo once it stays away though the bot speaks."""
        expected_db = self._expected_db(leak)
        if expected_db < QUIET_DB:
            return
        faded = self._level_db() < expected_db - FADED_DB
        leak.faded_windows = leak.faded_windows + 1 if faded else 0
        if leak.faded_windows >= FADED_WINDOWS:
            self.leak = None

    def _level_db(self) -> float:
        last = self._heard[-STEP:].astype(np.float64)
        return 10 * log10(float(last @ last) / STEP + TINY)

    def _expected_db(self, leak: Leak) -> float:
        """The level that the bot's voice should have in the last window, its reverberation too."""
        end = self._end - leak.lag
        said = self.bot.between(end - SPAN, end).astype(np.float64)
        powers = (said**2).reshape(SPAN_WINDOWS, STEP).mean(axis=1)
        return 10 * log10(float(powers @ FADING) + TINY) + leak.gain_db

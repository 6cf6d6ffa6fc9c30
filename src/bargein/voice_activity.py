"""From a probability per window to speech that started and stopped; audio time only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bargein.noise import UNHEARD

WINDOW_MS = 32
DIP_WINDOWS = 3
"""So many low windows in a row void an onset that was not yet confirmed."""
SILENCE_TOLD_MS = 10_000
"""Nobody speaks any more: longer than any rule for the end of a turn waits."""


class Change(StrEnum):
    """What a window has changed."""

    STARTED = "started"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class VoiceRules:
    """When windows are speech."""

    probability_threshold: float = 0.65
    hysteresis: float = 0.15
    """A window is silence below the threshold minus this; between the two nothing changes."""
    min_speech_duration_ms: int = 150
    pause_ms: int = 192
    """So much silence and the speech has stopped (which is not yet the end of the turn)."""

    def silence_below(self, threshold: float) -> float:
        """A window below it is silence; above 0 at any threshold, or speech would never stop."""
        return max(threshold - self.hysteresis, threshold / 2)


@dataclass(slots=True)
class VoiceActivity:
    """One talker's speech: how much of it there was since its onset, and the silence since."""

    rules: VoiceRules
    speaking: bool = False
    speech_ms: int = 0
    silence_ms: int = 0
    since_onset_ms: int = 0
    low_windows: int = 0
    since_speech_ms: int | None = None
    """Silence since the last window of speech that had begun; None when nobody spoke lately."""

    @property
    def pause_so_far_ms(self) -> int | None:
        """The silence behind the last speech, 0 while there is or may be speech.

        What may be speech and turns out to be a click does not begin it anew. None when
        nobody spoke lately.
        """
        if self.since_speech_ms is None or self.since_speech_ms > SILENCE_TOLD_MS:
            return None
        begins = self.speech_ms > 0 and not self.speaking
        return 0 if begins else self.since_speech_ms

    def window(
        self, probability: float, threshold: float | None = None, *, hushed: bool = False
    ) -> Change | None:
        """Take the next window's probability of speech, and its threshold if that moves.

        At the threshold `UNHEARD` it is silence. One that is `hushed` (see `hush.py`) counts as
        silence for the end of speech, and as what it scores for everything else.
        """
        if threshold is None:
            threshold = self.rules.probability_threshold
        if self.since_speech_ms is not None:
            self.since_speech_ms += WINDOW_MS
        if self.speech_ms:
            self.since_onset_ms += WINDOW_MS
        if threshold < UNHEARD and probability >= threshold:
            return self._fading() if hushed and self.speaking else self._loud()
        self.silence_ms += WINDOW_MS
        if not self.speaking and self.silence_ms >= self.rules.pause_ms:
            # Neither speech nor silence for so long: what came before it was no onset.
            self._forget()
        if threshold < UNHEARD and probability >= self.rules.silence_below(threshold):
            return self._low() if hushed and self.speaking else None
        return self._low()

    def silent_wire(self) -> Change | None:
        """No audio comes any more: whatever speech there was has stopped."""
        stopped = Change.STOPPED if self.speaking else None
        self._forget()
        self.since_speech_ms = None
        return stopped

    def _loud(self) -> Change | None:
        if not self.speech_ms:
            self.since_onset_ms = WINDOW_MS
        self.speech_ms += WINDOW_MS
        self.silence_ms = 0
        self.low_windows = 0
        started = not self.speaking and self.speech_ms >= self.rules.min_speech_duration_ms
        self.speaking = self.speaking or started
        if self.speaking:
            self.since_speech_ms = 0
        return Change.STARTED if started else None

    def _fading(self) -> Change | None:
        """The model still hears speech, where there is no sound any more."""
        self.speech_ms += WINDOW_MS
        self.silence_ms = 0
        return self._low()

    def _low(self) -> Change | None:
        self.low_windows += 1
        if self.speaking and self.low_windows * WINDOW_MS >= self.rules.pause_ms:
            self._forget()
            return Change.STOPPED
        if not self.speaking and self.low_windows >= DIP_WINDOWS:
            self._forget()
        return None

    def _forget(self) -> None:
        self.speaking = False
        self.speech_ms = self.since_onset_ms = self.low_windows = 0


REFRESH_AFTER_WINDOWS = 63
REFRESH_QUIET_WINDOWS = 5
REFRESH_BELOW = 0.1


@dataclass(slots=True)
class Refresh:
    """Says when the model should forget: every 2 s, but only in clear silence.

    Music and long noise leave a recurrent model deaf to the speech that follows. Rule and
    figures are those of Pipecat's analyzer, and of the client's VAD, which must agree.
    """

    windows: int = 0
    quiet_windows: int = 0

    def due(self, probability: float, *, speaking: bool) -> bool:
        """Take a window's probability; whether to reset the model before the next."""
        self.windows += 1
        self.quiet_windows = self.quiet_windows + 1 if probability < REFRESH_BELOW else 0
        due = (
            self.windows >= REFRESH_AFTER_WINDOWS
            and self.quiet_windows >= REFRESH_QUIET_WINDOWS
            and not speaking
        )
        if due:
            self.windows = 0
        return due

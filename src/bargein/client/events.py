"""What a client tells of itself, each with the time in ms of whoever drives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bargein.floor import Floor
from bargein.protocol import SpokenWord

Phase = Literal["contested", "accepted", "rejected", "ignored", "lost"]


@dataclass(frozen=True, slots=True)
class WelcomeHeard:
    """The session is open."""

    at_ms: float
    session: str
    resumed: bool
    """It is the session that the client had before."""


@dataclass(frozen=True, slots=True)
class Detected:
    """The client's own VAD fired while the bot was heard or about to be."""

    at_ms: float
    utterance: int
    at_sample: int
    probability: float
    window_index: int


@dataclass(frozen=True, slots=True)
class Muted:
    """From this sample of this utterance on the bot is silent, or soft where it is ducked."""

    at_ms: float
    utterance: int
    at_sample: int
    ducked: bool = False


@dataclass(frozen=True, slots=True)
class Unmuted:
    """The bot may be heard again, from this sample of this utterance on."""

    at_ms: float
    utterance: int
    at_sample: int


@dataclass(frozen=True, slots=True)
class VerdictHeard:
    """An attempt at the floor was told to be open (`contested`), or has ended."""

    at_ms: float
    phase: Phase
    attempt: int
    """Counts the client's attempts."""
    utterance: int
    at_sample: int
    detected: bool
    since_ms: float
    """Since the attempt began."""
    reason: str = ""
    heard_text: str = ""
    unheard_text: str = ""
    cut_samples: int = 0


@dataclass(frozen=True, slots=True)
class Sounded:
    """A stretch of an utterance went to the loudspeaker without a break."""

    at_ms: float
    """Of its first sample."""
    utterance: int
    start_sample: int
    samples: int
    offset_samples: int
    """Where it begins in the block that `render` gave; a break of the block ends it too."""


@dataclass(frozen=True, slots=True)
class Finished:
    """An utterance was played to its end."""

    at_ms: float
    utterance: int
    played_samples: int


@dataclass(frozen=True, slots=True)
class Underrun:
    """So many samples of silence, and samples that never came, within an utterance."""

    at_ms: float
    utterance: int
    samples: int
    lost: int
    lost_at: int
    """Where those begin that never came; at most 500 ms of them are concealed, the last ones."""


@dataclass(frozen=True, slots=True)
class Overflowed:
    """The server sent an utterance faster than it can be kept."""

    at_ms: float
    utterance: int


@dataclass(frozen=True, slots=True)
class FloorShown:
    """Who has the floor, as the server tells."""

    at_ms: float
    floor: Floor


@dataclass(frozen=True, slots=True)
class WordsShown:
    """Words of the bot's with their samples."""

    at_ms: float
    utterance: int
    first_word: int
    words: tuple[SpokenWord, ...]


@dataclass(frozen=True, slots=True)
class TranscriptShown:
    """What the user was understood to say."""

    at_ms: float
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class ThresholdSet:
    """The threshold that the client's VAD uses from now on."""

    at_ms: float
    threshold: float
    noise_floor_db: float


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A `pong` came: round trip, and how far the server's clock is ahead."""

    at_ms: float
    ms: float
    offset_ms: float


@dataclass(frozen=True, slots=True)
class ErrorShown:
    """The server says that something was wrong."""

    at_ms: float
    code: str
    message: str
    final: bool


@dataclass(frozen=True, slots=True)
class ServerSilent:
    """Nothing was heard of the server for so long that the connection counts as dead."""

    at_ms: float


Event = (
    WelcomeHeard
    | Detected
    | Muted
    | Unmuted
    | VerdictHeard
    | Sounded
    | Finished
    | Underrun
    | Overflowed
    | FloorShown
    | WordsShown
    | TranscriptShown
    | ThresholdSet
    | RoundTrip
    | ErrorShown
    | ServerSilent
)

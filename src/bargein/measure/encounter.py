"""One sound that met the talking bot, and what became of both: the same record for every system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class SoundKind(StrEnum):
    """What a sound should do to the bot."""

    SPEECH = "speech"
    """Words that want the floor."""
    NOISE = "noise"
    """A click, a door, a cough: nothing was said."""
    BACKCHANNEL = "backchannel"
    """Words that do not want the floor."""


@dataclass(frozen=True, slots=True)
class Encounter:
    """Times are ms on one axis; None where it did not happen or can't be known."""

    sound: str
    kind: SoundKind
    onset_ms: float
    offset_ms: float
    taken: bool
    """Whether the user had the floor afterwards: the bot did not go on with its utterance."""
    silent_ms: float | None = None
    """When the last sample of the bot sounded, before it fell silent over the sound."""
    audible_ms: float | None = None
    """When the same utterance was heard again."""
    lost_samples: int | None = None
    repeated_samples: int | None = None
    context_word_error: int | None = None
    """Words to add, drop or change so that the context holds what was played."""
    reply_ms: float | None = None
    """When the bot's next utterance was heard."""
    detected_ms: float | None = None
    acknowledged_ms: float | None = None
    """When the client had the server's word that it paused."""
    server_silent_ms: float | None = None
    """When the server sent its last audio before the pause, if after the detection."""
    added_ms: Mapping[str, float] | None = None
    """What each stage added to the response; empty: there was none, None: it can't be seen."""
    confirmed: int = 0
    """Replies that were begun before the turn was over, and said."""
    wasted_calls: int = 0
    """Those that nobody heard."""
    wasted_tokens: int = 0
    saved_ms: float = 0


def word_error(context: str, played: str) -> int:
    """How many words must be added, dropped or changed to make one text of the other."""
    held, heard = context.split(), played.split()
    costs = list(range(len(heard) + 1))
    for row, word in enumerate(held, start=1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(heard, start=1):
            changed = diagonal + (word != other)
            diagonal = costs[column]
            costs[column] = min(changed, costs[column] + 1, costs[column - 1] + 1)
    return costs[-1]

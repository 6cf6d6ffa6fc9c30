"""How long a vendor takes: what the servers here wait before they say something.

Each server asks for the latency anew at each request, so one script may slow down or spoil a
single request of a conversation.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recognition:
    """A recogniser's delays, counted from the end of a word in the audio that has arrived."""

    partial_ms: float = 100
    """A word is understood, for now."""
    final_ms: float = 300
    """A stretch of speech is understood for good; at least `partial_ms`."""
    endpoint_ms: float = 300
    """So much silence ends a stretch of speech, without anybody's Finalize."""
    quiet_ms: float = 800
    """So much silence is before a turn: what is loud sooner is the rest of one that was held up."""


@dataclass(frozen=True, slots=True)
class Writing:
    """An LLM's time for a reply, its tokens evenly spread."""

    whole_ms: float = 1200
    """Until the last token."""
    first_ms: float | None = None
    """Until the first token; None is an even share of the whole."""

    def at_ms(self, token: int, tokens: int) -> float:
        """When a token (from 0) of so many is there."""
        first_ms = self.whole_ms / tokens if self.first_ms is None else self.first_ms
        if tokens == 1:
            return max(first_ms, self.whole_ms)
        return first_ms + (self.whole_ms - first_ms) * token / (tokens - 1)


@dataclass(frozen=True, slots=True)
class Synthesis:
    """A voice's time for a text, its pieces of audio evenly spread."""

    whole_ms: float = 600
    """For a text of `whole_chars`; a shorter one takes its share."""
    whole_chars: int = 160
    first_ms: float | None = None
    """Until the first piece of each text; None is the share of that piece."""
    piece_chars: int = 10
    """So much text is in one piece of audio."""

    def at_ms(self, until_char: int, chars: int) -> float:
        """When the piece is there that ends at a character (of so many in the text)."""
        even_ms = self.whole_ms / self.whole_chars
        if self.first_ms is None:
            return until_char * even_ms
        first_char = min(self.piece_chars, chars)
        rest_ms = max(0.0, chars * even_ms - self.first_ms)
        return self.first_ms + rest_ms * (until_char - first_char) / max(1, chars - first_char)


def now_ms() -> float:
    """The monotonic clock."""
    return time.monotonic() * 1000


async def until_ms(at_ms: float) -> None:
    """Wait for a moment of the monotonic clock."""
    await asyncio.sleep(max(0.0, (at_ms - now_ms()) / 1000))

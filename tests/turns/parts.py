"""The vendors' services for a rehearsal: each brings its own server, which may go wrong.

So `bargein rehearse tests/turns/bot.yaml tests/turns/scenarios` needs nothing else: what is said,
and what goes wrong, stands in each scenario's `set`.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

from bench.turn_taking import parts as real
from pipecat.processors.frame_processor import FrameProcessor, FrameProcessorSetup

from bargein.rehearsal.levels import RATE_HZ
from bargein.rehearsal.scenario import Act
from bargein.transports.rehearsal.voices import sound_of
from tests.vendors import anthropic, elevenlabs
from tests.vendors.anthropic import Answer, Anthropic, Request
from tests.vendors.deepgram import Deepgram
from tests.vendors.ear import HeardTurn, HeardWord, Understood
from tests.vendors.elevenlabs import ElevenLabs
from tests.vendors.latency import Recognition, Synthesis, Writing

Finals = Literal["once", "twice", "never"]
BREATH_MS = 50
"""Who goes on speaking begins the next act so soon."""
ENDPOINT_MS = 300
"""So much silence ends a stretch of speech, for the recogniser."""


class OwnServer(FrameProcessor):
    """Stands before a service's class: its server runs as long as the service does."""

    _server: Deepgram | Anthropic | ElevenLabs
    _port: int

    def __init__(self, **kwargs: Any) -> None:
        """Nothing is open yet."""
        super().__init__(**kwargs)
        self._serving = AsyncExitStack()

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        """Open the server first."""
        await self._serving.enter_async_context(self._server.open(self._port))
        await super().setup(setup)

    async def cleanup(self) -> None:
        """Close it last."""
        await super().cleanup()
        await self._serving.aclose()


class Nova(OwnServer, real.Nova):
    """Deepgram's service, and a recogniser that knows what will be said."""

    def __init__(
        self,
        *,
        hears: list[str],
        partial_ms: int = 60,
        final_ms: int = 180,
        finals: Finals = "once",
        then: str = "",
        then_ms: int = 400,
    ) -> None:
        """Hear these, one for each act of the user's.

        A word `peas|teas` is heard as peas first, and as teas in the end. `then` is one more
        final transcript, so long behind the first.
        """
        self._port = free_port()
        super().__init__(url=f"ws://127.0.0.1:{self._port}")
        self._finals, self._then, self._then_ms = finals, then, then_ms
        latency = Recognition(partial_ms, final_ms, ENDPOINT_MS, quiet_ms=BREATH_MS)
        turns = [heard(each) for each in hears]
        self._server = Deepgram(turns, lambda _: latency, spoil=self._spoil)

    def _spoil(self, result: Understood) -> Sequence[tuple[float, Understood]]:
        if not result.final or not result.text:
            return [] if result.final and self._finals == "never" else [(0, result)]
        if self._finals == "never":
            return []
        then, self._then = self._then, ""
        if then:
            return [(0, result), (self._then_ms, replace(result, text=then))]
        if self._finals == "twice":
            return [(0, result), (self._then_ms, result)]
        return [(0, result)]


class Claude(OwnServer, real.Claude):
    """Anthropic's service, and an LLM that says what it was told; it may book."""

    def __init__(
        self,
        *,
        first_ms: int = 120,
        whole_ms: int = 300,
        wrong: dict[str, str] | None = None,
        after_tokens: int = 0,
        books: str = "",
        recalls: bool = True,
        goes_on: str = "",
    ) -> None:
        """Go wrong (stalls, leaves, fails) where the user's last words hold one of `wrong`.

        Where they end with `books`, the tool is called. The reply tells all that the user has
        said, or the last of it only, and goes on with `goes_on`.
        """
        self._port = free_port()
        super().__init__(url=f"http://127.0.0.1:{self._port}")
        self._wrong, self._after_tokens, self._books = wrong or {}, after_tokens, books
        self._recalls, self._goes_on = recalls, goes_on
        latency = Writing(whole_ms=whole_ms, first_ms=first_ms)
        self._server = Anthropic(str, lambda _: latency, answer=self._answer_to)

    def _answer_to(self, request: Request) -> Answer:
        if not request.last:
            return Answer("It is booked.")
        told = request.asked if self._recalls else request.last
        said = f"You said: {told} {self._goes_on}".strip()
        if self._books and request.last.lower().strip(".?!").endswith(self._books):
            return Answer(said, tools=(("book", {}),))
        wrong = _wrong(self._wrong, request.last)
        return Answer(said, wrong=anthropic.Wrong[wrong], after_tokens=self._after_tokens)


class Flash(OwnServer, real.TimedFlash):
    """ElevenLabs' service, and a voice."""

    def __init__(self, *, whole_ms: int = 300, wrong: dict[str, str] | None = None) -> None:
        """Go wrong (silent, fails, leaves) with texts that hold one of `wrong`."""
        self._port = free_port()
        super().__init__(url=f"ws://127.0.0.1:{self._port}")
        self._server = ElevenLabs(
            lambda _: Synthesis(whole_ms=whole_ms),
            wrong=lambda text: elevenlabs.Wrong[_wrong(wrong or {}, text)],
        )


def _wrong(by_word: dict[str, str], text: str) -> str:
    """What goes wrong with this text."""
    wrongs = [wrong for word, wrong in by_word.items() if word in text.lower()]
    return (wrongs or ["nothing"])[0].upper()


def heard(told: str) -> HeardTurn:
    """The words, over the time in which the rehearsal's user says them."""
    pairs = [word.rpartition("|") for word in told.split()]
    said = " ".join(last for *_, last in pairs)
    sound = sound_of(Act(say=said, at_ms=0), Path(), seed=0)
    length_ms = len(sound) * 1000 / RATE_HZ
    sizes = list(accumulate(len(last) + 1 for *_, last in pairs))
    ends: list[Any] = [length_ms * size / sizes[-1] for size in sizes]
    words = [
        HeardWord(last, start, end, first)
        for (first, _, last), start, end in zip(pairs, [0.0, *ends[:-1]], ends, strict=True)
    ]
    return HeardTurn(tuple(words), length_ms)


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""An engine in a page whose time, voice and network the test makes: exact, and without audio."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

from bargein.protocol import Codec, Message

from .ramp import Stretch, ramp
from .talk import Tape

SPEECH = 0.9
WINDOW_MS = 32
ONE_WINDOW_MS = 40
"""Long enough for one window to be complete, too short for two that begin in it."""


class Scene:
    """An engine in a page whose time, voice and network the test makes; epoch 1 at first."""

    def __init__(self, page: Page, **options: object) -> None:
        self._page = page
        make = "async (o) => { const {Rig} = await import('/engine_rig.js'); rig = new Rig(o); }"
        page.evaluate("() => { globalThis.rig = null; }")
        rates = {"rateHz": 24_000, "botRateHz": 24_000, "overlap": "mute"}
        page.evaluate(make, {**rates, **options})

    def run(self, ms: float) -> None:
        """Let time pass."""
        self._page.evaluate("ms => rig.run(ms)", ms)

    def voice(self, probability: float) -> None:
        """What the VAD says from the next window on."""
        self._page.evaluate("p => { rig.voice = p; }", probability)

    def speak(self) -> None:
        """From the next window on the VAD hears a voice; run until it has."""
        self.voice(SPEECH)
        self.run(ONE_WINDOW_MS)

    def hush(self) -> None:
        """The voice ends, and enough silence follows for an offset."""
        self.voice(0)
        self.run(WINDOW_MS * 8)

    def play(
        self, utterance: int, start: int, count: int, *, epoch: int = 1, last: bool = False
    ) -> None:
        """A packet of the utterance's ramp comes."""
        self.play_pcm(utterance, start, ramp(utterance, start, count), epoch=epoch, last=last)

    def play_pcm(
        self,
        utterance: int,
        start: int,
        pcm: npt.NDArray[np.int16],
        *,
        epoch: int = 1,
        last: bool = False,
    ) -> None:
        """A packet of any other sound comes."""
        order = "packet => rig.packet(...packet)"
        self._page.evaluate(order, [epoch, utterance, start, pcm.tolist(), last])

    def hear(self, message: Message) -> None:
        """The server says something."""
        self._page.evaluate("m => rig.message(m)", json.loads(Codec.write(message)))

    def call(self, method: str, *arguments: object) -> None:
        """Call a method of the engine."""
        self._page.evaluate(
            "([m, a]) => { rig.engine[m](...a); rig.collect(); }", [method, arguments]
        )

    def log(self, kind: str) -> list[dict[str, Any]]:
        """All messages or events of this kind so far, each with its `ms`."""
        entries: list[dict[str, Any]] = self._page.evaluate("() => rig.log")
        return [entry for entry in entries if entry["type"] in (kind, f"bargein/{kind}")]

    @property
    def tape(self) -> Tape:
        return Tape.of(self._page.evaluate("() => rig.tape()"))

    @property
    def stretches(self) -> list[Stretch]:
        return self.tape.stretches

    @property
    def finished(self) -> list[dict[str, Any]]:
        """The `played` messages that told an utterance's end."""
        return [entry for entry in self.log("played") if entry["finished"]]

    @property
    def phases(self) -> list[str]:
        """The phases that attempts went through, without repetitions."""
        phases = [entry["phase"] for entry in self.log("bargein")]
        return [phase for i, phase in enumerate(phases) if i == 0 or phase != phases[i - 1]]

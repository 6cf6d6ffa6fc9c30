"""A page with the real client in it, and what the client told and played."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
from playwright.async_api import Page

from .peer import PATIENCE_S, Peer
from .ramp import QUANTUM_SAMPLES, Samples, Stretch, runs, stretches

EVENTS = (
    *("connection", "welcome", "floor", "levels", "words", "playout", "transcript"),
    *("bargein", "rtt", "vadsettings", "underrun", "warning"),
)
MAKE = f"""
    const {{BargeinClient}} = await import('/client.js');
    globalThis.told = {{}};
    globalThis.client = new BargeinClient(options);
    for (const name of {list(EVENTS)}) client.addEventListener(
      name, ({{detail}}) => (told[name] ??= []).push(detail));
"""
CONNECT = f"async (options) => {{ {MAKE} await client.connect(); }}"
REFUSAL = f"""async (options) => {{ {MAKE}
    try {{ await client.connect(); }} catch ({{code, message, wayOut, final}}) {{
      return {{code, message, wayOut, final}};
    }}
    throw new Error('it connected'); }}"""
TAPE = """async () => {
    const {samples, ...rest} = await client.tape();
    const bytes = new Uint8Array(samples.buffer);
    let text = '';
    for (let i = 0; i < bytes.length; i += 4096) {
      text += String.fromCharCode(...bytes.subarray(i, i + 4096));
    }
    return {...rest, samples: btoa(text)}; }"""


@dataclass(frozen=True)
class Tape:
    """What the client played."""

    samples: Samples
    start_frame: int
    rate_hz: int
    marks: list[dict[str, Any]]

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Tape:
        """Read what the engine gave, its samples in base64."""
        samples = np.frombuffer(base64.b64decode(raw["samples"]), "<f4")
        return cls(samples, raw["startFrame"], raw["sampleRate"], raw["marks"])

    def at(self, mark: str) -> int:
        """Where on the tape the first such mark is."""
        found = next(entry for entry in self.marks if entry["mark"] == mark)
        return int(found["frame"]) - self.start_frame

    @property
    def stretches(self) -> list[Stretch]:
        """What it holds, read back from the ramps."""
        return stretches(self.samples)

    @property
    def runs(self) -> list[Stretch]:
        """The stretches, joined where only the gain has changed: a hint may have ducked them."""
        return runs(self.samples)

    def split(self, mark: str) -> tuple[list[Stretch], list[Stretch]]:
        """The runs that begin before the first such mark, and the others."""
        at = self.at(mark)
        before = [run for run in self.runs if run.at < at]
        return before, self.runs[len(before) :]

    def utterance(self, number: int, *, until: int) -> Samples:
        """What was played of an utterance before that sample of the tape, without the pauses.

        A stretch ends where the next one begins in the utterance. What then died away is put
        to the next one's first samples, which come back by the opposite ramp.
        """
        pieces: list[Samples] = []
        dying = np.zeros(0, np.float32)
        found = [mark for mark in self.marks if mark.get("utterance") == number]
        begins = [mark for mark in found if mark["mark"] == "stretch"]
        for mark, following in zip_longest(begins, begins[1:]):
            first = mark["frame"] - self.start_frame
            count = following["startSample"] - mark["startSample"] if following else until - first
            piece = self.samples[first : first + count].copy()
            piece[: len(dying)] += dying[: len(piece)]
            pieces.append(piece)
            again = following["frame"] - self.start_frame if following else until
            dying = self.samples[first + count : min(first + count + QUANTUM_SAMPLES, again)]
        return np.concatenate(pieces)


class Talk:
    """A page, the client in it, and its peer."""

    def __init__(self, page: Page, peer: Peer) -> None:
        self.page = page
        self.peer = peer

    async def connect(self, **options: object) -> None:
        """Connect; what goes wrong is raised with the client's words.

        A hint does not duck the bot unless it is asked for: its moment is the VAD's, so a tape
        would look different each time.
        """
        await self.page.evaluate(CONNECT, {"record": True, "duckOnHint": False, **options})

    async def refusal(self, **options: object) -> dict[str, Any]:
        """The error with which connecting fails."""
        error: dict[str, Any] = await self.page.evaluate(REFUSAL, options)
        return error

    async def told(self, name: str) -> list[dict[str, Any]]:
        """The details of all events of this name so far."""
        details: list[dict[str, Any]] = await self.page.evaluate("name => told[name] ?? []", name)
        return details

    async def until_told(self, name: str, condition: str = "true") -> dict[str, Any]:
        """Wait for an event whose detail `d` fulfils the condition, written in JavaScript."""
        find = f"() => (told[{name!r}] ?? []).find(d => {condition})"
        handle = await self.page.wait_for_function(find, timeout=PATIENCE_S * 1000)
        detail: dict[str, Any] = await handle.json_value()
        return detail

    async def tape(self) -> Tape:
        """What was played so far."""
        return Tape.of(await self.page.evaluate(TAPE))

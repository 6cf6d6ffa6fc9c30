"""`bargein bench`: plan, conversations, peers, load and the web client, one after the other."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bargein.measure.encounter import SoundKind
from bargein.measure.figures import Figure
from bargein.measure.request import Request
from bargein.measure.results import figures_of, rates_by_sound
from bargein.measure.rows import KEYS, PREDICTION_ROWS, STAGE_ROWS
from bargein.measure.table import Result, as_json, lines
from bargein.pipelines.bench import capacity, sounds, web_client
from bargein.pipelines.bench.machine import machine, versions
from bargein.pipelines.bench.meeting import greeting, meet_all
from bargein.pipelines.bench.peers import run_peer, scripts
from bargein.pipelines.bench.progress import Note, note_line
from bargein.pipelines.load import Config, load

PASSAGE = (
    "The slow train to the coast leaves from the old station behind the river at seven minutes "
    "past nine and stops in every village where a farmer once gave some land for the railway so "
    "that the journey takes most of the morning but nobody who has seen the valley complains."
)
"""One sentence, so that there are few pauses in which nobody can hear whether the bot stopped.

No word of it is likely to be in what the bot says by itself.
"""
SEED = 1
ROUNDS, QUICK_ROUNDS = 5, 1
JOBS, QUICK_JOBS = 3, 4
"""Conversations at once: more than fit into two cores would measure the machine."""
SECONDS_PER_MEETING = 30.0
"""More than any conversation takes; a peer that takes longer for all of them has failed."""
SPOKEN_ROWS = KEYS[: KEYS.index("sessions_per_core")]
ALARM_ROWS = ("reject_to_audible_ms", "lost_samples", "repeated_samples", "rejected_rate")
ANSWER_ROWS = (
    "voice_to_voice_ms",
    *(row.key for row in (*STAGE_ROWS, *PREDICTION_ROWS)),
)
LOAD_ROWS = ("sessions_per_core", "cpu_ms_per_audio_s")


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for on the command line."""

    config: Path
    settings: tuple[str, ...] = ()
    rounds: int | None = None
    only: tuple[str, ...] = ()
    corpus: Path | None = None
    peers: Path | None = None
    quick: bool = False
    load: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The rows, in the order of the table."""
        return tuple(key for key in KEYS if not self.only or key in self.only)

    def wants(self, keys: Sequence[str]) -> bool:
        """Whether any of these rows is asked for."""
        return any(key in self.keys for key in keys)


@dataclass(frozen=True, slots=True)
class Table:
    """All results, and what they were measured on."""

    plan: Plan
    config: Config
    ours: Result
    peers: tuple[Result, ...]
    began: str
    took_s: float

    def to_json(self) -> dict[str, object]:
        """Give the whole as an object."""
        peers = {
            peer.name: as_json(peer, self.plan.keys)
            if not peer.failure
            else {"failure": peer.failure}
            for peer in self.peers
        }
        return as_json(self.ours, self.plan.keys) | {
            "peers": peers,
            "config": {
                "name": self.config.name,
                "path": str(self.config.path),
                "hash": self.config.digest,
                "settings": list(self.plan.settings),
            },
            "machine": machine(),
            "time": self.began,
            "took_s": round(self.took_s, 1),
        }

    def to_text(self) -> str:
        """Give the table for a terminal."""
        head = f"{self.config.name} ({self.config.path}, {self.config.short_digest})"
        on = ", ".join(f"{key} {value}" for key, value in machine().items())
        rows = "\n".join(lines(self.ours, self.peers, self.plan.keys))
        return f"{head}\n{on}\n{self.began}, {self.took_s:.0f} s\n\n{rows}\n"


async def bench(plan: Plan, note: Note) -> Table:
    """Measure; raises BargeinError if the configuration is wrong or its bot can't talk."""
    began, since_s = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    config = load(plan.config, overrides=plan.settings, environ=os.environ)
    figures: dict[str, Figure] = {}
    took: Mapping[str, tuple[int, int]] = {}
    peers: list[Result] = []
    with ExitStack() as stack:
        if plan.wants(SPOKEN_ROWS):
            scratch = Path(stack.enter_context(TemporaryDirectory()))
            request = _request(plan, config, scratch)
            seen = await meet_all(request, note)
            figures |= figures_of(seen)
            took = rates_by_sound(seen)
            for script in scripts(plan.peers) if plan.peers else []:
                within_s = SECONDS_PER_MEETING * (1 + len(request.meetings) / request.jobs)
                peers.append(await run_peer(script, request, within_s, note))
    figures |= await _load_rows(plan, config, note)
    figures |= _client_rows(plan)
    ours = Result(config.name, figures, versions("bargein", "pipecat-ai"), sounds=took)
    return Table(plan, config, ours, tuple(peers), began, time.monotonic() - since_s)


def _request(plan: Plan, config: Config, scratch: Path) -> Request:
    """Make the sounds, and say when each meets the bot."""
    rng = random.Random(SEED)
    rounds = plan.rounds or (QUICK_ROUNDS if plan.quick else ROUNDS)
    kinds = _kinds(plan)
    made = (
        sounds.recorded(plan.corpus, kinds, rounds * 4, scratch, rng)
        if plan.corpus
        else sounds.synthesized(kinds, _examples(config), scratch)
    )
    return Request(
        config=str(plan.config),
        settings=plan.settings,
        passage=PASSAGE,
        sounds=tuple(made),
        meetings=sounds.meetings(made, 1 if plan.corpus else rounds, rng),
        jobs=QUICK_JOBS if plan.quick else JOBS,
        answers=plan.wants(ANSWER_ROWS),
        warm_up=not plan.quick,
    )


def _kinds(plan: Plan) -> frozenset[SoundKind]:
    """Which kinds of sound the rows that are asked for need."""
    if not plan.wants(ALARM_ROWS):
        return frozenset({SoundKind.SPEECH})
    return frozenset(SoundKind)


def _examples(config: Config) -> tuple[str, ...]:
    """What a user may say, if a part of the configuration knows it."""
    for part in config.parts:
        if hasattr(part.cls, "examples"):
            examples = part.build().examples
            return examples if isinstance(examples, tuple) else ()
    return ()


async def _load_rows(plan: Plan, config: Config, note: Note) -> Mapping[str, Figure]:
    if not plan.wants(LOAD_ROWS):
        return {}
    if not plan.load and (part := capacity.costs_money(config)):
        reason = f"{part} may cost money or be rate-limited; --load measures all the same"
        return dict.fromkeys(LOAD_ROWS, Figure(reason=reason))
    if plan.peers is None:
        reason = "bench/load.py of the source tree is not here; name its bench/peers with --peers"
        return dict.fromkeys(LOAD_ROWS, Figure(reason=reason))
    climb = capacity.QUICK if plan.quick else capacity.USUAL
    settings = (*plan.settings, greeting(PASSAGE))
    return await capacity.capacity(plan.config, settings, plan.peers, climb, note)


def _client_rows(plan: Plan) -> Mapping[str, Figure]:
    measured: dict[str, Figure] = {}
    if plan.wants(("client_bytes",)):
        measured["client_bytes"] = web_client.client_bytes()
    if plan.wants(("vad_ms_per_window",)):
        measured["vad_ms_per_window"] = web_client.vad_ms_per_window()
    return measured


def run(plan: Plan) -> Table:
    """Measure in an event loop of its own; progress is one line on stderr."""
    return asyncio.run(bench(plan, note_line))

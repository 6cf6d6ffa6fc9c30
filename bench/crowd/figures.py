"""Figures of a run: what a number of bots cost, how many a core holds, and the table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LIMIT_MS = 50.0
"""So late p99 may be, of the acknowledgements and of the event loop."""

FULL = 0.93
"""A core that works so much of its time is full: what is measured there is how bots wait."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a number of bots cost."""

    bots: int
    ack_p50_ms: float
    ack_p99_ms: float
    acks: int
    lag_p99_ms: float
    cpu_share: float
    waited_share: float
    """On a real clock, so much of the time others had the core that the bots were ready for."""
    cpu_ms_per_audio_s: float
    memory_mb_per_bot: float

    @property
    def p99_ms(self) -> float:
        """The later of acknowledgement and event loop."""
        return max(self.ack_p99_ms, self.lag_p99_ms)


@dataclass(frozen=True, slots=True)
class Climb:
    """One kind of bot, from few to too many."""

    kind: str
    bots_per_core: float
    idle_memory_mb_per_bot: float
    idle_cpu_ms_per_audio_s: float
    stages: tuple[Stage, ...]


def bots_within(stages: Sequence[Stage]) -> float:
    """How many bots keep p99 at the limit, from the first size that does not."""
    before_bots, before_ms = 0.0, 0.0
    for stage in stages:
        if stage.p99_ms > LIMIT_MS:
            share = (LIMIT_MS - before_ms) / (stage.p99_ms - before_ms)
            return before_bots + share * (stage.bots - before_bots)
        before_bots, before_ms = stage.bots, stage.p99_ms
    return before_bots


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent do not exceed; NaN of nothing."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def print_stage(kind: str, stage: Stage) -> None:
    """Print a size as it is measured."""
    print(
        f"{kind:11} {stage.bots:4} bots  ack {stage.ack_p50_ms:7.1f} {stage.ack_p99_ms:8.1f} ms"
        f" ({stage.acks})  lag p99 {stage.lag_p99_ms:7.1f} ms  core {stage.cpu_share:5.0%}"
        f"  {stage.cpu_ms_per_audio_s:6.2f} ms/s  {stage.memory_mb_per_bot:5.1f} MB",
        flush=True,
    )


def print_summary(climbs: Sequence[Climb]) -> None:
    """Print medians over the rounds, and the ratios to stock."""
    names = ("bots a core", "to fill it", "ms/s talking", "ms/s idle", "MB talking", "MB idle")
    print("\n" + " " * 12 + "".join(f"{name:>14}" for name in names))
    bots: dict[str, float] = {}
    full: dict[str, float] = {}
    for kind in dict.fromkeys(each.kind for each in climbs):
        rounds = [each for each in climbs if each.kind == kind]
        full[kind] = statistics.median(bots_to_fill(each) for each in rounds)
        bots[kind] = statistics.median(each.bots_per_core for each in rounds)
        busiest = [within(each) for each in rounds]
        print(
            f"{kind:12}{bots[kind]:14.0f}{full[kind]:14.0f}"
            f"{statistics.median(s.cpu_ms_per_audio_s for s in busiest):14.2f}"
            f"{statistics.median(e.idle_cpu_ms_per_audio_s for e in rounds):14.2f}"
            f"{statistics.median(s.memory_mb_per_bot for s in busiest):14.1f}"
            f"{statistics.median(e.idle_memory_mb_per_bot for e in rounds):14.1f}"
        )
    for kind in ("stock", "stock-best"):
        if "bargein" in bots and kind in bots:
            held, filled = (each["bargein"] / each[kind] for each in (bots, full))
            print(f"bargein holds {held:.2f} times as many as {kind}, and {filled:.2f} fill a core")


def bots_to_fill(one: Climb) -> float:
    """How many would take the whole core, by what each took at the last size that did not."""
    fits = [stage for stage in one.stages if stage.cpu_share < FULL]
    return 1000 / fits[-1].cpu_ms_per_audio_s if fits else float(one.stages[0].bots)


def within(one: Climb) -> Stage:
    """The largest size that kept the limit and did not fill the core, or the smallest of all."""
    kept = [s for s in one.stages if s.p99_ms <= LIMIT_MS and s.cpu_share < FULL]
    return kept[-1] if kept else one.stages[0]

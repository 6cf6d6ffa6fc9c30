"""What may happen, at random, and the shortest script that still shows what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from bargein.client.client import ClientSettings
from bargein.rehearsal.network import NetworkSettings
from tests.fire.bot import Speech
from tests.fire.listener import SOUNDS
from tests.fire.world import Deed, Setting, World

NETWORKS = (
    NetworkSettings(delay_ms=20),
    NetworkSettings(delay_ms=150),
    NetworkSettings(delay_ms=40, jitter_ms=60, loss=0.02),
    NetworkSettings(delay_ms=30, jitter_ms=200, loss=0.2, duplicate=0.1, reorder=0.1),
    NetworkSettings(delay_ms=20, jitter_ms=100, loss=0.5, duplicate=0.3, reorder=0.3),
)
CLIENTS = (
    ClientSettings(),
    ClientSettings(overlap="duck"),
    ClientSettings(vad=False),
    ClientSettings(report_played=False),
)
WORDS = ("", "tea", "mm-hm", "two teas")


def setting(seed: int) -> Setting:
    """What a seed's run is made in."""
    rng = Random(seed)
    return Setting(seed, rng.random() < 0.5, rng.choice(CLIENTS), rng.choice(NETWORKS))


def script(seed: int, length: int) -> list[Deed]:
    """So many deeds, and the end."""
    rng = Random(seed)
    deeds: list[Deed] = [("run", (300.0,))]
    while len(deeds) < length:
        make, weight = rng.choice(KINDS)
        if rng.random() < weight:
            deeds.append(make(rng))
    return [*deeds, ("end", ())]


def _speech(rng: Random) -> Speech:
    utterances = tuple(
        tuple(rng.randint(1, 6) for _ in range(rng.randint(1, 6)))
        for _ in range(rng.choice([1, 1, 1, 2, 3]))
    )
    return Speech(utterances, rng.choice([0.6, 1.5, 4.0, 20.0]), rng.random() < 0.05)


KINDS: Sequence[tuple[Callable[[Random], Deed], float]] = (
    (lambda rng: ("run", (float(rng.choice([4, 20, 60, 150, 400])),)), 1),
    (lambda rng: ("run", (float(rng.choice([20, 100, 250, 700, 1500])),)), 1),
    (lambda rng: ("sound", ("speech", float(rng.choice([40, 100, 300, 1200])))), 0.8),
    (lambda rng: ("sound", (rng.choice(list(SOUNDS)), float(rng.choice([40, 200, 600])))), 0.5),
    (lambda rng: ("say", (_speech(rng),)), 0.8),
    (lambda rng: ("words", (rng.choice(WORDS), rng.random() < 0.5)), 0.5),
    (lambda rng: ("late_words", ()), 0.05),
    (lambda rng: ("interrupt", ()), 0.25),
    (lambda rng: ("network", (rng.choice(NETWORKS),)), 0.15),
    (lambda rng: ("outage", (float(rng.choice([100, 400, 1500, 4000])),)), 0.1),
    (lambda rng: ("reconnect", (float(rng.choice([0, 50, 400, 1200])),)), 0.05),
    (lambda rng: ("drop", (float(rng.choice([0, 50, 400, 1200, 10_000])),)), 0.1),
    (lambda rng: ("heal", ()), 0.1),
)


def failure(given: Setting, deeds: Sequence[Deed]) -> str | None:
    """What breaks, or None."""
    try:
        World(given).do(deeds)
    except Exception as error:  # a bug of any kind is a find
        return f"{type(error).__name__}: {error}"
    return None


def shortened(given: Setting, deeds: Sequence[Deed]) -> list[Deed]:
    """Leave out whatever is not needed to fail."""
    kept = list(deeds)
    size = len(kept) // 2
    while size:
        at = 0
        while at < len(kept):
            fewer = kept[:at] + kept[at + size :]
            if failure(given, fewer):
                kept = fewer
            else:
                at += size
        size //= 2
    return kept

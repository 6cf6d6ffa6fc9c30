"""What bench/load.py measures, and what it makes of it."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from bench.crowd.callers import Crowd
from bench.crowd.figures import Stage, bots_within, percentile
from bench.crowd.own_time import OwnTime, OwnTimeLoop
from bench.load import KINDS, sizes_between


def stage(bots: int, p99_ms: float) -> Stage:
    """A size at which p99 was so much."""
    return Stage(bots, 1.0, p99_ms, 100, 1.0, 0.5, 0.0, 10.0, 2.0)


@pytest.mark.parametrize(
    ("measured", "bots"),
    [
        ([(10, 5.0), (20, 30.0), (30, 70.0)], 25),
        ([(10, 5.0), (20, 50.0), (30, 51.0)], 20),
        ([(10, 100.0)], 5),
        ([(10, 5.0), (20, 6.0)], 20),
    ],
)
def test_a_core_holds_the_bots_up_to_where_the_limit_is_crossed(
    measured: list[tuple[int, float]], bots: float
) -> None:
    assert bots_within([stage(*each) for each in measured]) == pytest.approx(bots, abs=0.5)


def test_of_a_hundred_values_the_99th_percentile_is_the_worst() -> None:
    assert percentile([float(n) for n in range(100)], 99) == 99
    assert percentile([3.0, 1.0, 2.0], 50) == 2
    assert math.isnan(percentile([], 99))


def test_sizes_grow_by_a_factor_up_to_the_most() -> None:
    assert sizes_between(10, 30, 1.5) == [10, 15, 22]


def test_a_clock_of_its_own_counts_waits_as_they_were_asked_for_and_work_as_it_was() -> None:
    async def waits_and_works() -> tuple[float, float]:
        began_s, began_cpu_s = clock.now_s(), time.process_time()
        await asyncio.sleep(100.0)
        waited_s = clock.now_s() - began_s
        await asyncio.get_running_loop().run_in_executor(None, sum, range(10**6))
        return waited_s, clock.now_s() - began_s - 100.0 - (time.process_time() - began_cpu_s)

    clock = OwnTime()
    with asyncio.Runner(loop_factory=lambda: OwnTimeLoop(clock, Crowd())) as runner:
        waited_s, not_explained_s = runner.run(waits_and_works())
    assert 100.0 <= waited_s < 100.1
    assert abs(not_explained_s) < 0.05


@pytest.fixture(scope="module")
def climbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a few bots of each kind cost; the kinds are measured at once, each in its process."""
    folder = tmp_path_factory.mktemp("load")

    def climb(kind: str) -> Any:
        figures = folder / f"{kind}.json"
        size = ["--first", "3", "--most", "3", "--seconds", "8", "--json", str(figures)]
        subprocess.run(
            [sys.executable, "-m", "bench.load", "--kinds", kind, *size], check=True, timeout=120
        )
        (only,) = json.loads(figures.read_text())
        return only

    with ThreadPoolExecutor() as pool:
        return dict(zip(KINDS, pool.map(climb, KINDS), strict=True))


@pytest.mark.slow
@pytest.mark.pipeline
@pytest.mark.parametrize("kind", KINDS)
def test_a_few_bots_of_each_kind_talk_and_are_interrupted(
    kind: str, climbed: dict[str, Any]
) -> None:
    (stage,) = climbed[kind]["stages"]
    assert stage["acks"] >= 3
    assert 0 < stage["ack_p50_ms"] < 50
    assert 0 < stage["cpu_share"] < 1

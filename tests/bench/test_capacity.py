"""What a climb of `bench/load.py` says of a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bargein.pipelines.bench.capacity import costs_money, figures
from bargein.pipelines.load import load


def stage(bots: int, p99_ms: float, *, acks: int = 40, waited: float = 0.0) -> dict[str, Any]:
    return {
        "bots": bots,
        "ack_p99_ms": p99_ms,
        "acks": acks,
        "waited_share": waited,
        "cpu_ms_per_audio_s": 10.0 + bots,
    }


@pytest.mark.parametrize(
    ("stages", "values", "said"),
    [
        ([stage(5, 20), stage(10, 80)], (7.5,), "of 80 acknowledgements"),
        ([stage(5, 20)], (7.5,), "of 40 acknowledgements; or more, no more were tried"),
        ([stage(5, 20, waited=0.2), stage(10, 80)], (7.5,), "others had the core for 20% of"),
        ([stage(5, 20, waited=0.8)], (), "others had the core for 80% of the time"),
        ([stage(5, float("nan"), acks=0)], (), "no bot was interrupted in the time"),
    ],
    ids=["passed", "never passed", "shared", "hardly had", "quiet"],
)
def test_a_climb_is_told_with_what_it_rests_on(
    stages: list[dict[str, Any]], values: tuple[float, ...], said: str
) -> None:
    told = figures({"stages": stages, "bots_per_core": 7.5})
    assert told["sessions_per_core"].values == values
    assert said in told["sessions_per_core"].reason


def test_the_cost_is_that_of_the_largest_size_that_kept_the_limit() -> None:
    told = figures({"stages": [stage(5, 20), stage(10, 80)], "bots_per_core": 7.5})
    assert told["cpu_ms_per_audio_s"].values == (15.0,)


@pytest.mark.parametrize(("config", "part"), [("local", ""), ("ollama", "openai_llm")])
def test_many_sessions_are_not_made_unasked_where_a_server_may_charge(
    config: str, part: str
) -> None:
    path = Path(__file__).parents[2] / "configs" / f"{config}.yaml"
    assert costs_money(load(path, environ={})) == part

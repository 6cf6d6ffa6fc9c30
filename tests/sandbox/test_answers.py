"""What comes out of a worker is JSON of bounded size, or a failure that is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from loguru import logger

from bargein.processors.sandbox.outcome import MESSAGES, Failed, Failure
from bargein.processors.sandbox.setup import Limits
from bargein.tools.tool import Permissions
from tests.sandbox.calls import Calls

SMALL_ANSWER = Limits(timeout_ms=20_000, answer_bytes=40_000)
UNPICKLED = Path("/tmp/bargein-was-unpickled")

pytestmark = pytest.mark.slow

NO_ANSWERS = [
    ("garbage", Failure.BAD_ANSWER),
    ("a_pickle", Failure.BAD_ANSWER),
    ("returns_an_object", Failure.BAD_ANSWER),
    ("promises_too_much", Failure.TOO_LARGE),
    ("answers_a_part", Failure.CRASHED),
    ("deep", Failure.BAD_ANSWER),
    ("nan", Failure.BAD_ANSWER),
    ("huge_number", Failure.BAD_ANSWER),
    ("many_digits", Failure.TOO_LARGE),
    ("half_a_character", Failure.BAD_ANSWER),
    ("no_utf8", Failure.BAD_ANSWER),
    ("other_trouble", Failure.BAD_ANSWER),
    ("too_long", Failure.TOO_LARGE),
    ("returns_nan", Failure.BAD_ANSWER),
    ("raises", Failure.FAILED),
    ("asks", Failure.FAILED),
    ("exits", Failure.FAILED),
    ("dies", Failure.CRASHED),
    ("crashes", Failure.CRASHED),
    ("closes_the_channel", Failure.CRASHED),
]


def was_unpickled() -> bool:
    """Whether the bot has read a pickle."""
    return UNPICKLED.exists()


@pytest.mark.parametrize(("name", "code"), NO_ANSWERS)
async def test_what_is_no_answer_is_a_named_failure(calls: Calls, name: str, code: Failure) -> None:
    outcome = await calls.outcome(f"answering.{name}", limits=SMALL_ANSWER)
    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.message) == (code, MESSAGES[code])
    assert not was_unpickled()


@pytest.mark.parametrize(
    ("name", "answer"), [("two_answers", "first"), ("answers_and_hangs", "answered")]
)
async def test_the_first_answer_counts_and_ends_the_worker(
    calls: Calls, name: str, answer: str
) -> None:
    assert await calls.returned(f"answering.{name}") == answer


async def test_what_a_handler_says_of_its_failure_goes_to_the_log_without_keys(
    calls: Calls,
) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    permitted = Permissions(env=("BARGEIN_TEST_PERMITTED",))
    outcome = await calls.outcome("answering.raises", permissions=permitted)
    logger.remove(sink)
    assert isinstance(outcome, Failed)
    assert "ValueError: no access with ***" in "".join(lines)
    assert "a permitted key" not in "".join(lines)

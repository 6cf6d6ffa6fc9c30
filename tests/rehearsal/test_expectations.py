"""Each kind of expectation, held against a few moments."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bargein.client.events import Sounded, ThresholdSet, WordsShown
from bargein.errors import Place
from bargein.protocol import SpokenWord
from bargein.rehearsal.ending import NOTHING_COMES_MS, Ending
from bargein.rehearsal.expectations import Evidence, Finding, Message, Status, judge
from bargein.rehearsal.hearing import Hearing
from bargein.rehearsal.moments import Moment, What
from bargein.rehearsal.noting import client_moments
from bargein.rehearsal.report import Bot, Report
from bargein.rehearsal.scenario import Scenario
from bargein.rehearsal.wanted import Expected

MOMENTS = (
    Moment(1000, What.USER_STARTED, text="cough"),
    Moment(1100, What.MUTED, 1, 500),
    Moment(1400, What.REJECTED, 1, 500, reason="no_speech"),
    Moment(2000, What.USER_STARTED, text="stop"),
    Moment(2090, What.MUTED, 1, 900),
    Moment(2300, What.ACCEPTED, 1, 900),
    Moment(2310, What.FLOOR, text="listening"),
    Moment(2900, What.TRANSCRIPT, text="Stop"),
)
BOT, PLACE = Bot("cafe", "cafe.yaml", "0"), Place("s.yaml", 3, 5)
CONTEXT = (Message("assistant", "One  two"), Message("user", "stop"))


def ear(reached: int = 200) -> Hearing:
    """An ear that heard so much of utterance 1, one word a hundred samples."""
    heard = Hearing(1000)
    texts = enumerate(("One", "two", "three"))
    words = tuple(
        SpokenWord(text=text, start_sample=i * 100, end_sample=i * 100 + 100) for i, text in texts
    )
    heard.show(WordsShown(0, 1, 0, words))
    heard.sounded(Sounded(0, 1, 0, reached, 0))
    heard.cut()
    return heard


def findings(*expected: dict[str, Any], hearing: Hearing | None = None) -> list[Finding]:
    """How these expectations fare."""
    evidence = Evidence(MOMENTS, hearing or ear(), CONTEXT, playing=None)
    return judge([Expected.model_validate(each, strict=False) for each in expected], evidence)


@pytest.mark.parametrize(
    ("expected", "status"),
    [
        ({"muted": {}}, Status.MET),
        ({"muted": {"within_ms": 1100}}, Status.MET),
        ({"muted": {"within_ms": 1099}}, Status.FAILED),
        ({"muted": {"after": "user_started", "within_ms": 100}}, Status.MET),
        ({"muted": {"after": "user_started", "within_ms": 99}}, Status.FAILED),
        ({"muted": {"after": "user_started", "at_least_ms": 101}}, Status.FAILED),
        ({"muted": {"after": "contested", "within_ms": 99}}, Status.OPEN),
        ({"muted": {"after": "rejected", "within_ms": 690}}, Status.MET),
        ({"muted": {"utterance": 2}}, Status.OPEN),
        ({"contested": {}}, Status.OPEN),
        ({"rejected": {"reason": "no_speech"}}, Status.MET),
        ({"rejected": {"reason": "echo"}}, Status.OPEN),
        ({"floor": {"state": "listening"}}, Status.MET),
        ({"floor": {"state": "idle"}}, Status.OPEN),
        ({"transcript": {"text": "stop"}}, Status.MET),
        ({"transcript": {"contains": "go"}}, Status.OPEN),
        ({"says": {"utterance": 1, "text": "one two three"}}, Status.MET),
        ({"heard": {"utterance": 1, "text": "One two"}}, Status.MET),
        ({"heard": {"utterance": 1, "begins": "two"}}, Status.OPEN),
        ({"unheard": {"utterance": 1, "ends": "three"}}, Status.MET),
        ({"heard": {"utterance": 2, "begins": "two"}}, Status.OPEN),
        ({"context": {"role": "user", "text": "stop"}}, Status.MET),
        ({"context": {"role": "assistant", "contains": "three"}}, Status.OPEN),
        ({"count": {"muted": 2, "ignored": 0}}, Status.MET),
        ({"count": {"muted": 3}}, Status.OPEN),
        ({"count": {"muted": 1}}, Status.FAILED),
        ({"at_most": {"muted": 2}}, Status.MET),
        ({"at_most": {"muted": 1}}, Status.FAILED),
        ({"lost_samples": 0}, Status.MET),
        ({"repeated_samples": 0}, Status.MET),
        ({"wrong_words": 0}, Status.MET),
    ],
    ids=str,
)
def test_an_expectation(expected: dict[str, Any], status: Status) -> None:
    assert findings(expected)[0].status is status


def test_the_second_of_a_kind_is_about_the_next_event() -> None:
    bound = {"after": "user_started", "within_ms": 95}
    first, second = findings({"muted": bound}, {"muted": bound})
    assert first.status is Status.FAILED
    assert second.status is Status.MET
    assert second.came == "muted at 2090 ms, 90 ms after user_started"


def test_what_came_instead_is_named() -> None:
    (finding,) = findings({"rejected": {"reason": "echo", "within_ms": 600, "after": "muted"}})
    assert finding.expected == "rejected (echo) within 600 ms after muted"
    assert finding.came == "rejected (no_speech) at 1400 ms, accepted at 2300 ms"


PREPARED = (
    Moment(100, What.PREDICTED, text="two teas"),
    Moment(300, What.DROPPED, text="two teas", reason="other_words"),
    Moment(700, What.CONFIRMED, text="two teas please"),
    Moment(900, What.ERROR, text="no reply came", reason="no_reply"),
)


@pytest.mark.parametrize(
    ("expected", "status"),
    [
        ({"predicted": {}}, Status.MET),
        ({"dropped": {"reason": "other_words"}}, Status.MET),
        ({"dropped": {"reason": "expired"}}, Status.OPEN),
        ({"confirmed": {"after": "dropped", "within_ms": 400}}, Status.MET),
        ({"confirmed": {"after": "dropped", "within_ms": 399}}, Status.FAILED),
        ({"asked": {}}, Status.OPEN),
        ({"count": {"predicted": 1, "confirmed": 1, "dropped": 1}}, Status.MET),
        ({"error": {"code": "no_reply"}}, Status.MET),
        ({"error": {"code": "bot_failed"}}, Status.OPEN),
        ({"whole_context": {"role": "user", "text": "two teas please"}}, Status.MET),
        ({"whole_context": {"role": "user", "text": "two teas"}}, Status.OPEN),
        ({"whole_context": {"role": "tool", "text": ""}}, Status.MET),
    ],
    ids=str,
)
def test_an_expectation_of_what_was_prepared(expected: dict[str, Any], status: Status) -> None:
    context = (Message("user", "Two teas"), Message("user", "please"))
    evidence = Evidence(PREPARED, Hearing(24_000), context, None)
    (finding,) = judge([Expected.model_validate_json(json.dumps(expected))], evidence)
    assert finding.status is status


@pytest.mark.parametrize(
    ("expected", "waited_for"),
    [
        ({"contested": {}}, ""),
        ({"connected": {"within_ms": 10}}, "connected"),
        ({"muted": {"after": "connected", "within_ms": 99}}, "connected"),
        ({"heard": {"utterance": 2, "begins": "two"}}, "utterance 2"),
        ({"rejected": {"reason": "echo"}}, ""),
        ({"muted": {"within_ms": 1}}, ""),
        ({"count": {"muted": 3}}, ""),
        ({"heard": {"utterance": 1, "begins": "two"}}, ""),
    ],
    ids=str,
)
def test_what_is_not_reached_says_what_it_waited_for(
    expected: dict[str, Any], waited_for: str
) -> None:
    (finding,) = findings(expected)
    assert finding.waited_for == waited_for
    report = Report("s", "s.yaml", BOT, 1, 1000, 0, "", (PLACE,), (finding,), ())
    first, *more = list(report.lines(timeline=False))[1:]
    assert first.startswith(
        "  not reached  s.yaml:3:5: " if waited_for else "  failed  s.yaml:3:5: "
    )
    assert (f"          waited for: {waited_for}" in more) == bool(waited_for)
    assert not report.passed


@pytest.mark.parametrize(("reached", "wrong"), [(200, 0), (300, 1), (100, 1), (0, 2)])
def test_words_that_only_the_ear_or_only_the_context_has_are_wrong(
    reached: int, wrong: int
) -> None:
    for most in range(3):
        met = findings({"wrong_words": most}, hearing=ear(reached))[0].status is Status.MET
        assert met == (wrong <= most)


def test_what_came_of_another_utterance_says_of_which() -> None:
    (finding,) = findings({"muted": {"utterance": 2}})
    assert finding.came == "muted (utterance 1) at 1100 ms, muted (utterance 1) at 2090 ms"


def test_a_threshold_is_told_again_only_when_it_is_another() -> None:
    told: list[Moment] = []
    for threshold in (0.65, 0.651, 0.7, 0.65):
        told += client_moments(ThresholdSet(0, threshold, -50), Hearing(1000), told)
    assert [moment.text for moment in told] == ["0.65", "0.70", "0.65"]


def test_samples_that_were_skipped_or_came_again_fail_at_once() -> None:
    heard = ear()
    heard.sounded(Sounded(0, 1, 210, 50, 0))
    heard.sounded(Sounded(0, 1, 240, 50, 0))
    lost, repeated = findings({"lost_samples": 9}, {"repeated_samples": 20}, hearing=heard)
    assert (lost.status, lost.came) == (Status.FAILED, "10")
    assert repeated.status is Status.MET


MET, OPEN, FAILED = (Finding(status, "") for status in Status)


def over_at(finding: Finding, *, until_ms: int = 40_000, **busy: bool) -> int:
    """When a rehearsal in which this goes on ends."""
    scenario = Scenario.model_validate({"name": "a", "expect": [{"muted": {}}]}, strict=False)
    ending = Ending(scenario)
    states = {"acting": False, "acts_left": False, "waits_for_time": False, "playing": False}
    now_ms = 0
    while not ending.is_over([finding], now_ms=now_ms, last_ms=0, **{**states, **busy}):
        now_ms += 100
        assert now_ms < until_ms
    return now_ms


def test_it_ends_soon_after_all_is_decided() -> None:
    assert over_at(MET) == over_at(FAILED) == 500


def test_it_waits_for_acts_even_if_all_is_decided() -> None:
    assert over_at(MET, acting=True) == over_at(FAILED, acting=True) == 30_000
    assert over_at(MET, acts_left=True, waits_for_time=True) == 30_000


def test_it_ends_when_nothing_more_can_come() -> None:
    assert over_at(OPEN) == NOTHING_COMES_MS
    assert over_at(OPEN, acts_left=True) == NOTHING_COMES_MS
    assert over_at(OPEN, playing=True) == 30_000

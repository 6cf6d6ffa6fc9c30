"""When an act is due."""

from __future__ import annotations

from bargein.rehearsal.acts import Prompter
from bargein.rehearsal.moments import Moment, What
from bargein.rehearsal.scenario import Act


def begun(prompter: Prompter, moments: list[Moment], now_ms: float) -> list[str]:
    """What begins now."""
    acts = []
    while due := prompter.due(moments, now_ms):
        acts.append(due[1].about)
    return acts


def test_an_act_waits_for_its_time() -> None:
    prompter = Prompter([Act(at_ms=100, say="a"), Act(at_ms=100, delay_ms=50, say="b")])
    assert [begun(prompter, [], now) for now in (99, 100, 149, 150)] == [[], ["a"], [], ["b"]]


def test_an_act_waits_for_its_cue_and_then_its_delay() -> None:
    prompter = Prompter([Act(after='bot_word("Café.")', delay_ms=40, say="a")])
    moments = [Moment(10, What.BOT_STARTED, 1), Moment(20, What.BOT_WORD, 1, text="Corner")]
    assert begun(prompter, moments, 1000) == []
    moments.append(Moment(1000, What.BOT_WORD, 1, text="café"))
    assert begun(prompter, moments, 1030) == []
    assert begun(prompter, moments, 1040) == ["a"]


def test_a_cue_counts_only_since_the_act_before_began() -> None:
    acts = [Act(after="bot_stopped", say="a"), Act(after="bot_stopped", say="b")]
    prompter = Prompter(acts)
    moments = [Moment(10, What.BOT_STOPPED, 1)]
    assert begun(prompter, moments, 10) == ["a"]
    assert begun(prompter, moments, 5000) == []
    moments.append(Moment(6000, What.BOT_STOPPED, 2))
    assert begun(prompter, moments, 6000) == ["b"]


def test_an_act_is_never_before_the_one_above_it() -> None:
    prompter = Prompter([Act(after="accepted", say="a"), Act(at_ms=5, say="b")])
    assert begun(prompter, [], 100) == []
    assert prompter.waits_for == "accepted"
    assert begun(prompter, [Moment(100, What.ACCEPTED, 1)], 100) == ["a", "b"]
    assert prompter.waits_for == ""

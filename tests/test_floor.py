"""Who may speak: the table is total, and each of its promises is a line here."""

from __future__ import annotations

import itertools

import pytest

from bargein.floor import RULES, Do, Floor, Heard, step

IDLE, LISTENING, PROCESSING = Floor.IDLE, Floor.LISTENING, Floor.PROCESSING
SPEAKING, CONTESTED = Floor.SPEAKING, Floor.CONTESTED
VERDICTS = (Heard.BARGE_IN, Heard.FALSE_ALARM, Heard.FALSE_ALARM_EARLY)


def play(floor: Floor, heard: list[Heard]) -> tuple[Floor, list[Do]]:
    """Walk the table; give where it ends and all that it asked for."""
    done: list[Do] = []
    for each in heard:
        rule = step(floor, each)
        floor, done = rule.next, [*done, *rule.do]
    return floor, done


def test_every_pair_of_state_and_event_has_a_rule() -> None:
    assert set(RULES) == set(itertools.product(Floor, Heard))


def test_words_over_the_bot_take_the_floor() -> None:
    assert play(SPEAKING, [Heard.VOICE, Heard.BARGE_IN]) == (
        LISTENING,
        [Do.PAUSE, Do.FLUSH, Do.OPEN_TURN],
    )


def test_a_false_alarm_lets_the_bot_go_on() -> None:
    assert play(SPEAKING, [Heard.VOICE, Heard.FALSE_ALARM]) == (
        SPEAKING,
        [Do.PAUSE, Do.DROP_WORDS, Do.RESUME],
    )


def test_the_servers_own_onset_contests_the_floor_too() -> None:
    assert play(SPEAKING, [Heard.SPEECH]) == (CONTESTED, [Do.PAUSE])


def test_a_contest_before_the_first_sample_leads_back_to_where_it_began() -> None:
    assert play(PROCESSING, [Heard.VOICE, Heard.FALSE_ALARM_EARLY]) == (
        PROCESSING,
        [Do.PAUSE, Do.DROP_WORDS, Do.RESUME],
    )


def test_a_user_who_goes_on_before_the_reply_is_heard_takes_the_floor_at_once() -> None:
    assert play(PROCESSING, [Heard.SPEECH]) == (LISTENING, [Do.FLUSH, Do.OPEN_TURN])


@pytest.mark.parametrize("floor", [IDLE, LISTENING])
def test_a_truncate_is_ignored_where_the_bot_does_not_speak_and_changes_nothing(
    floor: Floor,
) -> None:
    assert play(floor, [Heard.VOICE]) == (floor, [Do.IGNORE])


def test_a_second_voice_in_a_contest_is_evidence() -> None:
    assert play(CONTESTED, [Heard.VOICE, Heard.SPEECH]) == (CONTESTED, [Do.EVIDENCE, Do.EVIDENCE])


def test_only_verdicts_and_foreign_interruptions_end_a_contest() -> None:
    leaving = {heard for heard in Heard if step(CONTESTED, heard).next is not CONTESTED}
    assert leaving == {*VERDICTS, Heard.INTERRUPTED}


def test_only_a_speaking_or_preparing_bot_can_be_contested() -> None:
    entering = {
        floor
        for floor, heard in RULES
        if floor is not CONTESTED and step(floor, heard).next is CONTESTED
    }
    assert entering == {SPEAKING, PROCESSING}


def test_whoever_enters_a_contest_pauses_and_whoever_leaves_it_resumes_or_flushes() -> None:
    for (floor, heard), rule in RULES.items():
        enters = floor is not CONTESTED and rule.next is CONTESTED
        leaves = floor is CONTESTED and rule.next is not CONTESTED
        assert (Do.PAUSE in rule.do) == enters, (floor, heard)
        assert (len({Do.RESUME, Do.FLUSH} & set(rule.do)) == 1) >= leaves, (floor, heard)
        assert (Do.RESUME not in rule.do) or leaves, (floor, heard)


def test_what_the_bot_does_behind_the_pause_is_kept_for_after_the_verdict() -> None:
    bot = [Heard.REPLY_BEGUN, Heard.REPLY_EMPTY, Heard.BOT_STARTED, Heard.BOT_FINISHED]
    assert play(CONTESTED, bot) == (CONTESTED, [Do.KEEP] * 4)


def test_a_verdict_without_a_contest_does_nothing() -> None:
    for floor in set(Floor) - {CONTESTED}:
        for verdict in VERDICTS:
            assert play(floor, [verdict]) == (floor, [])


def test_a_turn_without_words_lets_the_bot_say_what_it_left_unsaid() -> None:
    assert play(LISTENING, [Heard.MISFIRE]) == (IDLE, [Do.GO_ON])


def test_an_ordinary_turn_goes_round_without_any_order_but_to_open_it() -> None:
    turn = [
        Heard.SPEECH,
        Heard.TURN_ENDED,
        Heard.REPLY_BEGUN,
        Heard.BOT_STARTED,
        Heard.BOT_FINISHED,
    ]
    assert play(IDLE, turn) == (IDLE, [Do.OPEN_TURN])


def test_a_reply_without_audio_gives_the_floor_back() -> None:
    assert play(LISTENING, [Heard.TURN_ENDED, Heard.REPLY_EMPTY]) == (IDLE, [])


def test_a_reply_that_does_not_come_is_given_up_and_said_so() -> None:
    assert play(PROCESSING, [Heard.NO_REPLY]) == (IDLE, [Do.FLUSH, Do.REPORT])


@pytest.mark.parametrize("floor", [IDLE, LISTENING, SPEAKING, CONTESTED])
def test_a_reply_that_is_there_is_not_given_up(floor: Floor) -> None:
    assert play(floor, [Heard.NO_REPLY]) == (floor, [])


@pytest.mark.parametrize("floor", [PROCESSING, SPEAKING, CONTESTED])
def test_a_foreign_interruption_ends_whatever_the_bot_does(floor: Floor) -> None:
    assert play(floor, [Heard.INTERRUPTED]) == (IDLE, [Do.FLUSH])


def test_the_user_is_never_flushed() -> None:
    flushed = {floor for (floor, _), rule in RULES.items() if Do.FLUSH in rule.do}
    assert flushed == {PROCESSING, SPEAKING, CONTESTED}


def test_idle_is_reachable_from_every_state() -> None:
    reach = {IDLE}
    for _ in Floor:
        reach |= {floor for (floor, _), rule in RULES.items() if rule.next in reach}
    assert reach == set(Floor)

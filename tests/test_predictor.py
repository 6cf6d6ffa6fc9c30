"""When words are answered before the turn is over, and when the answer is dropped."""

from __future__ import annotations

import pytest

from bargein.matching import Match, MatchPolicy
from bargein.predictor import (
    THRIFTY_PAUSE_MS,
    Drop,
    Order,
    Predict,
    Predictor,
    SpeculationRules,
)
from bargein.speculation import Because, Outcome

PAUSE_MS = 100
STABLE_MS = 400
SENTENCE_MS = 150


def predictor(**rules: object) -> Predictor:
    """One whose user has the floor."""
    defaults: dict[str, object] = {
        "pause_ms": PAUSE_MS,
        "stable_ms": STABLE_MS,
        "sentence_ms": SENTENCE_MS,
    }
    made = Predictor(SpeculationRules(**(defaults | rules)))  # type: ignore[arg-type]
    made.turn_opened(0)
    made.silence(0, 0)
    return made


def brief(orders: list[Order]) -> list[tuple[str, str]]:
    """What is ordered: the words and why, or the words and the outcome."""
    return [
        (order.prediction.text, order.prediction.because)
        if isinstance(order, Predict)
        else (order.prediction.text, order.outcome)
        for order in orders
    ]


def test_words_with_silence_behind_them_are_answered_at_once() -> None:
    made = predictor()
    assert brief(made.words("a tea", 1000)) == []
    assert brief(made.silence(PAUSE_MS - 1, 1099)) == []
    assert brief(made.silence(PAUSE_MS, 1100)) == [("a tea", Because.PAUSE)]
    assert brief(made.silence(PAUSE_MS + 32, 1132)) == []


def test_words_that_come_late_in_the_silence_are_answered_as_they_come() -> None:
    made = predictor()
    made.silence(PAUSE_MS + 50, 1000)
    assert brief(made.words("a tea", 1020)) == [("a tea", Because.PAUSE)]


@pytest.mark.parametrize(
    ("text", "after_ms", "because"),
    [("a tea", STABLE_MS, Because.STABLE), ("A tea.", SENTENCE_MS, Because.PUNCTUATION)],
)
def test_words_that_stand_still_are_answered_in_mid_speech(
    text: str, after_ms: float, because: Because
) -> None:
    made = predictor()
    made.words(text, 1000)
    assert brief(made.tick(1000 + after_ms - 1)) == []
    assert brief(made.tick(1000 + after_ms)) == [(text, because)]


def test_the_same_words_in_another_spelling_change_nothing() -> None:
    made = predictor()
    made.words("a tea", 1000)
    made.silence(PAUSE_MS, 1100)
    assert brief(made.words("A tea.", 1200)) == []
    assert made.live is not None


def test_other_words_cancel_first_and_predict_after() -> None:
    made = predictor()
    made.words("a tea", 1000)
    made.silence(PAUSE_MS, 1100)
    assert brief(made.words("a tea and a cake", 1150)) == [
        ("a tea", Outcome.OTHER_WORDS),
        ("a tea and a cake", Because.PAUSE),
    ]


def test_nothing_is_answered_without_a_turn_or_without_words() -> None:
    made = Predictor(SpeculationRules(pause_ms=PAUSE_MS, min_words=2))
    made.words("a tea", 0)
    assert brief(made.silence(500, 500)) == []
    made.turn_opened(510)
    assert brief(made.words("um", 520)) == []
    assert brief(made.words("um tea", 530)) == []
    assert brief(made.words("um a tea", 540)) == [("um a tea", Because.PAUSE)]


def test_nothing_is_answered_while_another_reply_is_on_its_way() -> None:
    made = predictor()
    made.bot_busy = True
    made.words("a tea", 1000)
    assert brief(made.silence(PAUSE_MS, 1100)) == []
    made.bot_busy = False
    assert brief(made.tick(1132)) == [("a tea", Because.PAUSE)]


def test_a_turn_may_cost_so_many_replies_and_the_next_begins_anew() -> None:
    made = predictor(max_predictions=2)
    made.silence(THRIFTY_PAUSE_MS, 1000)
    begun = [len(brief(made.words(text, 1000 + n))) for n, text in enumerate(("a", "b", "c", "d"))]
    # The third drops the second, and no other comes.
    assert begun == [1, 2, 1, 0]
    made.turn_over()
    made.turn_opened(2000)
    assert brief(made.words("e", 2001)) == [("e", Because.PAUSE)]


def test_a_minute_may_waste_so_many_tokens() -> None:
    made = predictor(max_wasted_tokens_per_minute=1000)
    made.silence(THRIFTY_PAUSE_MS, 1000)
    made.wasted(999, 1000)
    assert len(made.words("a", 1000)) == 1
    made.void(Outcome.OTHER_WORDS)
    made.wasted(1, 1500)
    assert made.words("b", 2000) == []
    # A minute after the first 999, there is room again.
    assert len(made.words("b", 61_001)) == 1


def test_where_half_of_it_is_spent_only_a_real_pause_is_answered() -> None:
    made = predictor(max_wasted_tokens_per_minute=1000, stable_ms=400)
    made.words("a tea", 0)
    made.wasted(500, 0)
    # Neither words that stand still nor a silence that may be inside a word.
    assert made.tick(1000) == []
    assert made.silence(THRIFTY_PAUSE_MS - 1, 1100) == []
    assert brief(made.silence(THRIFTY_PAUSE_MS, 1101)) == [("a tea", Because.PAUSE)]


def test_what_waits_for_too_long_is_dropped_and_not_made_again() -> None:
    made = predictor(expires_ms=1000)
    made.words("a tea", 0)
    made.silence(PAUSE_MS, 100)
    assert made.tick(1099) == []
    assert brief(made.tick(1100)) == [("a tea", Outcome.EXPIRED)]
    assert made.tick(1200) == []
    assert brief(made.words("a tea now", 1300)) == [("a tea now", Because.PAUSE)]


def test_after_a_change_of_the_context_the_same_words_are_answered_again() -> None:
    made = predictor()
    made.words("a tea", 0)
    made.silence(PAUSE_MS, 100)
    assert brief(made.void(Outcome.CONTEXT_CHANGED)) == [("a tea", Outcome.CONTEXT_CHANGED)]
    assert brief(made.tick(132)) == [("a tea", Because.PAUSE)]


def test_the_recognisers_own_prediction_is_taken_at_once() -> None:
    made = predictor()
    assert brief(made.eager("a tea", 1000)) == [("a tea", Because.EAGER)]
    assert brief(made.eager("a tea", 1010)) == []


@pytest.mark.parametrize(
    ("final", "policy", "hits"),
    [
        ("A tea.", MatchPolicy(), True),
        ("A tea, please.", MatchPolicy(), False),
        ("A tea.", MatchPolicy(Match.EXACT), False),
    ],
)
def test_a_reply_is_confirmed_by_the_words_that_it_answers(
    final: str, policy: MatchPolicy, *, hits: bool
) -> None:
    made = predictor(policy=policy)
    made.words("a tea", 0)
    made.silence(PAUSE_MS, 100)
    confirmed = made.confirm(final)
    assert (confirmed is not None) is hits
    assert (made.live is None) is hits
    orders = made.void(Outcome.OTHER_WORDS)
    assert [isinstance(order, Drop) for order in orders] == ([] if hits else [True])


def stands_after_ms(made: Predictor, text: str, began_ms: float) -> float:
    """The silence after which these words may stand, if they come with 80 ms of it."""
    made.turn_opened(began_ms)
    made.silence(80, began_ms + 80)
    made.words(text, began_ms + 80)
    for silence_ms in range(96, 1000, 4):
        made.silence(silence_ms, began_ms + silence_ms)
        if made.may_stand(began_ms + silence_ms):
            return silence_ms
    return float("inf")


def test_partial_words_may_stand_once_the_recogniser_is_known_to_be_done() -> None:
    made = predictor()
    # Nothing is known of this recogniser: it gets its time.
    assert stands_after_ms(made, "a tea", 0) == 300
    made.learn("A tea.", 320)
    made.confirm("A tea.")
    made.turn_over()
    # Its words were complete 80 ms after the speech.
    assert stands_after_ms(made, "a cake", 5000) == 104
    made.learn("A lake.", 5320)
    made.void(Outcome.OTHER_WORDS)
    made.turn_over()
    # A word that was corrected was there all the same.
    assert stands_after_ms(made, "a cake", 5000) == 104
    # Here one was not there: the final transcript had more, and it came after 400 ms.
    made.learn("a cake, please", 5400)
    made.void(Outcome.OTHER_WORDS)
    made.turn_over()
    # Which may happen once, but not twice.
    assert stands_after_ms(made, "a roll", 9000) == 104
    made.learn("a roll, please", 9400)
    made.void(Outcome.OTHER_WORDS)
    made.turn_over()
    assert stands_after_ms(made, "a pie", 13000) == 424


def test_partial_words_stand_for_nothing_in_speech_or_unanswered_or_where_finals_count() -> None:
    made = predictor()
    made.words("a tea", 0)
    made.tick(STABLE_MS)
    assert made.live is not None
    assert not made.may_stand(5000)
    made.silence(1000, 6000)
    assert made.may_stand(6000)
    made.void(Outcome.FAILED)
    assert not made.may_stand(6000)
    patient = predictor(wait_for_final=True)
    patient.words("a tea", 0)
    patient.silence(1000, 1000)
    assert patient.live is not None
    assert not patient.may_stand(9000)

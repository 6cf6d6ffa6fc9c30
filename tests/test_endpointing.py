"""How much silence ends a turn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.endpointing import EndedBy, EndpointRules, Needed, Pause, TurnWords

RULES = EndpointRules(
    silence_ms=700,
    likely_silence_ms=400,
    answer_words=3,
    unfinished_silence_ms=1500,
    smart_turn_threshold=0.5,
    smart_turn_doubt=0.1,
    smart_turn_first_ms=96,
    smart_turn_every_ms=128,
    smart_turn_most=2,
)
LONG = "what time do you close today"


def said(text: str, *, final: bool = True) -> TurnWords:
    """The words of a turn."""
    words = TurnWords()
    words.hear(text, final=final)
    return words


CASES: list[tuple[str, str, float, float, EndedBy]] = [
    ("nothing is known", "", 0.0, 700, EndedBy.SILENCE),
    ("smart turn is sure", LONG, 0.8, 0, EndedBy.SMART_TURN),
    ("smart turn is sure before there are words", "", 0.8, 0, EndedBy.SMART_TURN),
    ("smart turn is in doubt", LONG, 0.3, 400, EndedBy.SMART_TURN),
    ("smart turn hears that more will come", LONG, 0.05, 700, EndedBy.SILENCE),
    ("the recogniser ended a sentence", f"{LONG}?", 0.05, 400, EndedBy.TEXT),
    ("it did so, and smart turn is sure", f"{LONG}?", 0.8, 0, EndedBy.SMART_TURN),
    ("a short answer", "no thanks", 0.0, 400, EndedBy.TEXT),
    ("three words", "a round table", 0.0, 400, EndedBy.TEXT),
    ("four words", "the big round table", 0.0, 700, EndedBy.SILENCE),
    ("a number of seven digits", "my number is five five five one two three four", 0.8, 0,
     EndedBy.SMART_TURN),
    ("a number that is being told", "my number is five five five", 0.99, 1500, EndedBy.SILENCE),
    ("a number with a full stop", "My number is 555.", 0.99, 1500, EndedBy.SILENCE),
    ("a name that is being spelled", "s m i", 0.99, 1500, EndedBy.SILENCE),
    ("a word that nobody ends on", "I'd like a", 0.99, 1500, EndedBy.SILENCE),
    ("a word that few end on", "I want to", 0.3, 1500, EndedBy.SILENCE),
    ("smart turn is sure of it", "I want to", 0.8, 700, EndedBy.SILENCE),
    ("and the recogniser, too", "I want to.", 0.8, 0, EndedBy.SMART_TURN),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "probability", "silence_ms", "because"),
    [pytest.param(*case, id=name) for name, *case in CASES],
)
def test_how_much_silence_it_takes(
    text: str, probability: float, silence_ms: float, because: EndedBy
) -> None:
    pause = Pause(RULES, silence_ms=96)
    pause.answer(probability, number=pause.ask())
    assert pause.needed(said(text)) == Needed(silence_ms, because)


def test_what_is_unfinished_never_ends_sooner_than_what_is_open() -> None:
    hasty = EndpointRules(silence_ms=700, unfinished_silence_ms=100)
    assert Pause(hasty).needed(said("and")).silence_ms == 700


def test_it_is_over_when_the_silence_has_lasted() -> None:
    pause, words = Pause(RULES), said(LONG)
    assert pause.over(words) is None
    for silence_ms, over in ((32, None), (672, None), (704, EndedBy.SILENCE)):
        pause.silence_ms = silence_ms
        assert pause.over(words) is over


def test_words_that_come_in_the_silence_may_end_or_prolong_it() -> None:
    pause, words = Pause(RULES, silence_ms=500), TurnWords()
    words.hear("no", final=False)
    assert pause.over(words) is EndedBy.TEXT
    words.hear("no I'd like a", final=False)
    assert pause.over(words) is None
    words.hear("no I'd like a tea.", final=True)
    assert pause.over(words) is EndedBy.TEXT


def test_smart_turn_is_asked_early_and_again_until_it_is_sure() -> None:
    def asked_at(probabilities: list[float]) -> list[int]:
        pause, asked = Pause(RULES), []
        answers = iter(probabilities)
        for pause.silence_ms in range(32, 800, 32):
            if pause.ask_due:
                asked.append(int(pause.silence_ms))
                pause.answer(next(answers), number=pause.ask())
        return asked

    assert asked_at([0.1, 0.2]) == [96, 224]
    assert asked_at([0.9]) == [96]


def test_an_answer_that_comes_after_its_pause_is_void() -> None:
    pause = Pause(RULES, silence_ms=96)
    number = pause.ask()
    pause.end()
    pause.silence_ms = 96
    pause.answer(0.9, number=number)
    assert pause.over(said(LONG)) is None
    assert pause.ask_due


def test_the_words_are_the_final_ones_and_the_guess_at_the_next() -> None:
    words = TurnWords()
    words.hear("two", final=False)
    words.hear("two teas", final=True)
    words.hear("and a cake", final=False)
    assert (words.text, words.count) == ("two teas and a cake", 5)
    words.hear("", final=False)
    assert words.text == "two teas"


@pytest.mark.parametrize(
    ("setting", "told", "waits"),
    [(None, None, True), (None, "en-US", True), (None, "de", False), ("de", "en", False)],
)
def test_english_rules_hold_for_english(setting: str | None, told: str | None, waits: bool) -> None:
    words = TurnWords(setting)
    words.hear("und an", final=True, language=told)
    assert words.ending.waits is waits


@given(
    st.sampled_from(["", "yes", LONG, f"{LONG}.", "and", "I want to", "five five five"]),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_surer_model_never_makes_anybody_wait_longer(text: str, one: float, two: float) -> None:
    def wait_ms(probability: float) -> float:
        pause = Pause(RULES, silence_ms=96)
        pause.answer(probability, number=pause.ask())
        return pause.needed(said(text)).silence_ms

    assert wait_ms(max(one, two)) <= wait_ms(min(one, two)) <= RULES.unfinished_silence_ms


STANDS: list[tuple[str, str, float, EndedBy, bool]] = [
    ("smart turn is sure", LONG, 0.8, EndedBy.SMART_TURN, True),
    ("smart turn is in doubt", "I will pay in cash", 0.3, EndedBy.SMART_TURN, False),
    ("in doubt, behind a question with all its words", LONG, 0.3, EndedBy.SMART_TURN, True),
    ("it hears that more will come", LONG, 0.05, EndedBy.TEXT, False),
    ("a number with its last digit", "my zip code is nine oh three one eight", 0.0, EndedBy.TEXT,
     True),
    ("the whole silence", "I will pay in cash", 0.0, EndedBy.SILENCE, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "probability", "over", "stands"),
    [pytest.param(*case, id=name) for name, *case in STANDS],
)
def test_whether_partial_words_may_stand_for_the_final_ones(
    text: str, probability: float, over: EndedBy, stands: bool
) -> None:
    pause = Pause(RULES, silence_ms=256)
    pause.answer(probability, number=pause.ask())
    assert pause.stands(said(text), over) is stands


def test_behind_a_word_that_few_end_on_smart_turn_must_be_surer() -> None:
    rules = replace(RULES, smart_turn_threshold=0.35)
    pause = Pause(rules, silence_ms=96)
    pause.answer(0.45, number=pause.ask())
    assert pause.needed(said(LONG)).silence_ms == 0
    assert pause.needed(said("I want to")).silence_ms == RULES.unfinished_silence_ms

"""What the user's words mean at a question: in doubt it is no yes."""

from __future__ import annotations

import pytest

from bargein.tools.asking import Asking, Phase
from bargein.tools.confirmation import Answer, understood
from bargein.tools.in_flight import Call
from bargein.tools.question import asked
from tests.tools.room import tool

MEANT = {
    Answer.YES: [
        "yes", "Yes.", "yes please", "Yeah, sure!", "OK.", "okay, go ahead", "um, yes",
        "No problem, go ahead.", "yes yes yes", "that’s right", "Yes, that's correct.", "do it",
        "sure, why not", "please do", "absolutely, thank you", "oh yes please", "sounds good",
        "Yes, do that now.", "I'd like that", "you may",
    ],
    Answer.NO: [
        "no", "No, thanks.", "nope", "yeah, no", "no, yes", "not now", "not yet please", "don't",
        "yes, don't", "of course not", "yes wait", "ok, cancel", "wait", "later", "never mind",
        "I don't know", "that's not right", "yes I said no", "I would rather tea", "sure, not",
        "please stop", "that's wrong",
    ],
    Answer.AGAIN: [
        "what?", "Sorry?", "pardon me", "sorry, what", "come again", "could you repeat that please",
        "I didn't catch that", "what did you say", "hm", "mm-hm", "uh-huh", "huh?", "right", "",
    ],
    Answer.OTHER: [
        "yes but make it two", "yes if it is free", "I guess so", "maybe", "probably", "two",
        "yes, two", "no problem", "why not", "yes, for Anna", "what time is it", "he said yes",
        "it says yes", "yes yes, but first the weather", "confirmation", "yesterday",
        "okay, and tea", "fine, whatever", "thank you", "perfect", "the answer is yes", "say yes",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "meant"), [(text, meant) for meant, texts in MEANT.items() for text in texts]
)
def test_words_mean(text: str, meant: Answer) -> None:
    assert understood(text) is meant


@pytest.mark.parametrize(
    "said",
    [
        {"who": "Anna", "cups": 2},
        {"who": "Anna\n\n  Lee", "cups": 2.0},
    ],
)
def test_a_question_has_the_declarations_words_and_the_calls_values(
    said: dict[str, object],
) -> None:
    name = "Anna" if said["who"] == "Anna" else "Anna Lee"
    assert asked("Shall I order {cups} for {who}?", said) == f"Shall I order 2 for {name}?"


def test_what_an_llm_has_written_into_an_argument_is_cut_short_and_read_as_it_is() -> None:
    question = asked("Book for {who}?", {"who": "{cups} " + "x" * 500})
    assert question.startswith("Book for {cups} xxx")
    assert len(question) < 120


def test_the_braces_of_a_question_may_be_doubled() -> None:
    assert asked("Write {{{who}}}?", {"who": True}) == "Write {yes}?"


def call(number: int = 1) -> Call:
    return Call(str(number), tool(confirm=True), {"cups": number})


def test_only_what_began_behind_the_questions_first_sound_is_an_answer() -> None:
    asking = Asking()
    asking.waiting.append(call())
    assert asking.answer("yes", 10) is None
    asking.say()
    assert asking.answer("yes", 10) is None
    asking.bot_started(100)
    assert asking.answer("yes", 99) is None
    assert asking.answer("yes", 100) is Answer.YES
    asking.bot_ended()
    assert asking.answer("yes", 5_000) is Answer.YES
    asking.close()
    assert asking.answer("yes", 6_000) is None


def test_a_question_is_asked_twice_and_not_three_times() -> None:
    asking = Asking()
    asking.waiting.append(call())
    for expected in (Answer.AGAIN, Answer.OTHER):
        asking.say()
        asking.bot_started(0)
        assert asking.answer("what?", 1) is expected
        asking.ask_again()


def test_the_second_question_waits_for_the_answer_to_the_first() -> None:
    asking = Asking()
    first, second = call(1), call(2)
    asking.waiting.extend([first, second])
    assert asking.next is first
    asking.say()
    assert asking.next is None
    asking.bot_started(0)
    assert asking.close() is first
    assert (asking.next, asking.phase) == (second, Phase.NONE)

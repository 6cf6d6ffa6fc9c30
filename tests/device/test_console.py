"""What a talk at this machine shows."""

from __future__ import annotations

from io import StringIO

import pytest

from bargein.floor import Floor
from bargein.protocol import (
    Accepted,
    Contested,
    Error,
    Message,
    Reason,
    Rejected,
    SpokenWord,
    State,
    Transcript,
    Words,
)
from bargein.transports.device.console import Console, Narrator


def words(utterance: int, *texts: str, first: int = 0) -> Words:
    spoken = tuple(SpokenWord(text=text, start_sample=0, end_sample=1) for text in texts)
    return Words(utterance=utterance, first_word=first, words=spoken)


SPEAKING, IDLE, LISTENING, CONTESTED = (
    State(state=floor) for floor in (Floor.SPEAKING, Floor.IDLE, Floor.LISTENING, Floor.CONTESTED)
)
TALKS: list[tuple[str, list[Message], list[str]]] = [
    (
        "an utterance that was heard to its end is one line",
        [SPEAKING, words(1, "Hello", "there."), words(1, "Bye.", first=2), IDLE],
        ["bot  Hello there. Bye."],
    ),
    (
        "of one that was cut off only what was heard is shown",
        [
            SPEAKING,
            words(1, "One", "two", "three"),
            Contested(utterance=1, verdict_deadline_ms=600),
            Accepted(utterance=1, cut_samples=9, heard_text="One", unheard_text="two three"),
            LISTENING,
            Transcript(text="Stop", final=False),
            Transcript(text="Stop it.", final=True),
            Transcript(text="Stop it.", final=True),
        ],
        ["bot  One ... (interrupted)", "you  Stop it."],
    ),
    (
        "a false alarm leaves the utterance whole",
        [
            SPEAKING,
            words(1, "One", "two"),
            CONTESTED,
            Contested(utterance=1, verdict_deadline_ms=600),
            Rejected(utterance=1, at_sample=3, reason=Reason.ECHO),
            IDLE,
        ],
        ["     (its own voice: the bot went on)", "bot  One two"],
    ),
    (
        "the same words in the next turn are shown again",
        [
            LISTENING,
            Transcript(text="Yes", final=True),
            SPEAKING,
            words(1, "Good."),
            LISTENING,
            Transcript(text="Yes", final=True),
        ],
        ["you  Yes", "bot  Good.", "you  Yes"],
    ),
    ("an error is shown", [Error(code="no_reply", message="No reply.")], ["     No reply."]),
]


@pytest.mark.parametrize(
    ("messages", "lines"), [talk[1:] for talk in TALKS], ids=[t[0] for t in TALKS]
)
def test_a_talk_is_shown_in_few_lines(messages: list[Message], lines: list[str]) -> None:
    narrator = Narrator()
    assert [line for message in messages for line in narrator.take(message)] == lines


def test_every_reason_has_its_words() -> None:
    for reason in Reason:
        assert Narrator().take(Rejected(utterance=1, at_sample=0, reason=reason))


def test_where_nobody_looks_on_there_is_no_line_about_the_floor() -> None:
    page = StringIO()
    console = Console(page)
    for message in (LISTENING, Transcript(text="Hi", final=True), SPEAKING):
        console.note(message)
    console.end()
    assert page.getvalue() == "you  Hi\n"


class Terminal(StringIO):
    """Somebody looks on."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_on_a_terminal_the_last_line_says_who_has_the_floor() -> None:
    page = Terminal()
    console = Console(page)
    console.note(LISTENING)
    console.note(Transcript(text="Hi", final=True))
    shown = page.getvalue().split("\r\x1b[K")
    assert shown == ["", "     (listening)", "you  Hi\n     (listening)"]

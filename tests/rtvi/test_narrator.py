"""What an RTVI client is told of the conversation, and when."""

from __future__ import annotations

from typing import Any

import pytest

from bargein.floor import Floor
from bargein.outlet import Position
from bargein.protocol import Error, SpokenWord, State, Transcript, Words
from bargein.transports.rtvi.narrator import Narrator

STARTED, STOPPED = "started-speaking", "stopped-speaking"


def told(messages: list[Any]) -> list[str]:
    """The types of messages."""
    return [str(each.type) for each in messages]


def words(text: str, *, first: int = 0, utterance: int = 1) -> Words:
    """Words of 100 samples each."""
    spoken = [
        SpokenWord(text=each, start_sample=i * 100, end_sample=(i + 1) * 100)
        for i, each in enumerate(text.split(), start=first)
    ]
    return Words(utterance=utterance, first_word=first, words=tuple(spoken))


def outputs(messages: list[Any]) -> list[tuple[str, str]]:
    """Status and spoken text of bot-output messages."""
    return [
        (each.data.spoken_status, each.data.spoken_progress.accumulated_text) for each in messages
    ]


@pytest.mark.parametrize(
    ("floors", "expected"),
    [
        ([Floor.LISTENING], [f"user-{STARTED}"]),
        ([Floor.LISTENING, Floor.PROCESSING], [f"user-{STARTED}", f"user-{STOPPED}"]),
        ([Floor.SPEAKING, Floor.IDLE], [f"bot-{STARTED}", f"bot-{STOPPED}"]),
        ([Floor.SPEAKING, Floor.CONTESTED, Floor.SPEAKING], [f"bot-{STARTED}"]),
        (
            [Floor.SPEAKING, Floor.CONTESTED, Floor.LISTENING],
            [f"bot-{STARTED}", f"bot-{STOPPED}", f"user-{STARTED}"],
        ),
        ([Floor.IDLE, Floor.PROCESSING, Floor.CONTESTED], []),
    ],
)
def test_who_speaks_follows_the_floor(floors: list[Floor], expected: list[str]) -> None:
    narrator = Narrator()
    assert [t for f in floors for t in told(narrator.take(State(state=f)))] == expected


def test_a_word_is_told_when_it_was_handed_out_and_not_before() -> None:
    narrator = Narrator()
    assert narrator.take(words("Good morning, all. Hello")) == []
    assert outputs(narrator.handed_out(Position(1, 10))) == [("new", "")]
    assert outputs(narrator.handed_out(Position(1, 40))) == []
    assert outputs(narrator.handed_out(Position(1, 60))) == [("in-progress", "Good")]
    assert outputs(narrator.handed_out(Position(1, 290))) == [
        ("in-progress", "Good morning,"),
        ("completed", "Good morning, all."),
    ]
    assert outputs(narrator.handed_out(Position(1, 310))) == [("new", "")]


def test_a_finished_utterance_was_spoken_to_its_last_word() -> None:
    narrator = Narrator()
    narrator.take(words("Good morning"))
    ended = narrator.handed_out(Position(1, 120, finished=True))
    assert outputs(ended)[-1] == ("completed", "Good morning")


def test_words_that_come_after_their_audio_are_told_at_once() -> None:
    narrator = Narrator()
    assert narrator.handed_out(Position(1, 200)) == []
    assert outputs(narrator.take(words("Good morning")))[-1] == ("completed", "Good morning")


def test_each_utterance_begins_with_its_own_first_word() -> None:
    narrator = Narrator()
    narrator.take(words("Good morning."))
    narrator.take(words("Hello.", utterance=2))
    narrator.handed_out(Position(1, 60))
    assert outputs(narrator.handed_out(Position(2, 60))) == [("new", ""), ("completed", "Hello.")]


def test_a_client_of_rtvi_1_gets_each_word_as_spoken() -> None:
    narrator = Narrator()
    narrator.version = (1, 2, 0)
    narrator.take(words("Good morning"))
    (first,) = narrator.handed_out(Position(1, 60))
    shown = first.model_dump(exclude_none=True)["data"]
    assert (shown["text"], shown["spoken"]) == ("Good", True)
    assert "spoken_status" not in shown


@pytest.mark.parametrize(
    ("version", "types"),
    [((2, 0, 0), ["user-transcription"]), ((2, 2, 0), ["user-transcription", "user-input"])],
)
def test_what_the_user_said_is_told_in_the_words_that_the_client_knows(
    version: tuple[int, ...], types: list[str]
) -> None:
    narrator = Narrator()
    narrator.version = version
    assert told(narrator.take(Transcript(text="tea", final=True))) == types
    assert narrator.take(Transcript(text="", final=True)) == []


def test_an_error_says_whether_it_is_the_end() -> None:
    (error,) = Narrator().take(Error(code="bot_failed", message="no voice", final=True))
    assert error.model_dump()["data"] == {"error": "no voice", "fatal": True}

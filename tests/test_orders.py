"""What follows a turn without words: the rest of the answer, once, and never a stammer."""

from __future__ import annotations

import pytest
from pipecat.frames.frames import Frame, InterruptionFrame, LLMRunFrame, TTSSpeakFrame

from bargein.arbiter import Accept, Arbiter, GoOn
from bargein.cut import Cut
from bargein.packet import Packet
from bargein.processors.clock import LoopClock
from bargein.processors.orders import Orders
from bargein.processors.played_audio import PlayedAudio
from bargein.processors.wire import Wire
from bargein.protocol import Accepted, Message, State

ACCEPT = Accept(1, 100, 50, preparing=False)
CUT = Cut(
    utterance=1,
    cut_samples=100,
    heard="One, two. Three",
    unheard="four.",
    remainder="Three four.",
    heard_in_reply="One, two. Three",
    number=1,
)
ALL_HEARD = Cut(1, 100, heard="One.", unheard="", remainder="", heard_in_reply="One.", number=1)


class Silence:
    """A link that leads nowhere, and keeps what was said."""

    def __init__(self) -> None:
        self.said: list[Message] = []

    def send(self, message: Message) -> None:
        self.said.append(message)

    def send_audio(self, packet: Packet) -> None:
        pass


class CutAt(PlayedAudio):
    """A tracker that was cut here."""

    said_before = False

    def __init__(self, cut: Cut, *, reply_open: bool) -> None:
        super().__init__()
        self._given, self._open = cut, reply_open

    @property
    def reply_open(self) -> bool:
        return self._open

    def accept(self, utterance: int, at_sample: int | None) -> Cut:
        return self._given

    def cuts(self, cut: Cut) -> None:
        """It is cut here the next time."""
        self._given = cut

    def say_at_once(self, phrase: str) -> bool:
        return self.said_before


class CutAndPrepared(CutAt):
    """The same, with a voice that has said all phrases before."""

    said_before = True


def orders(
    cut: Cut,
    *,
    reply_open: bool = False,
    epoch: int = 1,
    link: Silence | None = None,
    tracker: CutAt | None = None,
) -> Orders:
    """Orders for a bot that is cut here, accepted."""
    given = Orders(
        arbiter=Arbiter(epoch=epoch),
        wire=Wire(link or Silence(), "s"),
        played_audio=tracker or CutAt(cut, reply_open=reply_open),
        resume_phrases=["As I was  saying,"],
        clock=LoopClock(),
    )
    given.carry_out([ACCEPT])
    return given


def pushed(given: Orders) -> list[str]:
    """What goes down the pipeline: what to say, or the frame's kind."""
    frames: list[Frame] = []
    while not given.outbox.empty():
        frames.append(given.outbox.get_nowait())
    assert isinstance(frames.pop(0), InterruptionFrame)
    return [
        each.text if isinstance(each, TTSSpeakFrame) else type(each).__name__ for each in frames
    ]


async def test_the_bot_goes_on_from_the_start_of_the_cut_sentence() -> None:
    given = orders(CUT)
    given.carry_out([GoOn(), GoOn()])
    assert pushed(given) == ["As I was saying, Three four."]


async def test_a_resume_that_is_cut_off_does_not_say_its_phrase_twice() -> None:
    given = orders(
        Cut(
            2,
            9,
            "As I",
            "was saying, Three four.",
            "As I was saying, Three four.",
            "As I",
            number=2,
        )
    )
    given.carry_out([GoOn()])
    assert pushed(given) == ["As I was saying, Three four."]


async def test_it_goes_on_from_where_the_correction_says() -> None:
    given = orders(CUT)
    given.correct(Cut(1, 10, "One,", "two. Three four.", "One, two. Three four.", "One,", number=1))
    given.carry_out([GoOn()])
    assert pushed(given) == ["As I was saying, One, two. Three four."]


async def test_a_correction_of_another_cut_changes_nothing() -> None:
    given = orders(CUT)
    given.correct(Cut(9, 10, "", "Other.", "Other.", "", number=7))
    given.carry_out([GoOn()])
    assert pushed(given) == ["As I was saying, Three four."]


@pytest.mark.parametrize(("reply_open", "follows"), [(True, [LLMRunFrame.__name__]), (False, [])])
async def test_a_reply_that_was_cancelled_in_the_making_is_asked_for_again(
    reply_open: bool, follows: list[str]
) -> None:
    given = orders(ALL_HEARD, reply_open=reply_open)
    given.carry_out([GoOn()])
    assert pushed(given) == follows


async def test_what_was_cut_off_by_words_is_not_taken_up_again() -> None:
    given = orders(CUT)
    given.forget_unsaid()
    given.carry_out([GoOn()])
    assert pushed(given) == []


@pytest.mark.parametrize(("epoch", "answer"), [(1, [Accepted, State]), (2, []), (3, [])])
async def test_whoever_speaks_under_an_older_epoch_gets_the_verdict_and_the_floor(
    epoch: int, answer: list[type[Message]]
) -> None:
    link = Silence()
    given = orders(CUT, epoch=2, link=link)
    link.said.clear()
    given.catch_up(epoch)
    assert [type(message) for message in link.said] == answer


def spoken_of(given: Orders) -> list[str]:
    """What the voice is told to say."""
    frames = [given.outbox.get_nowait() for _ in range(given.outbox.qsize())]
    return [each.text for each in frames if isinstance(each, TTSSpeakFrame)]


def test_where_the_phrase_sounds_at_once_the_voice_says_the_rest_alone() -> None:
    given = orders(CUT, tracker=CutAndPrepared(CUT, reply_open=False))
    given.carry_out([GoOn()])
    assert spoken_of(given) == ["Three four."]


@pytest.mark.parametrize(
    ("heard", "unheard", "remainder"),
    [
        pytest.param("As I", "was saying,", "As I was saying,", id="in the phrase"),
        pytest.param("As I was saying,", "", "", id="right behind it"),
    ],
)
def test_a_resume_that_is_cut_before_its_rest_is_known_loses_nothing(
    heard: str, unheard: str, remainder: str
) -> None:
    tracker = CutAndPrepared(CUT, reply_open=False)
    given = orders(CUT, tracker=tracker)
    given.carry_out([GoOn()])
    spoken_of(given)
    tracker.cuts(Cut(2, 50, heard, unheard, remainder, heard, number=2))
    given.carry_out([ACCEPT])
    given.carry_out([GoOn()])
    assert spoken_of(given) == ["Three four."]

"""The gateway: what the client's messages do to those it works with."""

from __future__ import annotations

from typing import Any

import pytest
from pipecat.frames.frames import InputTransportMessageFrame, VADUserStartedSpeakingFrame
from pipecat.processors.frame_processor import FrameDirection

from bargein.cut import Cut
from bargein.floor import Heard
from bargein.packet import Packet
from bargein.processors.interruption import Interruption
from bargein.processors.played_audio import PlayedAudio
from bargein.processors.wire import Wire
from bargein.protocol import Message, Transcript, Welcome, Words


class Kept:
    """A link that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def send_audio(self, packet: Packet) -> None:
        pass


class Speaker(PlayedAudio):
    """A tracker that has two words to say."""

    def __init__(self) -> None:
        super().__init__()
        self._playout.append(bytes(48_000))
        self._playout.add_word("Good", 0)
        self._playout.add_word("morning", 9000)


class Tracker(PlayedAudio):
    """A tracker that says where the loudspeaker fell silent."""

    def __init__(self) -> None:
        super().__init__()
        self.silences: list[tuple[int, int]] = []

    def silenced(self, utterance: int, at_sample: int) -> None:
        self.silences.append((utterance, at_sample))

    def accept(self, utterance: int, at_sample: int | None) -> Cut:
        return Cut(1, 4800, heard="", unheard="", remainder="", heard_in_reply="", number=1)


def truncate(at_sample: int) -> InputTransportMessageFrame:
    """The client has muted the bot, in the first epoch."""
    message: dict[str, Any] = {"type": "bargein/truncate", "v": 1, "seq": 1, "epoch": 1}
    told = {"utterance": 1, "played_samples": at_sample, "probability": 0.9, "window_index": 5}
    return InputTransportMessageFrame(message={**message, **told})


def attach(gateway: Interruption, tracker: PlayedAudio) -> Kept:
    """Connect the gateway with the tracker; gives the link to the client."""
    link = Kept()
    wire = Wire(link, "s")
    tracker.attach(wire=wire, ears=gateway)
    gateway.attach(
        wire=wire,
        played_audio=tracker,
        welcome=Welcome(),
        min_speech_duration_ms=150,
        correct=lambda _: None,
    )
    return link


def hello(session: str) -> InputTransportMessageFrame:
    """A client that had a connection to this session comes back."""
    resume = {"session": session, "utterance": 1, "played_samples": 100}
    told = {"type": "bargein/hello", "v": 1, "seq": 0, "capabilities": {}, "resume": resume}
    return InputTransportMessageFrame(message=told)


async def test_a_truncate_that_comes_after_its_verdict_silences_nothing_that_was_said_since() -> (
    None
):
    tracker, gateway = Tracker(), Interruption()
    attach(gateway, tracker)
    gateway.bot(Heard.BOT_STARTED)
    await gateway.process_frame(truncate(4800), FrameDirection.DOWNSTREAM)
    assert tracker.silences == [(1, 4800)]
    gateway.words("No, tea please.", final=False)
    await gateway.process_frame(truncate(4800), FrameDirection.DOWNSTREAM)
    assert tracker.silences == [(1, 4800)]


@pytest.mark.parametrize(
    ("session", "final", "told"),
    [
        ("s", True, ["Good morning", "two teas"]),
        # The turn that it belonged to is over.
        ("s", False, ["Good morning"]),
        ("another", True, []),
    ],
)
async def test_who_comes_back_to_a_session_is_told_again_what_may_have_been_told_to_nobody(
    session: str, final: bool, told: list[str]
) -> None:
    gateway = Interruption()
    link = attach(gateway, Speaker())
    gateway.words("two teas", final=final)
    link.sent.clear()
    await gateway.process_frame(hello(session), FrameDirection.DOWNSTREAM)
    shown = [" ".join(w.text for w in m.words) for m in link.sent if isinstance(m, Words)]
    shown += [m.text for m in link.sent if isinstance(m, Transcript)]
    assert shown == told


async def test_who_comes_back_in_mid_turn_is_told_the_words_so_far() -> None:
    gateway = Interruption()
    link = attach(gateway, PlayedAudio())
    await gateway.process_frame(VADUserStartedSpeakingFrame(), FrameDirection.UPSTREAM)
    gateway.words("two", final=False)
    link.sent.clear()
    await gateway.process_frame(hello("s"), FrameDirection.DOWNSTREAM)
    assert [m.text for m in link.sent if isinstance(m, Transcript)] == ["two"]

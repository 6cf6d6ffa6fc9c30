"""The gateway: what the client's messages do to those it works with."""

from __future__ import annotations

from typing import Any

from pipecat.frames.frames import InputTransportMessageFrame
from pipecat.processors.frame_processor import FrameDirection

from bargein.cut import Cut
from bargein.floor import Heard
from bargein.packet import Packet
from bargein.processors.interruption import Interruption
from bargein.processors.played_audio import PlayedAudio
from bargein.processors.wire import Wire
from bargein.protocol import Message, Welcome


class Nobody:
    """A link that leads nowhere."""

    def send(self, message: Message) -> None:
        pass

    def send_audio(self, packet: Packet) -> None:
        pass


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


async def test_a_truncate_that_comes_after_its_verdict_silences_nothing_that_was_said_since() -> (
    None
):
    tracker, gateway = Tracker(), Interruption()
    gateway.attach(
        wire=Wire(Nobody(), "s"),
        played_audio=tracker,
        welcome=Welcome(),
        min_speech_duration_ms=150,
        correct=lambda _: None,
    )
    gateway.bot(Heard.BOT_STARTED)
    await gateway.process_frame(truncate(4800), FrameDirection.DOWNSTREAM)
    assert tracker.silences == [(1, 4800)]
    gateway.words("No, tea please.", final=False)
    await gateway.process_frame(truncate(4800), FrameDirection.DOWNSTREAM)
    assert tracker.silences == [(1, 4800)]

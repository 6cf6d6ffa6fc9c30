"""The link plays a client of bargein/1: it stops, says where, goes on, and counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bargein.packet import Flag, Kind, Packet
from bargein.protocol import (
    Accepted,
    ClientMessage,
    Contested,
    Played,
    Reason,
    Rejected,
    Truncate,
    Welcome,
)
from bargein.transports.rtvi.link import REFUSALS_TOLD, RtviLink
from tests.rtvi.forged import FORGED, rtvi

RATE_HZ = 24_000
CHUNK = 480
READY = rtvi("client-ready", {"version": "2.2.0", "about": {"library": "test"}})


class Client:
    """A link, what it wrote to the real client, and what it says on its behalf."""

    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []
        self.link = RtviLink(
            lambda text: self.written.append(json.loads(text)), sample_rate_hz=RATE_HZ
        )

    @property
    def types(self) -> list[str]:
        return [str(each["type"]) for each in self.written]

    def said(self) -> list[ClientMessage]:
        """What was said since the last time."""
        queue = self.link.control
        return [queue.get_nowait() for _ in range(queue.qsize())]

    def voice(self, chunks: int, *, epoch: int = 1, start: int = 0, last: bool = False) -> None:
        """So much of the bot's voice arrives."""
        flags = Flag.LAST if last else Flag.NONE
        pcm = b"\1\0" * CHUNK * chunks
        self.link.send_audio(Packet(Kind.BOT, epoch, 1, start, pcm, flags=flags))

    def play(self, chunks: int) -> int:
        """Take chunks; gives how many samples of them were voice."""
        return sum(self.link.take(CHUNK).count(b"\1") for _ in range(chunks))


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.mark.parametrize("ready_first", [True, False])
def test_the_bot_is_ready_once_both_sides_are(client: Client, ready_first: bool) -> None:
    steps = [lambda: client.link.hear(READY), lambda: client.link.send(Welcome())]
    first, second = steps if ready_first else reversed(steps)
    first()
    assert client.types == []
    second()
    (ready,) = client.written
    assert (ready["type"], ready["id"]) == ("bot-ready", "forged-client-ready")
    assert ready["data"]["version"].startswith("2.")


def test_a_pause_stops_at_the_sample_and_says_where(client: Client) -> None:
    client.voice(20)
    client.play(5)
    client.link.send(Contested(epoch=1, utterance=1, verdict_deadline_ms=600))
    (truncate,) = client.said()
    assert truncate == Truncate(epoch=1, utterance=1, played_samples=5 * CHUNK, detected=False)
    assert client.play(5) == 0


def test_a_rejected_pause_goes_on_with_what_is_sent_from_there(client: Client) -> None:
    client.voice(20)
    client.play(5)
    client.link.send(Contested(epoch=1, utterance=1, verdict_deadline_ms=600))
    client.link.send(Rejected(epoch=2, utterance=1, at_sample=5 * CHUNK, reason=Reason.NO_SPEECH))
    client.voice(3, epoch=2, start=5 * CHUNK, last=True)
    assert client.play(10) == 3 * CHUNK
    last = client.said()[-1]
    assert last == Played(
        epoch=2, utterance=1, played_samples=8 * CHUNK, finished=True, estimate=True
    )


def test_an_accepted_one_drops_the_rest_and_tells_the_last_position(client: Client) -> None:
    client.voice(20)
    client.play(7)
    client.link.send(Accepted(epoch=2, utterance=1, cut_samples=0))
    assert client.play(5) == 0
    last = client.said()[-1]
    assert isinstance(last, Played)
    assert last.estimate
    assert last.played_samples == 7 * CHUNK


def test_progress_is_told_every_200_ms(client: Client) -> None:
    client.voice(50)
    client.play(50)
    told = [each for each in client.said() if isinstance(each, Played)]
    assert [each.played_samples for each in told] == [4800, 9600, 14400, 19200, 24000]


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_message_is_answered_counted_and_goes_nowhere(client: Client, name: str) -> None:
    client.link.hear(FORGED[name])
    assert client.types == ["error-response"]
    assert client.link.refused == 1
    assert client.said() == []
    assert not client.link.ready.is_set()
    assert not client.link.closed.is_set()


def test_who_forges_on_and_on_gets_no_more_answers(client: Client) -> None:
    for _ in range(REFUSALS_TOLD + 10):
        client.link.hear(FORGED["an action"])
    assert len(client.written) == REFUSALS_TOLD
    assert client.link.refused == REFUSALS_TOLD + 10


def test_a_flood_ends_the_conversation(client: Client) -> None:
    for _ in range(2000):
        client.link.hear("ping")
    assert client.link.closed.is_set()

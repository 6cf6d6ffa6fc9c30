"""What a listener asks for again is sent once more, and nothing else is."""

from __future__ import annotations

import pytest

from bargein.packet import Flag, Kind, Packet
from bargein.sending_again import KEPT_PACKETS, SendingAgain, end_of

CHUNK = 480


def chunk(number: int, *, epoch: int = 1, utterance: int = 1) -> Packet:
    return Packet(Kind.BOT, epoch, utterance, number * CHUNK, bytes(2 * CHUNK))


def missing(start: int, samples: int, *, epoch: int = 1, utterance: int = 1) -> Packet:
    count = samples.to_bytes(4, "little")
    return Packet(Kind.MISSING, epoch, utterance, start, count)


def sent(count: int) -> SendingAgain:
    kept = SendingAgain()
    for number in range(count):
        kept.keep(chunk(number))
    return kept


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        (missing(2 * CHUNK, CHUNK), [2]),
        (missing(2 * CHUNK, 2 * CHUNK), [2, 3]),
        (missing(2 * CHUNK + 10, 1), [2]),  # a part of a packet
        (missing(2 * CHUNK, 0), []),
        (missing(2 * CHUNK, CHUNK, epoch=2), []),  # it was flushed
        (missing(2 * CHUNK, CHUNK, utterance=2), []),
        (missing(9 * CHUNK, CHUNK), []),  # not sent yet
        (Packet(Kind.MICROPHONE, 1, 1, 0, bytes(4)), []),
        (Packet(Kind.MISSING, 1, 1, 0, bytes(6)), []),
    ],
)
def test_what_is_asked_for_is_sent_again(question: Packet, numbers: list[int]) -> None:
    assert sent(5).asked_for(question) == [chunk(number) for number in numbers]


def test_nothing_is_sent_again_twice() -> None:
    kept = sent(5)
    assert len(kept.asked_for(missing(0, 2**32 - 1))) == 5
    assert kept.asked_for(missing(0, 2**32 - 1)) == []
    assert kept.packets == 5


def test_what_is_long_gone_is_forgotten() -> None:
    kept = sent(KEPT_PACKETS + 1)
    assert kept.asked_for(missing(0, CHUNK)) == []


def test_an_end_stands_behind_the_last_sample() -> None:
    last = Packet(Kind.BOT, 3, 7, 960, bytes(200), Flag.LAST)
    assert end_of(last) == Packet(Kind.BOT, 3, 7, 1060, b"", Flag.LAST)

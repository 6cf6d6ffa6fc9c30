"""The audio packet: it comes out as it went in, and garbage is refused in words."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.errors import ProtocolError
from bargein.packet import HEADER_BYTES, MAX_PACKET_BYTES, U32_MAX, Flag, Kind, Packet

PACKETS = st.builds(
    Packet,
    kind=st.sampled_from(Kind),
    epoch=st.integers(0, U32_MAX),
    utterance=st.integers(0, U32_MAX),
    start_sample=st.integers(0, 2**64 - 1),
    pcm=st.binary(max_size=400).map(lambda raw: raw[: len(raw) // 2 * 2]),
    flags=st.sampled_from([Flag.NONE, Flag.LAST]),
)


def test_the_layout_is_the_one_that_is_written_down() -> None:
    packet = Packet(Kind.BOT, 0x01020304, 0x05060708, 0x0A0B0C0D, b"\x34\x12", Flag.LAST)
    assert packet.pack() == bytes.fromhex("01 01 0000 04030201 08070605 0d0c0b0a00000000 3412")
    assert HEADER_BYTES == 20


@given(PACKETS)
def test_a_packet_comes_out_as_it_went_in(packet: Packet) -> None:
    assert Packet.unpack(packet.pack()) == packet
    assert packet.samples * 2 == len(packet.pcm)


HEADER = Packet(Kind.MICROPHONE, 1, 0, 0, b"").pack()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "20 bytes, got 0"),
        (HEADER[:19], "20 bytes, got 19"),
        (b"\x04" + HEADER[1:], "kind 4 is unknown"),
        (b"\x00" + HEADER[1:], "kind 0 is unknown"),
        (HEADER + b"\x00", "half a sample"),
        (HEADER + bytes(MAX_PACKET_BYTES), "at most"),
    ],
)
def test_what_is_wrong_with_a_packet_is_said(data: bytes, says: str) -> None:
    with pytest.raises(ProtocolError, match=says) as caught:
        Packet.unpack(data)
    assert caught.value.code == "bad_packet"


def test_the_largest_packet_is_read() -> None:
    assert Packet.unpack(HEADER + bytes(MAX_PACKET_BYTES - HEADER_BYTES)).samples == 48_000


def test_flags_that_are_not_known_yet_are_no_error() -> None:
    assert Packet.unpack(HEADER[:1] + b"\xff" + HEADER[2:]).flags is Flag.LAST


@given(st.binary(max_size=80))
def test_garbage_is_read_or_refused_and_nothing_else(data: bytes) -> None:
    with suppress(ProtocolError):
        assert Packet.unpack(data).pack()[4:] == data[4:]

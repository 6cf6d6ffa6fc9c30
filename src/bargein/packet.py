"""The binary audio packet of `bargein/1`: a 20-byte little-endian header, then PCM16 mono."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from bargein.errors import ProtocolError

HEADER = struct.Struct("<BBHIIQ")
HEADER_BYTES = HEADER.size
BYTES_PER_SAMPLE = 2
# One second of audio at 48 kHz: nobody who paces needs a larger packet.
MAX_PACKET_BYTES = HEADER_BYTES + 48_000 * BYTES_PER_SAMPLE
U32_MAX = 2**32 - 1


class Kind(IntEnum):
    """What a packet carries."""

    BOT = 1
    """Downlink: the bot's voice, at the rate that `welcome` named."""
    MICROPHONE = 2
    """Uplink: the user's microphone, at 16 kHz."""
    MISSING = 3
    """Uplink, where packets are datagrams: samples of the bot's voice that did not come. They
    begin at `start_sample`; how many they are is what stands in for the audio, as u32."""


class Flag(IntFlag):
    """What else a packet says."""

    NONE = 0
    LAST = 1
    """The utterance ends with this packet (which may be empty)."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One stretch of audio.

    `start_sample` counts within the utterance on the downlink, and since the
    microphone opened on the uplink. `pcm` is little-endian PCM16 mono.
    """

    kind: Kind
    epoch: int
    utterance: int
    start_sample: int
    pcm: bytes
    flags: Flag = Flag.NONE

    @property
    def samples(self) -> int:
        """How many samples it carries."""
        return len(self.pcm) // BYTES_PER_SAMPLE

    def pack(self) -> bytes:
        """Give the packet as it travels."""
        header = HEADER.pack(
            self.kind, self.flags, 0, self.epoch, self.utterance, self.start_sample
        )
        return header + self.pcm

    @classmethod
    def unpack(cls, data: bytes) -> Packet:
        """Read a packet; whatever is wrong with it is a `ProtocolError` with code `bad_packet`."""
        if len(data) < HEADER_BYTES:
            raise ProtocolError(
                "bad_packet",
                f"a packet has a header of {HEADER_BYTES} bytes, got {len(data)} in all",
            )
        if len(data) > MAX_PACKET_BYTES:
            raise ProtocolError(
                "bad_packet", f"a packet has at most {MAX_PACKET_BYTES} bytes, got {len(data)}"
            )
        kind, flags, _reserved, epoch, utterance, start_sample = HEADER.unpack_from(data)
        if kind not in Kind.__members__.values():
            raise ProtocolError(
                "bad_packet",
                f"packet kind {kind} is unknown; 1 is bot, 2 is microphone, 3 is missing",
            )
        if (len(data) - HEADER_BYTES) % BYTES_PER_SAMPLE:
            raise ProtocolError(
                "bad_packet", "PCM16 has two bytes a sample; this packet has half a sample"
            )
        return cls(
            kind=Kind(kind),
            flags=Flag(flags & Flag.LAST),
            epoch=epoch,
            utterance=utterance,
            start_sample=start_sample,
            pcm=data[HEADER_BYTES:],
        )

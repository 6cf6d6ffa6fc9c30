"""The bot's voice that was sent as datagrams, kept for a moment: some of it may not arrive.

The listener asks at once for what is missing, and it is sent again, once: what is lost then
as well comes too late to sound. Where packets arrive by themselves nobody asks.
"""

from __future__ import annotations

from collections import deque

from bargein.packet import BYTES_PER_SAMPLE, Kind, Packet

KEPT_PACKETS = 30
"""600 ms of 20 ms packets: the server's lead, and a bad network's round trip."""
COUNT_BYTES = 4


class SendingAgain:
    """Keeps what was sent, and finds what is asked for."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.packets = 0
        """So many were asked for and there."""
        self._sent: deque[Packet] = deque(maxlen=KEPT_PACKETS)

    def keep(self, packet: Packet) -> None:
        """A packet was sent."""
        self._sent.append(packet)

    def asked_for(self, missing: Packet) -> list[Packet]:
        """Give what was sent of these samples under this epoch, and forget it.

        A packet that is no such question asks for nothing.
        """
        if missing.kind is not Kind.MISSING or len(missing.pcm) != COUNT_BYTES:
            return []
        end_sample = missing.start_sample + int.from_bytes(missing.pcm, "little")
        found = [
            each
            for each in self._sent
            if (each.epoch, each.utterance) == (missing.epoch, missing.utterance)
            and each.start_sample < end_sample
            and each.start_sample + each.samples > missing.start_sample
        ]
        for each in found:
            self._sent.remove(each)
        self.packets += len(found)
        return found


def end_of(packet: Packet) -> Packet:
    """The mere end of the utterance that this packet ends."""
    end_sample = packet.start_sample + len(packet.pcm) // BYTES_PER_SAMPLE
    return Packet(packet.kind, packet.epoch, packet.utterance, end_sample, b"", packet.flags)

"""SCTP may always have a voice's worth of audio on its way.

SCTP takes each loss for congestion, and halves what may be on its way: under 5 % loss a voice of
400 kbit/s then waits in the queue, although the line has room. A voice cannot be sent slower; it
is paced by its own clock, as RTP's is, and what comes too late is given up. So the window has
a floor here. Where the line has no room for it, packets are lost and concealed.
"""

from __future__ import annotations

from aiortc.rtcsctptransport import USERDATA_MAX_LENGTH, RTCSctpTransport

FLOOR_BYTES = 24 * USERDATA_MAX_LENGTH
"""480 ms of 20 ms packets: a round trip, and the wait until a loss is known."""


class VoiceSctpTransport(RTCSctpTransport):
    """The same, but for a congestion window that never falls below the floor."""

    _window_bytes = FLOOR_BYTES

    @property
    def _cwnd(self) -> int:
        return max(FLOOR_BYTES, self._window_bytes)

    @_cwnd.setter
    def _cwnd(self, window_bytes: int) -> None:
        self._window_bytes = window_bytes


def let_voice_through(transport: RTCSctpTransport) -> None:
    """Give this transport's window the floor; before anything is sent."""
    window_bytes = transport.__dict__.pop("_cwnd")
    transport.__class__ = VoiceSctpTransport
    transport._cwnd = window_bytes

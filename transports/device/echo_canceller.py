"""Takes the bot's own voice out of the microphone, with WebRTC's audio processing (AEC3).

The binding is that of the package `livekit` (Apache-2.0), which carries the code and no model.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bargein.errors import PartError
from bargein.protocol import MICROPHONE_RATE_HZ

FRAME_MS = 10
"""WebRTC's audio processing takes frames of this length and no other."""
FRAME_SAMPLES = MICROPHONE_RATE_HZ * FRAME_MS // 1000
FRAME_BYTES = 2 * FRAME_SAMPLES
MOST_DELAY_MS = 500
"""WebRTC takes no larger hint."""
MISSING = (
    "`echo_cancellation: true` needs the package 'livekit'. Install it: "
    "pip install 'bargein[device]', or set it to false and wear headphones."
)


class EchoCanceller:
    """Frames are PCM16 at 16 kHz, 10 ms each."""

    def __init__(self, delay_ms: float) -> None:
        """`delay_ms` passes from `played` to `clean`: the latency of both ends, as a first guess.

        Raises PartError without the package.
        """
        try:
            rtc, apm = import_module("livekit.rtc"), import_module("livekit.rtc.apm")
        except ImportError as error:
            raise PartError(MISSING) from error
        self._frame: Any = rtc.AudioFrame
        self._processing: Any = apm.AudioProcessingModule(
            echo_cancellation=True, high_pass_filter=True
        )
        self._delay_ms = min(MOST_DELAY_MS, max(0, round(delay_ms)))

    def played(self, frame: bytes) -> None:
        """The loudspeaker plays this frame from now on."""
        self._processing.process_reverse_stream(self._made(frame))

    def clean(self, frame: bytes) -> bytes:
        """Give what the microphone heard, without what was played."""
        made = self._made(frame)
        self._processing.set_stream_delay_ms(self._delay_ms)
        self._processing.process_stream(made)
        return bytes(made.data.cast("B"))

    def _made(self, frame: bytes) -> Any:
        return self._frame(bytearray(frame), MICROPHONE_RATE_HZ, 1, FRAME_SAMPLES)

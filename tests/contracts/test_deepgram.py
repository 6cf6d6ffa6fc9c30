"""What `DeepgramSTT` relies on in pipecat, and pipecat does not promise."""

from __future__ import annotations

import inspect

from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.stt_service import STTService
from pipecat.utils.network import exponential_backoff_time


def test_a_lost_connection_shows_where_we_look_and_is_made_anew_as_we_ask() -> None:
    assert "self._connection = None" in inspect.getsource(DeepgramSTTService._connection_handler)
    assert "_reconnect_audio_buffer" in inspect.getsource(STTService._reconnect)
    assert inspect.iscoroutinefunction(DeepgramSTTService._do_reconnect)


def test_pipecat_still_waits_before_its_first_try() -> None:
    """When this fails, take `run_stt` out of processors/deepgram_stt.py."""
    assert exponential_backoff_time(0) >= 4
    handler = inspect.getsource(DeepgramSTTService._connection_handler)
    assert "exponential_backoff_time(self._quick_failure_tracker.count)" in handler

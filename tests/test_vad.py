"""What the plug of the VAD writes on the microphone's audio."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pipecat.frames.frames import InputAudioRawFrame
from pipecat.tests.utils import run_test

from bargein.processors.floor_frames import SILENCE_MS
from bargein.processors.vad import SileroVad
from bargein.protocol import MICROPHONE_RATE_HZ
from bargein.voice_activity import WINDOW_MS
from tests.room.speech import spoken

pytestmark = pytest.mark.pipeline

CHUNK = MICROPHONE_RATE_HZ // 50
AFTER_S = 0.6


async def test_each_chunk_of_the_microphone_tells_the_silence_behind_the_speech() -> None:
    quiet = np.zeros(int(MICROPHONE_RATE_HZ * AFTER_S), np.int16)
    heard = np.concatenate([quiet, spoken("two teas please"), quiet])
    chunks = [heard[n : n + CHUNK].tobytes() for n in range(0, len(heard), CHUNK)]
    down, _ = await run_test(
        SileroVad(),
        frames_to_send=[InputAudioRawFrame(each, MICROPHONE_RATE_HZ, 1) for each in chunks],
    )
    told = [f.metadata.get(SILENCE_MS) for f in down if isinstance(f, InputAudioRawFrame)]
    before = list(itertools.takewhile(lambda each: each is None, told))
    assert len(before) * CHUNK >= len(quiet)
    after = told[len(before) :]
    assert 0 in after
    assert None not in after
    assert after[-1] == pytest.approx(AFTER_S * 1000, abs=5 * WINDOW_MS)

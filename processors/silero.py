"""Silero VAD v6: one model for all bots of a process, the state beside it in each talker.

The model is the one that Pipecat ships (MIT). A session of its own for each talker would
cost 10 MB each; state and context are inputs, so one serves all.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bargein.errors import PartError
from bargein.protocol import MICROPHONE_RATE_HZ, WINDOW_SAMPLES

CONTEXT_SAMPLES = 64
"""The model looks this far back into the window before."""
STATE_SHAPE = (2, 1, 128)
PCM16_SCALE = 32768.0


@cache
def model() -> Any:
    """Load the model once; a PartError if Pipecat no longer ships it where it did."""
    path = files("pipecat.audio.vad.data") / "silero_vad.onnx"
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises types of its own for each kind of failure
        raise PartError(
            f"{path}: the Silero model can't be loaded ({error}); reinstall pipecat-ai 1.14.0"
        ) from error


class Silero:
    """One talker's VAD: windows of 512 samples at 16 kHz in, probabilities of speech out."""

    def __init__(self) -> None:
        """Begin with silence behind it."""
        self._model = model()
        self._rate = np.array(MICROPHONE_RATE_HZ, dtype=np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._state = np.zeros(STATE_SHAPE, dtype=np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, dtype=np.float32)

    def probability(self, window: bytes) -> float:
        """Score one window of PCM16; takes about 0.2 ms."""
        samples: NDArray[np.float32] = np.frombuffer(window, dtype="<i2").astype(np.float32)
        samples /= PCM16_SCALE
        if len(samples) != WINDOW_SAMPLES:
            raise ValueError(f"a window has {WINDOW_SAMPLES} samples, got {len(samples)}")
        heard = np.concatenate((self._context, samples))[np.newaxis]
        output, self._state = self._model.run(
            None, {"input": heard, "state": self._state, "sr": self._rate}
        )
        self._context = samples[-CONTEXT_SAMPLES:]
        return float(output[0, 0])

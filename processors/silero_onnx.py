"""Silero as onnxruntime runs it, on one thread; its state is given and taken back."""

from __future__ import annotations

import numpy as np
import onnxruntime

from bargein.processors.silero_engines import heard_and_state, new_memory
from bargein.silero_model import Array

RATE_HZ = np.array(16_000, np.int64)


class OnnxSilero:
    """The model that Pipecat ships, in one session for all talkers."""

    def __init__(self, onnx: bytes) -> None:
        """Take the bytes of `silero_vad.onnx`."""
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            onnx, options, providers=["CPUExecutionProvider"]
        )

    def score(self, pcm: bytes, memory: Array) -> tuple[Array, Array]:
        """Score one window of each talker; see `Model.score`."""
        heard, state = heard_and_state(pcm, memory)
        given = {"input": heard, "state": state, "sr": RATE_HZ}
        probabilities, state = self._session.run(None, given)
        return probabilities[:, 0], new_memory(heard, state)

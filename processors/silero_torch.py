"""Silero as torch runs it: the JIT model of the package `silero-vad`."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import silero_vad
import torch

from bargein.processors.silero_engines import heard_and_state, new_memory
from bargein.protocol import WINDOW_SAMPLES
from bargein.silero_model import Array, forgotten

WARM_UPS = 3
"""So many calls compile the network for a number of rows."""
WARM_ROWS = (1, 2, 3)


class TorchSilero:
    """The network for 16 kHz; its state is given and taken back, so one serves all talkers.

    It sets torch to one thread in this process: for so little work two are slower.
    """

    def __init__(self) -> None:
        """Load and compile it, which takes seconds."""
        torch.set_num_threads(1)
        with warnings.catch_warnings():
            # silero-vad loads its model in a way that newer versions of torch advise against.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._network: Any = silero_vad.load_silero_vad(onnx=False)._model
        for rows in WARM_ROWS:
            silence, memory = bytes(2 * WINDOW_SAMPLES * rows), np.stack([forgotten()] * rows)
            for _ in range(WARM_UPS):
                self.score(silence, memory)

    def score(self, pcm: bytes, memory: Array) -> tuple[Array, Array]:
        """Score one window of each talker; see `Model.score`."""
        heard, state = heard_and_state(pcm, memory)
        with torch.inference_mode():
            told, after = self._network(torch.from_numpy(heard), torch.from_numpy(state))
        return told.numpy().reshape(-1), new_memory(heard, after.numpy())

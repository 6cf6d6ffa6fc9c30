"""What may run the Silero model: numpy, onnxruntime or torch, all with a talker's memory outside.

The weights are the same, and so are the probabilities but for rounding; docs/vad_engines.md has
what each costs. A package is imported when its engine is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Protocol

import numpy as np

from bargein.errors import PartError
from bargein.silero_model import CONTEXT_SAMPLES, HIDDEN, PCM16_SCALE, Array, SileroModel


class Engine(StrEnum):
    """What runs the model."""

    NUMPY = "numpy"
    ONNX = "onnx"
    TORCH = "torch"


class Model(Protocol):
    """The network; it keeps nothing of any talker."""

    def score(self, pcm: bytes, memory: Array) -> tuple[Array, Array]:
        """Score one window of each talker.

        `pcm` holds N windows of PCM16 one after another, `memory` has the shape (N, MEMORY).
        Gives N probabilities of speech and the new memories; neither argument is changed.
        """


@cache
def model(engine: Engine = Engine.NUMPY) -> Model:
    """Load the model once; a PartError where its file or a package is missing."""
    return LOADERS[engine]()


def heard_and_state(pcm: bytes, memory: Array) -> tuple[Array, Array]:
    """Give what the original network takes: samples (N, 576), and its state (2, N, 128)."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / PCM16_SCALE
    samples = samples.reshape(len(memory), -1)
    heard: Array = np.concatenate((memory[:, :CONTEXT_SAMPLES], samples), axis=1)
    state = memory[:, CONTEXT_SAMPLES:].reshape(-1, 2, HIDDEN).transpose(1, 0, 2)
    return heard, np.ascontiguousarray(state)


def new_memory(heard: Array, state: Array) -> Array:
    """Lay the network's context and state into one row a talker."""
    rows = state.transpose(1, 0, 2).reshape(-1, 2 * HIDDEN)
    return np.concatenate((heard[:, -CONTEXT_SAMPLES:], rows), axis=1)


def _weights() -> bytes:
    path = files("pipecat.audio.vad.data") / "silero_vad.onnx"
    try:
        return path.read_bytes()
    except OSError as error:
        raise _broken(error) from error


def _broken(error: Exception) -> PartError:
    return PartError(f"the Silero model can't be loaded ({error}); reinstall pipecat-ai 1.14.0")


def _numpy() -> Model:
    try:
        return SileroModel(_weights())
    except ValueError as error:
        raise _broken(error) from error


def _onnx() -> Model:
    from bargein.processors.silero_onnx import OnnxSilero

    return OnnxSilero(_weights())


def _torch() -> Model:
    try:
        from bargein.processors.silero_torch import TorchSilero

        return TorchSilero()
    except ImportError as error:
        raise PartError(
            f"the engine torch needs the package {error.name!r}. Install it: "
            "pip install 'bargein[torch]', or leave `engine` out: numpy gives the same."
        ) from error


LOADERS: Mapping[Engine, Callable[[], Model]] = {
    Engine.NUMPY: _numpy,
    Engine.ONNX: _onnx,
    Engine.TORCH: _torch,
}

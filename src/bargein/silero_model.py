"""Silero VAD v6 at 16 kHz in numpy: many talkers' windows in one call.

The network is a Fourier transform, four convolutions, an LSTM cell and one output. In one
matrix product for all talkers a window costs a fifth of what it costs alone, because the
weights pass through the processor's cache once for all. The result is that of the ONNX model
but for rounding (2e-5 at most, measured; ONNX's own is 1e-5 off exact arithmetic), and a row
does not depend on who else is in the call (1e-6).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from bargein.onnx_tensors import Tensors, constants

Array = NDArray[np.float32]

WINDOW_SAMPLES = 512
CONTEXT_SAMPLES = 64
"""The model looks this far back into the window before."""
HIDDEN = 128
MEMORY = CONTEXT_SAMPLES + 2 * HIDDEN
"""What a talker carries from window to window: context, hidden state, cell state."""

FFT_SAMPLES = 256
HOP_SAMPLES = 128
FFT_FRAMES = 4
MIRROR_SAMPLES = 64
"""The last samples are mirrored at the end, to fill the last frame of the transform."""
BINS = FFT_SAMPLES // 2 + 1
HEARD_SAMPLES = CONTEXT_SAMPLES + WINDOW_SAMPLES
PCM16_SCALE = np.float32(32768.0)
BASIS_TOLERANCE = 1e-4
ONE_THREAD_PRODUCT = 2 * 65_536 * 4
"""OpenBLAS takes several threads from so many multiplications on (twice its `SMP_THRESHOLD_MIN`
times `GEMM_MULTITHREAD_THRESHOLD`). For products as small as these that doubles the cost, and
where the process has fewer cores than the machine they wait for each other: 12 ms a product."""

SHAPES = {
    "stft.forward_basis_buffer": (2 * BINS, 1, FFT_SAMPLES),
    "encoder.0.reparam_conv.weight": (128, BINS, 3),
    "encoder.0.reparam_conv.bias": (128,),
    "encoder.1.reparam_conv.weight": (64, 128, 3),
    "encoder.1.reparam_conv.bias": (64,),
    "encoder.2.reparam_conv.weight": (64, 64, 3),
    "encoder.2.reparam_conv.bias": (64,),
    "encoder.3.reparam_conv.weight": (128, 64, 3),
    "encoder.3.reparam_conv.bias": (128,),
    "decoder.rnn.weight_ih": (4 * HIDDEN, HIDDEN),
    "decoder.rnn.weight_hh": (4 * HIDDEN, HIDDEN),
    "decoder.rnn.bias_ih": (4 * HIDDEN,),
    "decoder.rnn.bias_hh": (4 * HIDDEN,),
    "decoder.decoder.2.weight": (1, HIDDEN, 1),
    "decoder.decoder.2.bias": (1,),
}


def forgotten() -> Array:
    """The memory of a talker of whom nothing was heard."""
    return np.zeros(MEMORY, dtype=np.float32)


class SileroModel:
    """The weights, laid out for one product a layer; it keeps nothing of any talker."""

    def __init__(self, onnx: bytes) -> None:
        """Take the bytes of `silero_vad.onnx`; a ValueError if it is another model."""
        tensors = _named(constants(onnx, branch="then_branch"))
        self._hann = _hann(tensors["stft.forward_basis_buffer"])
        encoder = [
            (tensors[f"encoder.{i}.reparam_conv.weight"], tensors[f"encoder.{i}.reparam_conv.bias"])
            for i in range(4)
        ]
        (w1, self._b1), (w2, self._b2), (w3, self._b3), (w4, self._b4) = encoder
        # Layers 3 and 4 see fewer positions than their kernel is long: the rest is padding.
        self._w1, self._w2 = _unrolled(w1), _unrolled(w2)
        self._w3, self._w4 = _unrolled(w3[:, :, 1:]), _unrolled(w4[:, :, 1:2])
        self._lstm, self._lstm_bias = _gates(tensors)
        self._out = tensors["decoder.decoder.2.weight"].reshape(HIDDEN)
        self._out_bias = tensors["decoder.decoder.2.bias"][0]

    def score(self, pcm: bytes, memory: Array) -> tuple[Array, Array]:
        """Score one window of each talker.

        `pcm` holds N windows of PCM16 one after another, `memory` has the shape (N, MEMORY).
        Gives N probabilities of speech and the new memories; neither argument is changed.
        """
        if len(memory) == 1:
            # A product of one row adds up in another order: alone is to be as in company.
            speech, memory = self.score(pcm * 2, np.repeat(memory, 2, axis=0))
            return speech[:1], memory[:1]
        heard = np.empty((len(memory), HEARD_SAMPLES), dtype=np.float32)
        heard[:, :CONTEXT_SAMPLES] = memory[:, :CONTEXT_SAMPLES]
        samples = np.frombuffer(pcm, dtype="<i2").reshape(len(memory), WINDOW_SAMPLES)
        np.divide(samples, PCM16_SCALE, out=heard[:, CONTEXT_SAMPLES:], dtype=np.float32)
        hidden, cell = memory[:, CONTEXT_SAMPLES:-HIDDEN], memory[:, -HIDDEN:]
        hidden, cell = self._listen(self._encode(self._spectrum(heard)), hidden, cell)
        speech = np.maximum(hidden, 0) @ self._out + self._out_bias
        context = heard[:, -CONTEXT_SAMPLES:]
        return 1 / (1 + np.exp(-speech)), np.concatenate((context, hidden, cell), axis=1)

    def _spectrum(self, heard: Array) -> Array:
        """Magnitudes (N, 6, 129) of four frames, a frame of zeros on either side."""
        rows = len(heard)
        mirrored = np.concatenate((heard, heard[:, -2 : -2 - MIRROR_SAMPLES : -1]), axis=1)
        row, sample = mirrored.strides
        frames = as_strided(
            mirrored, (rows, FFT_FRAMES, FFT_SAMPLES), (row, HOP_SAMPLES * sample, sample)
        )
        spectrum = np.zeros((rows, FFT_FRAMES + 2, BINS), dtype=np.float32)
        np.abs(np.fft.rfft(frames * self._hann, axis=2), out=spectrum[:, 1:-1])
        return spectrum

    def _encode(self, spectrum: Array) -> Array:
        """Four convolutions: 129 bins in 4 places become 128 features in one."""
        rows = len(spectrum)
        wide = np.zeros((rows, FFT_FRAMES + 1, 128), dtype=np.float32)
        first = _layer(_patches(spectrum, places=4, stride=1), self._w1, self._b1)
        wide[:, 1:] = first.reshape(rows, FFT_FRAMES, 128)
        second = _layer(_patches(wide, places=2, stride=2), self._w2, self._b2)
        third = _layer(second.reshape(rows, -1), self._w3, self._b3)
        return _layer(third, self._w4, self._b4)

    def _listen(self, features: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
        """One step of the LSTM; as sigmoid(x) = tanh(x / 2) / 2 + 1/2, gates come halved."""
        gates = _product(np.concatenate((features, hidden), axis=1), self._lstm)
        gates += self._lstm_bias
        np.tanh(gates, out=gates)
        keep_in, forget, out, new = (gates[:, i * HIDDEN : (i + 1) * HIDDEN] for i in range(4))
        cell = (0.5 * forget + 0.5) * cell + (0.5 * keep_in + 0.5) * new
        return (0.5 * out + 0.5) * np.tanh(cell), cell


def _product(rows: Array, weight: Array) -> Array:
    """Multiply in blocks of rows, each small enough for one thread."""
    most = (ONE_THREAD_PRODUCT - 1) // weight.size
    blocks = -(-len(rows) // most)
    product = np.empty((len(rows), weight.shape[1]), dtype=np.float32)
    for block in range(blocks):
        some = slice(block * len(rows) // blocks, (block + 1) * len(rows) // blocks)
        np.matmul(rows[some], weight, out=product[some])
    return product


def _layer(patches: Array, weight: Array, bias: Array) -> Array:
    values = _product(patches, weight)
    values += bias
    np.maximum(values, 0, out=values)
    return values


def _patches(padded: Array, *, places: int, stride: int) -> Array:
    """Lay three neighbours side by side: (N, positions, C) becomes (N * places, 3C)."""
    rows, _, channels = padded.shape
    row, position, value = padded.strides
    view = as_strided(padded, (rows, places, 3 * channels), (row, stride * position, value))
    return view.reshape(rows * places, 3 * channels)


def _unrolled(weight: Array) -> Array:
    """A kernel (out, in, taps) as a matrix (taps * in, out)."""
    return np.ascontiguousarray(weight.transpose(2, 1, 0).reshape(-1, weight.shape[0]))


def _gates(tensors: Tensors) -> tuple[Array, Array]:
    """The LSTM's two matrices as one, its gates in the order in, forget, out, new."""
    weight = np.concatenate((tensors["decoder.rnn.weight_ih"], tensors["decoder.rnn.weight_hh"]), 1)
    bias = tensors["decoder.rnn.bias_ih"] + tensors["decoder.rnn.bias_hh"]
    order = np.r_[0 : 2 * HIDDEN, 3 * HIDDEN : 4 * HIDDEN, 2 * HIDDEN : 3 * HIDDEN]
    weight, bias = np.ascontiguousarray(weight[order].T), bias[order]
    weight[:, : 3 * HIDDEN] *= 0.5
    bias[: 3 * HIDDEN] *= 0.5
    return weight, bias


def _hann(basis: Array) -> Array:
    """The window of the transform; a ValueError if the model's basis is no windowed DFT."""
    hann: Array = basis[0, 0]
    angles = 2 * np.pi * np.outer(np.arange(BINS), np.arange(FFT_SAMPLES)) / FFT_SAMPLES
    cosines, sines = hann * np.cos(angles), hann * np.sin(angles)
    real, imaginary = basis[:BINS, 0], basis[BINS:, 0]
    off = max(np.abs(real - cosines).max(), np.abs(np.abs(imaginary) - np.abs(sines)).max())
    if off > BASIS_TOLERANCE:
        raise ValueError(f"the model's transform is no windowed DFT: it is off by {off:.1g}")
    return hann.copy()


def _named(tensors: Tensors) -> Tensors:
    """Find each tensor by the end of its name; a ValueError if one is missing or has changed."""
    found: Tensors = {}
    for name, shape in SHAPES.items():
        fits = [tensor for full, tensor in tensors.items() if full.endswith(name)]
        if len(fits) != 1 or fits[0].shape != shape:
            shapes = [tensor.shape for tensor in fits]
            raise ValueError(f"the model should have one {name} of shape {shape}, it has {shapes}")
        found[name] = fits[0]
    return found

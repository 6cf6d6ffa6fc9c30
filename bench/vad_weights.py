"""How few bits the weights of the client's VAD may have: bytes of forms, and what they flip.

    .venv/bin/python -m bench.vad_weights CORPUS_DIR

CORPUS_DIR holds recordings as FLAC files of 16 kHz. Each is scored as it is, and once more
10 dB lower under white noise, by the server's model with its weights rounded to each form; a
flip is a window that lies on another side of a threshold than with the model's own weights.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import onnxruntime
import soundfile  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import numpy_helper

BUILD = Path(__file__).parents[1] / "transports" / "client" / "engine" / "build.py"
THRESHOLDS = (0.35, 0.5, 0.65, 0.8)
RATE_HZ, WINDOW, CONTEXT = 16_000, 512, 64
BATCH = 16
QUIETER, NOISE = 0.3, 0.01

Floats = NDArray[np.float32]
Form = Callable[[Floats], Floats]


def mantissa(bits: int) -> Form:
    """Float32 with so many bits of mantissa, rounded to the nearest."""
    low = 23 - bits

    def rounded(weights: Floats) -> Floats:
        whole = np.ascontiguousarray(weights).view(np.uint32).astype(np.uint64)
        whole += (1 << (low - 1)) - 1 + ((whole >> low) & 1)
        kept: Floats = (whole >> low << low).astype(np.uint32).view(np.float32)
        return kept

    return rounded


def halves(weights: Floats) -> Floats:
    """IEEE half precision."""
    return weights.astype(np.float16).astype(np.float32)


def by_row(weights: Floats) -> tuple[Floats, Floats]:
    """A matrix as whole numbers of 8 bits, and the scale of each row."""
    rows = weights.reshape(weights.shape[0], -1)
    scale = np.abs(rows).max(axis=1, keepdims=True) / 127
    return np.round(rows / scale), scale


def integers(weights: Floats) -> Floats:
    """8 bits, with a scale for each row of a matrix; biases stay as they are."""
    if weights.ndim < 2 or weights.shape[0] == 1:
        return weights
    whole, scale = by_row(weights)
    return (whole * scale).reshape(weights.shape).astype(np.float32)


def small(weights: Floats) -> bytes:
    """The whole numbers of rows of 128, without their scales: about what `integers` needs."""
    rows = weights[: len(weights) // 128 * 128].reshape(-1, 128)
    return by_row(rows)[0].astype(np.int8).tobytes()


def planes(weights: NDArray[Any]) -> bytes:
    """All lowest bytes, then all next ones, and so on: so they compress best."""
    return weights.view(np.uint8).reshape(len(weights), -1).T.tobytes()


def upper(size: int, bits: int) -> Callable[[Floats], bytes]:
    """The upper bytes of rounded float32."""
    return lambda weights: planes(mantissa(bits)(weights))[(4 - size) * len(weights) :]


FORMS: tuple[tuple[str, Form, Callable[[Floats], bytes]], ...] = (
    ("float32", lambda weights: weights, planes),
    ("24 bits", mantissa(15), upper(3, 15)),
    ("22 bits", mantissa(13), upper(3, 13)),
    ("float16", halves, lambda weights: planes(weights.astype("<f2"))),
    ("bfloat16", mantissa(7), upper(2, 7)),
    ("int8 by row", integers, small),
)


def session(build: ModuleType, form: Form) -> onnxruntime.InferenceSession:
    """The server's model with its weights in this form."""
    model = onnx.load(str(build.model_path()))
    (branching,) = (node for node in model.graph.node if node.op_type == "If")
    (branch,) = (part.g for part in branching.attribute if part.name == "then_branch")
    for node in branch.node:
        if node.output[0].endswith(tuple(name for name, _ in build.TENSORS)):
            tensor = node.attribute[0].t
            weights = form(numpy_helper.to_array(tensor))
            tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def recordings(corpus: Path) -> list[Floats]:
    """All recordings, and each of them under noise; shortest first."""
    noise = np.random.default_rng(1)
    found: list[Floats] = []
    for path in sorted(corpus.glob("*.flac")):
        clean = soundfile.read(path, dtype="float32")[0]
        noisy = clean * QUIETER + noise.normal(0, NOISE, len(clean)).astype(np.float32)
        found += [np.round(np.clip(x, -1, 1) * 32_767) / np.float32(32_768) for x in (clean, noisy)]
    return sorted(found, key=len)


def scores(model: onnxruntime.InferenceSession, batch: Sequence[Floats]) -> Floats:
    """The probabilities of all windows of some recordings."""
    most = max(map(len, batch)) // WINDOW * WINDOW
    audio = np.stack([np.pad(x[:most], (0, max(0, most - len(x)))) for x in batch])
    state = np.zeros((2, len(batch), 128), np.float32)
    heard = np.zeros((len(batch), CONTEXT + WINDOW), np.float32)
    found = []
    for at in range(0, most, WINDOW):
        heard = np.concatenate([heard[:, -CONTEXT:], audio[:, at : at + WINDOW]], axis=1)
        feed: dict[str, Any] = {"input": heard, "state": state, "sr": np.array(RATE_HZ)}
        probability, state = model.run(None, feed)
        found.append(probability[:, 0])
    columns = np.array(found)
    return np.concatenate([columns[: len(x) // WINDOW, i] for i, x in enumerate(batch)])


def main() -> None:
    """Print a line for each form."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", type=Path)
    audio = recordings(parser.parse_args().corpus)
    batches = [audio[i : i + BATCH] for i in range(0, len(audio), BATCH)]
    spec = importlib.util.spec_from_file_location("build_silero", BUILD)
    assert spec is not None and spec.loader is not None  # noqa: PT018  (one fact)
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    exact: Floats | None = None
    for name, form, pack in FORMS:
        model = session(build, form)
        found = np.concatenate([scores(model, batch) for batch in batches])
        exact = found if exact is None else exact
        flips = [int(((found >= t) != (exact >= t)).sum()) for t in THRESHOLDS]
        packed = pack(build.weights())
        apart = np.abs(found - exact).max()
        sys.stdout.write(
            f"{name:12} {len(packed):>8,} bytes, gzip {len(gzip.compress(packed, 9)):>8,};"
            f" {apart:.1e} apart; flips at {THRESHOLDS}: {flips} of {len(found):,} windows\n"
        )


if __name__ == "__main__":
    main()

"""Makes the binary files of the client's VAD: `silero16k.f24` (weights), `silero.wasm` (code).

Run `python transports/client/engine/build.py`. The weights come from the model that the
server uses, `silero_vad.onnx` inside the installed pipecat, and need `onnx`; the code is
compiled from `silero.c` and needs `clang` and `wasm-ld`; the file that is kept was made by
the clang of `CLANG`, which makes the same bytes again. Both files are kept with the source,
so that nothing needs to be built to run the client.

A weight is kept in 24 bits: the upper three bytes of a float32, rounded to 15 bits of
mantissa. It is the smallest form that flips no decision; `bench/vad_weights.py` measures it
beside smaller ones.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

Array = np.ndarray[tuple[int], np.dtype[np.float32]]
HERE = Path(__file__).resolve().parent
WEIGHTS_FILE = HERE / "silero16k.f24"
WASM_FILE = HERE / "silero.wasm"

CLANG = "clang version 19.1.7"
CLANG_FLAGS = (
    *("--target=wasm32", "-O3", "-msimd128", "-mbulk-memory", "-ffreestanding", "-nostdlib"),
    *("-Wall", "-Wextra", "-Werror"),
    *("-Wl,--no-entry", "-Wl,--strip-all", "-Wl,-z,stack-size=16384"),
)

# Name and shape in the order in which `silero.c` reads them. The basis of the model's
# Fourier transform is left out: it is a Hann DFT, and `silero.c` computes an FFT.
TENSORS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("encoder.0.reparam_conv.weight", (128, 129, 3)),
    ("encoder.0.reparam_conv.bias", (128,)),
    ("encoder.1.reparam_conv.weight", (64, 128, 3)),
    ("encoder.1.reparam_conv.bias", (64,)),
    ("encoder.2.reparam_conv.weight", (64, 64, 3)),
    ("encoder.2.reparam_conv.bias", (64,)),
    ("encoder.3.reparam_conv.weight", (128, 64, 3)),
    ("encoder.3.reparam_conv.bias", (128,)),
    ("decoder.rnn.weight_ih", (512, 128)),
    ("decoder.rnn.weight_hh", (512, 128)),
    ("decoder.rnn.bias_ih", (512,)),
    ("decoder.rnn.bias_hh", (512,)),
    ("decoder.decoder.2.weight", (1, 128, 1)),
    ("decoder.decoder.2.bias", (1,)),
)


def model_path() -> Path:
    """Where the server's model lies; pipecat is found, not imported."""
    spec = find_spec("pipecat")
    if spec is None or spec.origin is None:
        raise SystemExit("pipecat is not installed: the weights come from the model inside it")
    return Path(spec.origin).parent / "audio" / "vad" / "data" / "silero_vad.onnx"


def rounded(weights: Array) -> Array:
    """Round float32 to 15 bits of mantissa, to the nearest, ties to even."""
    bits = np.ascontiguousarray(weights, "<f4").view("<u4").astype(np.uint64)
    even = (bits >> 8) & 1
    whole: Array = ((bits + 0x7F + even) & 0xFFFFFF00).astype("<u4").view("<f4")
    return whole


def packed(weights: Array) -> bytes:
    """Give the upper three bytes of rounded weights: all lowest ones, all middle, all highest.

    Bytes of a kind side by side compress better.
    """
    return weights.astype("<f4").view(np.uint8).reshape(-1, 4)[:, 1:].T.tobytes()


def weights() -> Array:
    """Give the 243,585 weights of the 16 kHz branch as float32, in the order of `TENSORS`."""
    constants = dict(_constants_at_16_khz(onnx.load(str(model_path()))))
    parts = []
    for name, shape in TENSORS:
        found = [array for full_name, array in constants.items() if full_name.endswith(name)]
        if len(found) != 1 or found[0].shape != shape:
            shapes = [array.shape for array in found]
            raise SystemExit(
                f"{model_path()}: expected one tensor {name} of shape {shape}, found {shapes};"
                " the model is another version, and silero.c must follow it"
            )
        parts.append(found[0].astype("<f4").ravel())
    whole: Array = np.concatenate(parts)
    return whole


def compile_wasm(output: Path) -> None:
    """Compile `silero.c`; raises `CalledProcessError` with clang's words on stderr."""
    subprocess.run(
        ["clang", *CLANG_FLAGS, "-o", str(output), str(HERE / "silero.c")],
        check=True,
    )
    # The linker marks it as a program; it is data.
    output.chmod(0o644)


def _constants_at_16_khz(model: onnx.ModelProto) -> Iterator[tuple[str, np.ndarray]]:
    """Walk the branch that the model takes at 16 kHz: the `then` of its one outer `If`."""
    (branching,) = (node for node in model.graph.node if node.op_type == "If")
    (branch,) = (part.g for part in branching.attribute if part.name == "then_branch")
    for node in branch.node:
        if node.op_type == "Constant":
            yield node.output[0], numpy_helper.to_array(node.attribute[0].t)


def main() -> None:
    """Make both files in place."""
    WEIGHTS_FILE.write_bytes(packed(rounded(weights())))
    compile_wasm(WASM_FILE)
    for path in (WEIGHTS_FILE, WASM_FILE):
        sys.stdout.write(f"{path}: {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()

"""What each engine of `silero_vad` costs: load, memory, and milliseconds of one core per window.

    .venv/bin/python -m bench.vad_engines [ENGINE ...]

Each engine runs in a process of its own, on one thread. The sound is noise that rises and falls:
what it is does not change the cost. Windows are 512 samples, 32 ms; cost is CPU time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bargein.processors.silero_engines import Engine, model
from bargein.protocol import WINDOW_SAMPLES
from bargein.silero_model import forgotten

TALKERS = (1, 4, 16, 64)
"""So many windows are scored in one call."""
WARM_CALLS = 20
MEASURED_S = 2.0
"""Of CPU time, for each number of talkers."""
COMPARED_WINDOWS = 400
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Cost:
    """What an engine took."""

    load_ms: float
    memory_mb: float
    window_ms: list[float]
    """For each of `TALKERS`, per window."""
    probabilities: list[float]


def resident_mb() -> float:
    """The memory of this process, in millions of bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES / 1e6


def sound(windows: int) -> list[bytes]:
    """Noise with syllables, about."""
    at = np.arange(windows * WINDOW_SAMPLES)
    noise = np.random.default_rng(1).standard_normal(len(at))
    samples = (4000 * np.sin(at / 2500) ** 2 * noise).astype("<i2")
    return [row.tobytes() for row in samples.reshape(-1, WINDOW_SAMPLES)]


def measure(engine: Engine) -> Cost:
    """Load it and let it hear, in this process."""
    before_mb, begun = resident_mb(), time.monotonic()
    net, memory = model(engine), forgotten()[np.newaxis]
    load_ms = (time.monotonic() - begun) * 1000
    probabilities = []
    for window in sound(COMPARED_WINDOWS):
        scored, memory = net.score(window, memory)
        probabilities.append(float(scored[0]))
    memory_mb = resident_mb() - before_mb
    return Cost(load_ms, memory_mb, [window_ms(engine, n) for n in TALKERS], probabilities)


def window_ms(engine: Engine, talkers: int) -> float:
    """The CPU time of a window, where so many are scored in one call."""
    net, pcm = model(engine), sound(1)[0] * talkers
    memory, begun, calls = np.stack([forgotten()] * talkers), 0.0, -WARM_CALLS
    while calls <= 0 or time.process_time() - begun < MEASURED_S:
        begun = time.process_time() if calls == 0 else begun
        _, memory = net.score(pcm, memory)
        calls += 1
    return (time.process_time() - begun) * 1000 / calls / talkers


def in_own_process(engine: Engine) -> Cost | None:
    """Measure in a new process; says why where the engine does not run."""
    command = [sys.executable, "-m", "bench.vad_engines", "--here", engine]
    ran = subprocess.run(
        command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False
    )
    if ran.returncode == 0:
        return Cost(**json.loads(ran.stdout))
    sys.stdout.write(f"{engine:8} {ran.stderr.strip().splitlines()[-1]}\n")
    return None


def main() -> None:
    """Print a line for each engine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("engines", nargs="*", type=Engine, default=list(Engine))
    parser.add_argument("--here", action="store_true", help="measure in this process, as JSON")
    asked = parser.parse_args()
    if asked.here:
        json.dump(asdict(measure(asked.engines[0])), sys.stdout)
        return
    of_onnx = in_own_process(Engine.ONNX)
    if of_onnx is None:
        return
    calls = "".join(f"{f'{talkers} a call':>12}" for talkers in TALKERS)
    sys.stdout.write(f"{'engine':8}{'load ms':>9}{'MB':>7}{calls}{'off ONNX':>10}\n")
    for engine in asked.engines:
        cost = of_onnx if engine is Engine.ONNX else in_own_process(engine)
        if cost:
            each = "".join(f"{took_ms:>12.3f}" for took_ms in cost.window_ms)
            off = np.abs(np.array(cost.probabilities) - of_onnx.probabilities).max()
            sys.stdout.write(
                f"{engine:8}{cost.load_ms:>9.0f}{cost.memory_mb:>7.0f}{each}{off:>10.0e}\n"
            )


if __name__ == "__main__":
    main()

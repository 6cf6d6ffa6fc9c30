"""The client's VAD and the server's are one model: same windows, same probabilities."""

from __future__ import annotations

import base64
import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from .recording import Recording

if TYPE_CHECKING:
    from types import ModuleType

    from .conftest import Converse
    from .talk import Talk

pytestmark = pytest.mark.browser

ENGINE = Path(__file__).parents[2] / "transports" / "client" / "engine"
WINDOW_SAMPLES = 512
CONTEXT_SAMPLES = 64
RATE_HZ = 16_000
THRESHOLDS = (0.35, 0.5, 0.65, 0.8)
MOST_APART = 1e-3
"""The weights are rounded to 24 bits."""
NO_WASM_POLICY = "default-src 'self'; script-src 'self'; img-src 'self' data:"
SCORE = """async ([text, kind]) => {
    const pcm = new Int16Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
    const {openSilero} = await import('/engine/silero.js');
    const load = async (path) => (await fetch(path)).arrayBuffer();
    // A module with an instruction that this browser does not know, as SIMD is to an older one.
    const NO_CODE = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0,
      3, 2, 1, 0, 10, 6, 1, 4, 0, 0xfd, 0xff, 0x0b);
    const code = kind === 'wasm' ? await load('/engine/silero.wasm') : NO_CODE;
    const vad = openSilero(code, await load('/engine/silero16k.f24'));
    const windows = [];
    for (let at = 0; at < pcm.length; at += 512) {
      windows.push(Float32Array.from(pcm.subarray(at, at + 512), (value) => value / 32768));
    }
    const probabilities = [], tookMs = [];
    for (const window of windows) {
      const before = performance.now();
      probabilities.push(vad.probability(window));
      tookMs.push(performance.now() - before);
    }
    tookMs.sort((a, b) => a - b);
    vad.reset();
    const again = windows.slice(0, 20).map((window) => vad.probability(window));
    return {kind: vad.kind, probabilities, again, medianMs: tookMs[tookMs.length >> 1],
      meanMs: tookMs.reduce((a, b) => a + b) / tookMs.length}; }"""


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """The script that makes the client's binary files."""
    spec = importlib.util.spec_from_file_location("build_silero", ENGINE / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def windows(sentences: Recording) -> npt.NDArray[np.int16]:
    """Speech, faint speech, noise, clicks, a tone and silence, as PCM16 at 16 kHz."""
    noise = np.random.default_rng(7)
    speech = sentences.at(RATE_HZ).samples
    clicks = np.zeros(RATE_HZ, np.float32)
    clicks[:: RATE_HZ // 7] = 0.9
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)
    parts: list[npt.NDArray[Any]] = [
        speech,
        0.02 * speech + noise.normal(0, 0.002, len(speech)),
        noise.normal(0, 0.1, 2 * RATE_HZ),
        clicks,
        tone,
        np.zeros(RATE_HZ),
        speech,
    ]
    samples = np.clip(np.concatenate(parts), -1, 1)
    whole = len(samples) // WINDOW_SAMPLES * WINDOW_SAMPLES
    pcm: npt.NDArray[np.int16] = np.round(samples[:whole] * 32_767).astype(np.int16)
    return pcm


@pytest.fixture(scope="module")
def by_onnx(build: ModuleType, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """The probabilities that onnxruntime gives with the server's model."""
    session = onnxruntime.InferenceSession(
        str(build.model_path()), providers=["CPUExecutionProvider"]
    )
    state = np.zeros((2, 1, 128), np.float32)
    context = np.zeros((1, CONTEXT_SAMPLES), np.float32)
    rate = np.array(RATE_HZ, np.int64)
    probabilities = []
    for window in windows.astype(np.float32).reshape(-1, 1, WINDOW_SAMPLES) / 32_768:
        samples = np.concatenate([context, window], axis=1)
        context = samples[:, -CONTEXT_SAMPLES:]
        heard, state = session.run(None, {"input": samples, "state": state, "sr": rate})
        probabilities.append(float(heard[0, 0]))
    return np.array(probabilities)


async def score(talk: Talk, windows: npt.NDArray[np.int16], kind: str = "wasm") -> dict[str, Any]:
    """Let the client's VAD hear the windows, in a page."""
    scored: dict[str, Any] = await talk.page.evaluate(
        SCORE, [base64.b64encode(windows.astype("<i2").tobytes()).decode(), kind]
    )
    return scored


@pytest.mark.parametrize("kind", ["wasm", "plain"])
async def test_the_clients_vad_agrees_with_onnx_on_every_window(
    converse: Converse,
    windows: npt.NDArray[np.int16],
    by_onnx: npt.NDArray[np.float64],
    kind: str,
) -> None:
    async with converse() as talk:
        scored = await score(talk, windows, kind)
    assert scored["kind"] == kind
    ours = np.array(scored["probabilities"])
    apart = np.abs(ours - by_onnx).max()
    print(
        f"\n{len(ours)} windows: at most {apart:.1e} apart;"
        f" {scored['meanMs']:.3f} ms a window in the page"
    )
    assert apart < MOST_APART
    for threshold in THRESHOLDS:
        assert np.array_equal(ours >= threshold, by_onnx >= threshold)
    # The audio must have tried both sides of the thresholds.
    assert by_onnx.max() > 0.9
    assert by_onnx.min() < 0.1


async def test_a_reset_forgets_everything(
    converse: Converse, windows: npt.NDArray[np.int16]
) -> None:
    async with converse() as talk:
        scored = await score(talk, windows)
    assert scored["again"] == scored["probabilities"][:20]


@pytest.mark.slow
async def test_what_the_worklet_scored_is_what_the_server_hears(
    converse: Converse, build: ModuleType, speech: Recording
) -> None:
    async with converse(speech.after(0.5)) as talk:
        await talk.connect()
        await talk.until_told("levels", "d.speech")
        await talk.peer.until(lambda: len(talk.peer.microphone) > 60)
        in_worklet = np.array(
            await talk.page.evaluate("async () => Array.from(await client.probabilities())")
        )
        heard = talk.peer.microphone[: len(in_worklet)]
    starts = [packet.start_sample for packet in heard]
    assert starts == list(range(0, WINDOW_SAMPLES * len(heard), WINDOW_SAMPLES))
    pcm = np.concatenate([np.frombuffer(packet.pcm, "<i2") for packet in heard])
    count = min(len(in_worklet), len(heard), 40)
    # The model's state is refreshed in silence after 2 s; until then both have heard the same.
    async with converse() as talk:
        scored = await score(talk, pcm[: count * WINDOW_SAMPLES])
    assert np.allclose(in_worklet[:count], scored["probabilities"], atol=1e-6)


# silero-vad loads its model in a way that newer versions of torch advise against.
@pytest.mark.filterwarnings("ignore:.*torch.jit.load.*:DeprecationWarning")
def test_the_clients_vad_agrees_with_torch(
    windows: npt.NDArray[np.int16], by_onnx: npt.NDArray[np.float64]
) -> None:
    torch = pytest.importorskip("torch", reason="the extra `torch` is not installed")
    silero_vad = pytest.importorskip("silero_vad", reason="the extra `torch` is not installed")
    model = silero_vad.load_silero_vad(onnx=False)
    samples = torch.from_numpy(windows.astype(np.float32).reshape(-1, WINDOW_SAMPLES) / 32_768)
    with torch.no_grad():
        by_torch = np.array([model(window, RATE_HZ).item() for window in samples])
    assert np.abs(by_torch - by_onnx).max() < 1e-4


def test_the_weights_are_those_of_the_servers_model(build: ModuleType) -> None:
    weights = build.weights()
    rounded = build.rounded(weights)
    assert build.packed(rounded) == build.WEIGHTS_FILE.read_bytes()
    assert np.abs(rounded / weights - 1).max() <= 2.0**-16


@pytest.mark.slow
async def test_where_the_pages_policy_forbids_webassembly_the_worklet_hears_all_the_same(
    converse: Converse, speech: Recording
) -> None:
    async with converse(speech.after(0.5), policy=NO_WASM_POLICY) as talk:
        await talk.connect()
        assert (await talk.until_told("welcome"))["vad"] == "plain"
        await talk.until_told("levels", "d.speech")


def clang_version() -> str:
    """What clang says of itself; nothing where it is not installed."""
    if not (shutil.which("clang") and shutil.which("wasm-ld")):
        return ""
    asked = subprocess.run(["clang", "--version"], check=True, capture_output=True, text=True)
    return asked.stdout


@pytest.mark.skipif(not clang_version(), reason="clang and wasm-ld are not installed")
def test_the_code_compiles_to_what_is_kept(build: ModuleType, tmp_path: Path) -> None:
    build.compile_wasm(tmp_path / "silero.wasm")
    made = (tmp_path / "silero.wasm").read_bytes()
    if build.CLANG in clang_version():
        assert made == build.WASM_FILE.read_bytes()
    # Another clang lays it out otherwise; then the parity tests must hold it.
    assert made[:4] == b"\0asm"

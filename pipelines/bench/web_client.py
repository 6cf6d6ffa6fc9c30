"""The web client's weight, and what its VAD costs on this machine."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from bargein.measure.figures import Figure

QUOTED = re.compile(r"""["']([\w./-]+\.\w+)["']""")
ENTRY = "index.html"
GZIP_LEVEL = 9
WINDOWS = 1000
NODE_S = 60.0
CODE, WEIGHTS = "silero.wasm", "silero16k.f24"
SCRIPT = """
import {readFileSync} from 'node:fs';
import {openSilero} from './silero.js';
const [code, weights, windows] = process.argv.slice(2);
const silero = openSilero(readFileSync(code), new Uint8Array(readFileSync(weights)).buffer);
if (silero.kind !== 'wasm') throw new Error('node has no WebAssembly with SIMD');
const window = Float32Array.from({length: 512}, (_, i) => Math.sin(i / 7) * Math.sin(i / 90));
for (let i = 0; i < 200; i += 1) silero.probability(window);
const took = [];
for (let i = 0; i < Number(windows); i += 1) {
  const since = performance.now();
  silero.probability(window);
  took.push(performance.now() - since);
}
console.log(JSON.stringify(took));
"""
"""The client's own modules, in the engine that Chromium has too."""


def client_folder() -> Path:
    """Where the web client stands."""
    return Path(str(files("bargein.transports"))) / "client"


def client_files(folder: Path) -> list[Path]:
    """Give every file that the page loads: it, and whatever a loaded file names in quotes."""
    found: dict[Path, None] = {}
    waiting = [folder / ENTRY]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found[file] = None
        if file.suffix in (".html", ".css", ".js"):
            for name in QUOTED.findall(file.read_text(encoding="utf-8")):
                named = (file.parent / name).resolve()
                if named.is_file():
                    waiting.append(named)
    return list(found)


def client_bytes() -> Figure:
    """Sum up the files, each compressed with gzip as a web server does."""
    weights = [
        len(gzip.compress(file.read_bytes(), GZIP_LEVEL))
        for file in client_files(client_folder().resolve())
    ]
    return Figure((float(sum(weights)),))


def vad_ms_per_window() -> Figure:
    """Score windows with the client's WASM in node; says why if there is none."""
    node = shutil.which("node")
    if node is None:
        return Figure(reason="there is no node here")
    try:
        with TemporaryDirectory() as folder:
            return Figure(tuple(_time_in_node(node, Path(folder))))
    except subprocess.CalledProcessError as error:
        wrong = [line for line in error.stderr.splitlines() if "Error" in line]
        return Figure(reason=f"node failed: {wrong[0] if wrong else error}")
    except (subprocess.TimeoutExpired, ValueError, OSError) as error:
        return Figure(reason=f"node failed: {error}")


def _time_in_node(node: str, folder: Path) -> list[float]:
    """Copy the modules to where node takes .js files for modules, and run them there."""
    engine = client_folder() / "engine"
    for module in engine.glob("*.js"):
        shutil.copy(module, folder)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (folder / "bench.js").write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [node, "bench.js", str(engine / CODE), str(engine / WEIGHTS), str(WINDOWS)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=NODE_S,
        check=True,
    )
    took: list[float] = json.loads(done.stdout)
    return took

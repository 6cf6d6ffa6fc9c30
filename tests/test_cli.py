"""The command line: plain lines for mistakes, data on stdout, and a quick start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bargein.cli import main

pytestmark = pytest.mark.filterwarnings("ignore:'audioop' is deprecated:DeprecationWarning")

PARTS = '''\
from collections.abc import AsyncGenerator

from pipecat.frames.frames import Frame
from pipecat.services.llm_service import LLMService
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService


class Ears(STTService):
    """Hears nothing."""

    def __init__(self, *, api_key: str) -> None:
        super().__init__()

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        yield None


class Mind(LLMService):
    """Thinks nothing."""

    def __init__(self) -> None:
        super().__init__()


class Mouth(TTSService):
    """Says nothing."""

    def __init__(self) -> None:
        super().__init__()

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        yield None
'''

CONFIG = """\
name: cafe
transport: local
pipeline:
  - interruption
  - silero_vad
  - use: ./parts.py:Ears
    api_key: ${VENDOR_KEY}
  - ./parts.py:Mind
  - ./parts.py:Mouth
  - played_audio
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder with a configuration, and leave sys.path as it was."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VENDOR_KEY", "a-very-secret-key")
    Path("parts.py").write_text(PARTS)
    Path("bot.yaml").write_text(CONFIG)


def bargein(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_check_says_what_it_found() -> None:
    result = bargein("check", "bot.yaml")
    assert result.exit_code == 0
    assert result.stdout.startswith("bot.yaml: good. local: interruption, silero_vad, ./parts.py")


def test_check_names_the_mistakes_of_every_file_on_stderr() -> None:
    Path("bad.yaml").write_text(CONFIG.replace("silero_vad", "silero_vda"))
    result = bargein("check", "bad.yaml", "bot.yaml", "none.yaml")
    assert result.exit_code == 1
    assert [line.split(" ")[0] for line in result.stderr.splitlines()] == [
        "bad.yaml:5:5:",
        "none.yaml:",
    ]
    assert result.stdout.startswith("bot.yaml: good.")


@pytest.mark.parametrize("command", ["check", "run"])
def test_ctrl_c_while_a_part_is_made_is_one_line_and_the_status_of_an_interrupt(
    command: str,
) -> None:
    interrupted = "        super().__init__()\n        raise KeyboardInterrupt"
    Path("parts.py").write_text(PARTS.replace("        super().__init__()", interrupted))
    result = bargein(command, "bot.yaml")
    assert (result.exit_code, result.stderr) == (130, "Stopped.\n")


def test_a_mistake_shows_no_traceback_unless_asked() -> None:
    Path("parts.py").write_text("raise ValueError('broken on purpose')\n")
    plain = bargein("check", "bot.yaml")
    assert "Traceback" not in plain.stderr
    asked = bargein("--debug", "check", "bot.yaml")
    assert "Traceback" in asked.stderr
    assert "ValueError: broken on purpose" in asked.stderr


SCRIPT = "name: Q\nfallback: What?\ntopics:\n  - name: hush\n    heer: hush\n    hear: a [\n"

LOCAL = """\
name: cafe
transport: local
pipeline:
  - interruption
  - silero_vad
  - {use: pocketsphinx_stt, script: wrong.yaml}
  - {use: scripted_llm, script: wrong.yaml}
  - use: ./mine.py:Moody
  - {use: espeak_tts, voice: quux}
  - played_audio
"""

MOODY = """\
from bargein.processors.processor import Processor


class Moody(Processor):
    def __init__(self) -> None:
        raise ValueError("not today")

    async def on_frame(self, frame):
        return frame
"""


@pytest.mark.parametrize("command", ["check", "run"])
def test_what_is_wrong_in_scripts_and_constructors_is_told_before_anybody_connects(
    command: str,
) -> None:
    Path("wrong.yaml").write_text(SCRIPT)
    Path("mine.py").write_text(MOODY)
    Path("local.yaml").write_text(LOCAL)
    result = bargein(command, "local.yaml")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    starts = (
        "local.yaml:8:10: pipeline[4]: './mine.py:Moody' could not be made: ValueError: not today",
        "local.yaml:9:11: pipeline[5]: 'espeak_tts' could not be made: espeak-ng has no voice",
        "wrong.yaml:5:5: topics[0]: there is no key 'heer' here. Did you mean 'hear'?",
    )
    assert len(lines) == len(starts)
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))
    assert "listening" not in result.stdout


def test_a_folder_is_no_script() -> None:
    Path("local.yaml").write_text(LOCAL.replace("wrong.yaml", ".").replace("quux", "en"))
    Path("mine.py").write_text(MOODY.replace('raise ValueError("not today")', "super().__init__()"))
    result = bargein("check", "local.yaml")
    assert [line.split("could not be made: ")[1] for line in result.stderr.splitlines()] == [
        "'.' is a directory; name the script in it"
    ] * 2


def test_run_names_a_ledger_that_cannot_be_written_by_its_option() -> None:
    result = bargein("run", "bot.yaml", "--ledger", "/nowhere/ledger.jsonl")
    assert result.exit_code == 1
    assert result.stderr.startswith("--ledger: there is no folder '/nowhere'.")


def test_run_stops_before_it_serves_when_the_port_is_out_of_range() -> None:
    result = bargein("run", "bot.yaml", "--port", "99999")
    assert result.exit_code == 1
    assert result.stderr.startswith("--port: must be at most 65535, not 99999")


def test_a_setting_that_is_wrong_is_named_as_it_was_written() -> None:
    result = bargein("run", "bot.yaml", "--set", "transport.port=99999", "--host", "127.0.0.1")
    assert result.stderr.startswith("--set transport.port: transport.port: must be at most 65535")


@pytest.mark.parametrize("command", ["run", "check", "config", "graph", "bench", "rehearse"])
def test_a_wrong_configuration_is_named_with_status_1_by_every_command(command: str) -> None:
    Path("bad.yaml").write_text(CONFIG.replace("silero_vad", "silero_vda"))
    Path("scenario.yaml").write_text("name: connects\nexpect: [connected]\n")
    more = ["scenario.yaml"] if command == "rehearse" else []
    result = bargein(command, "bad.yaml", *more)
    assert result.exit_code == 1
    assert result.stderr.startswith("bad.yaml:5:5:")


def test_a_wrong_option_is_a_usage_error() -> None:
    assert bargein("check").exit_code == 2
    assert bargein("graph", "bot.yaml", "--format", "png").exit_code == 2


def test_config_prints_what_takes_effect_without_secrets() -> None:
    result = bargein("config", "bot.yaml", "--set", "pipeline.silero_vad.pause_ms=300")
    assert result.exit_code == 0
    assert result.stdout.startswith("# bot.yaml, sha256 ")
    assert "    pause_ms: 300\n" in result.stdout
    assert "    api_key: '***'\n" in result.stdout


@pytest.mark.parametrize(
    "command", [("config",), ("check",), ("graph",), ("graph", "--format", "svg")]
)
def test_no_command_shows_a_secret(command: tuple[str, ...]) -> None:
    result = bargein(command[0], "bot.yaml", *command[1:])
    assert result.exit_code == 0
    assert "a-very-secret-key" not in result.output


def test_what_config_prints_is_a_configuration_with_the_same_effect() -> None:
    first = bargein("config", "bot.yaml").stdout
    Path("again.yaml").write_text(first)
    again = bargein("config", "again.yaml").stdout
    assert again.splitlines()[1:] == first.splitlines()[1:]


def test_graph_writes_a_file() -> None:
    assert bargein("graph", "bot.yaml", "--format", "svg", "-o", "bot.svg").exit_code == 0
    assert Path("bot.svg").read_text().startswith("<svg ")
    result = bargein("graph", "bot.yaml", "-o", "nowhere/bot.svg")
    assert result.exit_code == 1
    assert result.stderr == "nowhere/bot.svg can't be written: No such file or directory.\n"


def test_docs_that_cannot_be_written_are_one_line() -> None:
    Path("taken").write_text("a file")
    result = bargein("docs", "taken/docs")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("taken/docs/")
    assert line.endswith(" can't be written: Not a directory.")


def test_schema_is_json() -> None:
    described = json.loads(bargein("schema").stdout)
    assert described["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.slow
def test_help_comes_at_once_and_imports_no_service() -> None:
    began = time.monotonic()
    listed = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bargein", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert time.monotonic() - began < 0.5 * 4  # a busy machine is given four times the bound
    for heavy in ("pipecat", "pydantic", "ruamel", "numpy", "onnxruntime"):
        assert f" {heavy}\n" not in listed.stderr


@pytest.mark.parametrize(("given", "held"), [(None, "1"), ("4", "4")])
def test_numpy_brings_no_threads_of_its_own_unless_told_to(
    given: str | None, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", given or "")
    if given is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    CliRunner().invoke(main, ["schema"])
    assert os.environ["OPENBLAS_NUM_THREADS"] == held

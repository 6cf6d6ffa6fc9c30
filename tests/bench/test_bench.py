"""`bargein bench` for real: a config's bot is interrupted, and the figures are printed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bargein.cli import main
from tests.room.conftest import BASE

LOCAL = str(Path(__file__).resolve().parents[2] / "configs" / "local.yaml")


@pytest.mark.slow
@pytest.mark.pipeline
def test_a_bot_is_measured() -> None:
    only = ("--only", "detect_to_ack_ms", "--only", "onset_to_mute_ms", "--only", "client_bytes")
    command = [sys.executable, "-m", "bargein", "bench", LOCAL, "--quick", "--json", *only]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    told = json.loads(done.stdout)
    assert told["detect_to_ack_ms"]["n"] >= 3
    assert 0 < told["detect_to_ack_ms"]["p50"] < 500
    assert 0 < told["onset_to_mute_ms"]["p50"] < 200
    assert told["client_bytes"]["n"] == 1
    assert "voice_to_voice_ms" not in told
    assert told["config"]["hash"]
    assert "conversations 4/4" in done.stderr


def test_a_bot_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    broken = BASE.replace(
        "- use: espeak_tts", "- use: tests.room.parts:CannotBe\n  - use: espeak_tts"
    )
    (tmp_path / "broken.yaml").write_text(broken)
    only = ("--quick", "--only", "detect_to_ack_ms")
    result = CliRunner().invoke(main, ["bench", str(tmp_path / "broken.yaml"), *only])
    assert result.exit_code == 1
    assert "the model file is gone" in result.output
    assert "Traceback" not in result.output


def test_an_unknown_row_is_named_with_those_there_are() -> None:
    result = CliRunner().invoke(main, ["bench", LOCAL, "--only", "speed"])
    assert result.exit_code == 1
    assert "no row is called 'speed'" in result.output
    assert "detect_to_ack_ms" in result.output


@pytest.mark.slow
def test_the_load_needs_the_source_tree() -> None:
    asked = ["bench", LOCAL, "--only", "sessions_per_core", "--json"]
    result = CliRunner().invoke(main, asked)
    told = json.loads(result.stdout)
    assert told["sessions_per_core"]["n"] == 0
    assert "bench/load.py" in told["sessions_per_core"]["reason"]


def test_the_load_of_parts_that_may_cost_money_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "foreign.yaml").write_text(BASE)
    asked = ["bench", str(tmp_path / "foreign.yaml"), "--only", "cpu_ms_per_audio_s", "--json"]
    result = CliRunner().invoke(main, [*asked, "--peers", str(tmp_path)])
    told = json.loads(result.stdout)
    assert "tests.room.parts:GivenStt may cost money" in told["cpu_ms_per_audio_s"]["reason"]
    assert "--load" in told["cpu_ms_per_audio_s"]["reason"]

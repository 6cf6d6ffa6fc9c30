"""Services of Pipecat by their import path: placed, checked and made from YAML alone."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from bargein.config.problems import InvalidConfigError
from bargein.config.structure import Role
from bargein.pipelines.load import Config, load

BOT = """\
name: a
transport: local
pipeline:
  - interruption
  - silero_vad
  - use: pipecat.services.deepgram.stt:DeepgramSTTService
    api_key: ${KEY}
    settings: {model: nova-2, language: de}
  - use: pipecat.services.openai.llm:OpenAILLMService
    api_key: ${KEY}
    base_url: http://127.0.0.1:9/v1
    settings:
      model: gpt-4.1-mini
      temperature: 0.3
      system_instruction: You sell tea.
      extra: {reasoning_effort: low}
  - use: pipecat.services.elevenlabs.tts:ElevenLabsTTSService
    api_key: ${KEY}
    settings: {voice: someone, stability: 0.4}
  - played_audio
"""
SECRET = "a-key-that-nobody-may-see"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("deepgram", "websockets")),
        reason="the extras `deepgram` and `elevenlabs` are not installed",
    ),
    # Deepgram's package imports what newer websockets have replaced.
    pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning"),
]


def read(tmp_path: Path, text: str = BOT) -> Config:
    """Load it as a file."""
    path = tmp_path / "bot.yaml"
    path.write_text(text)
    return load(path, environ={"KEY": SECRET})


def settings_of(service: Any) -> Any:
    """What the service works with."""
    return service._settings


async def test_they_are_placed_by_what_they_derive_from_and_made_with_their_settings(
    tmp_path: Path,
) -> None:
    config = read(tmp_path)
    assert [part.role for part in config.parts[2:5]] == [Role.STT, Role.LLM, Role.TTS]
    stt, llm, tts = (settings_of(part.build()) for part in config.parts[2:5])
    assert (stt.model, stt.language) == ("nova-2", "de")
    assert (llm.model, llm.temperature) == ("gpt-4.1-mini", 0.3)
    assert (llm.system_instruction, llm.extra) == ("You sell tea.", {"reasoning_effort": "low"})
    assert (tts.voice, tts.stability) == ("someone", 0.4)


def test_what_takes_effect_shows_the_settings_and_no_key(tmp_path: Path) -> None:
    shown = str(read(tmp_path).effective)
    assert "gpt-4.1-mini" in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "temperature: 0.3",
            "temprature: 0.3",
            "bot.yaml:14:7: pipeline[3].settings: there is no key 'temprature' here. "
            "Did you mean 'temperature'?",
        ),
        (
            "stability: 0.4",
            "stability: much",
            "bot.yaml:19:32: pipeline[4].settings.stability: must be",
        ),
        ("base_url:", "base_ulr:", "bot.yaml:11:5: pipeline[3]: there is no key 'base_ulr' here."),
    ],
)
def test_a_mistake_is_named_at_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        read(tmp_path, BOT.replace(old, new))
    assert says in str(caught.value)

"""A good configuration becomes parts that can be built, and a digest that can be trusted."""

from __future__ import annotations

from collections.abc import Callable

from bargein.config.structure import Role
from bargein.errors import Place
from bargein.pipelines.load import Config

GOOD_LINES = 11


def test_a_good_file_loads(load_text: Callable[..., Config]) -> None:
    config = load_text()
    assert config.name == "cafe"
    assert [part.role for part in config.parts] == [
        Role.INTERRUPTION,
        Role.VAD,
        Role.STT,
        Role.LLM,
        Role.TTS,
        Role.PLAYED_AUDIO,
    ]
    assert config.transport.arguments == {"port": 7860}
    assert config.parts[1].place == Place("bot.yaml", 5, 10)


def test_each_build_makes_a_fresh_instance(load_text: Callable[..., Config]) -> None:
    vad = load_text().parts[1]
    first, second = vad.build(), vad.build()
    assert first is not second
    assert first.probability_threshold == 0.7
    assert first.min_silence_duration_ms == 700

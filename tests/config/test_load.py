"""A good configuration becomes parts that can be built, and a digest that can be trusted."""

from __future__ import annotations

from collections.abc import Callable

from bargein.config.model import Endpointing
from bargein.config.structure import Role
from bargein.errors import Place
from bargein.pipelines.load import Config
from tests.config.conftest import GOOD


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


def test_the_hash_knows_neither_order_nor_comments_nor_defaults(
    load_text: Callable[..., Config],
) -> None:
    config = load_text()
    assert len(config.digest) == 64
    assert config.short_digest == config.digest[:16]
    same = (
        "# a comment\npipeline:\n"
        "- {use: interruption, verdict_deadline_ms: 600}\n"
        "- {probability_threshold: 0.70, use: silero_vad}\n"
        "- some_stt\n- {use: scripted_llm, rate: 1, script: ./cafe.yaml}\n"
        "- {use: some_tts, voice: null}\n- played_audio\n"
        "transport: local   # the default port\nname: cafe\n"
    )
    assert load_text(same).digest == config.digest
    assert load_text(same.replace("600", "601")).digest != config.digest


def test_what_takes_effect_has_every_default(load_text: Callable[..., Config]) -> None:
    effective = load_text().effective
    assert effective["transport"] == {"use": "local", "host": "127.0.0.1", "port": 7860}
    assert effective["endpointing"] == Endpointing().model_dump()
    pipeline = effective["pipeline"]
    assert isinstance(pipeline, list)
    assert pipeline[1] == {
        "use": "silero_vad",
        "probability_threshold": 0.7,
        "min_silence_duration_ms": 700,
    }


def test_no_is_a_word_and_true_is_not(load_text: Callable[..., Config]) -> None:
    config = load_text(
        GOOD.replace("  - use: some_stt", "  - {use: some_stt, words: [no, on, off]}")
    )
    assert config.parts[2].arguments["words"] == ["no", "on", "off"]

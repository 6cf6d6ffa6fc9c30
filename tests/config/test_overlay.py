"""One file lies over another, and a setting over both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bargein.errors import Place
from bargein.pipelines.load import Config

Load = Callable[..., Config]


def base() -> None:
    """Write the file below, in a folder of its own."""
    Path("below").mkdir()
    Path("below/menu.yaml").write_text("order: tea\n")
    Path("below/base.yaml").write_text(
        "name: base\ngreeting: Hello.\ntransport: {use: local, port: 80}\npipeline:\n"
        "  - interruption\n  - {use: silero_vad, probability_threshold: 0.7}\n  - some_stt\n"
        "  - {use: scripted_llm, script: menu.yaml, style: {warmth: 3}}\n"
        "  - some_tts\n  - played_audio\n"
    )


def test_a_part_of_the_same_name_is_merged_in_place(load_text: Load) -> None:
    base()
    config = load_text(
        "extends: below/base.yaml\npipeline:\n"
        "  - {use: some_tts, voice: nova}\n"
        "  - {use: silero_vad, min_silence_duration_ms: 300}\n"
    )
    assert [part.use for part in config.parts][1:3] == ["silero_vad", "some_stt"]
    assert config.parts[1].arguments == {
        "probability_threshold": 0.7,
        "min_silence_duration_ms": 300,
    }
    assert config.parts[4].arguments == {"voice": "nova"}
    assert config.parts[1].place == Place("below/base.yaml", 6, 11)


def test_mappings_merge_and_values_are_replaced(load_text: Load) -> None:
    base()
    config = load_text(
        "extends: below/base.yaml\nname: top\ngreeting: null\ntransport: {host: '::1'}\n"
        "pipeline:\n  - {use: scripted_llm, rate: 2}\n"
    )
    assert (config.name, config.greeting) == ("top", None)
    assert config.transport.arguments == {"port": 80, "host": "::1"}
    assert config.parts[3].arguments["style"].warmth == 3
    assert config.parts[3].arguments["rate"] == 2.0


def test_a_list_with_a_new_part_replaces_the_list_below(load_text: Load) -> None:
    base()
    config = load_text(
        "extends: below/base.yaml\npipeline:\n  - interruption\n  - silero_vad\n"
        "  - bargein_parts_for_tests:Recogniser\n  - {use: scripted_llm, script: cafe.yaml}\n"
        "  - some_tts\n  - played_audio\n"
    )
    assert config.parts[1].arguments == {}
    assert config.parts[2].role == "stt"


def test_a_path_starts_where_it_was_written(load_text: Load) -> None:
    base()
    config = load_text("extends: below/base.yaml\n")
    assert config.parts[3].arguments["script"] == Path("below/menu.yaml").resolve()
    changed = load_text("extends: below/base.yaml\n", "pipeline.scripted_llm.script=cafe.yaml")
    assert changed.parts[3].arguments["script"] == Path("cafe.yaml").resolve()


def test_files_may_lie_three_deep(load_text: Load) -> None:
    base()
    Path("middle.yaml").write_text("extends: below/base.yaml\nname: middle\ngreeting: Hi.\n")
    config = load_text("extends: ${MIDDLE}\nname: top\n", environ={"MIDDLE": "middle.yaml"})
    assert (config.name, config.greeting) == ("top", "Hi.")


def test_an_unset_variable_below_is_no_matter_when_it_is_replaced(load_text: Load) -> None:
    base()
    Path("middle.yaml").write_text("extends: below/base.yaml\nname: ${NOBODY}\n")
    assert load_text("extends: middle.yaml\nname: top\n").name == "top"


def test_a_setting_wins_over_every_file(load_text: Load) -> None:
    base()
    config = load_text(
        "extends: below/base.yaml\n",
        "pipeline.silero_vad.probability_threshold=0.9",
        "pipeline.4.voice=12",
        "pipeline.scripted_llm.style.warmth=1",
        "transport.port=8080",
        "endpointing.silence_ms=500",
        "greeting=Good evening: what will it be?",
        'pipeline.some_stt.words=[tea, "2"]',
    )
    assert config.parts[1].arguments["probability_threshold"] == 0.9
    assert config.parts[4].arguments["voice"] == "12"
    assert config.parts[3].arguments["style"].warmth == 1
    assert config.transport.arguments["port"] == 8080
    assert config.endpointing.silence_ms == 500
    assert config.greeting == "Good evening: what will it be?"
    assert config.parts[2].arguments["words"] == ["tea", "2"]

"""Keys of vendors: from the environment, into the service, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bargein.cli import main
from bargein.processors.openai_llm import OpenAILLM
from bargein.processors.vendor import VENDORS, without_keys

pytestmark = pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning")

KEY = "sk-very-secret-0123456789"
CONFIG = """\
name: cloud
transport: local
pipeline:
  - interruption
  - silero_vad
  - use: deepgram_stt
    model: nova-3-general
  - speculation
  - use: anthropic_llm
    system: You are a concierge.
  - clauses
  - use: elevenlabs_tts
    voice: Sarah
  - played_audio
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with a configuration, with a key for each vendor."""
    monkeypatch.chdir(tmp_path)
    for vendor in VENDORS:
        monkeypatch.setenv(vendor.key_variable, KEY)
    (tmp_path / "bot.yaml").write_text(CONFIG)
    return tmp_path


def bargein(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", ["check", "run"])
def test_each_key_that_is_missing_is_one_sentence_at_its_part(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for vendor in VENDORS:
        monkeypatch.delenv(vendor.key_variable)
    result = bargein(command, "bot.yaml")
    assert result.exit_code == 1
    assert [line.split(". Set it")[0] for line in result.stderr.splitlines()] == [
        f"bot.yaml:{line}:10: pipeline[{index}]: {part!r} could not be made: "
        f"the environment has no {vendor.key_variable}"
        for line, index, part, vendor in zip(
            (6, 9, 12),
            (2, 4, 6),
            ("deepgram_stt", "anthropic_llm", "elevenlabs_tts"),
            VENDORS,
            strict=True,
        )
    ]


@pytest.mark.parametrize("name", ["api_key", "key", "token"])
@pytest.mark.parametrize("after", ["model: nova-3-general", "voice: Sarah"])
def test_a_key_in_a_yaml_is_refused_and_not_shown(folder: Path, name: str, after: str) -> None:
    (folder / "bot.yaml").write_text(CONFIG.replace(after, f"{after}\n    {name}: {KEY}"))
    result = bargein("check", "bot.yaml")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert f"there is no key {name!r} here. A key never stands in a YAML: set " in line
    assert KEY not in result.output


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", ["check", "config", "graph"])
def test_no_command_shows_a_key(command: str) -> None:
    result = bargein(command, "bot.yaml")
    assert result.exit_code == 0, result.output
    assert KEY not in result.output


@pytest.mark.parametrize("key", ["sk-proj-1234567", "sk_0123456789abcdef"])
@pytest.mark.parametrize("command", ["config", "check", "graph"])
def test_a_key_in_place_of_its_variables_name_is_shown_by_no_command(
    folder: Path, key: str, command: str
) -> None:
    server = (
        f"openai_llm\n    base_url: http://llm.example/v1\n    model: m\n    key_variable: {key}"
    )
    (folder / "bot.yaml").write_text(CONFIG.replace("anthropic_llm", server))
    result = bargein(command, "bot.yaml")
    assert key not in result.output
    if command == "check":
        assert "key_variable names the environment variable that holds the key" in result.stderr


@pytest.mark.parametrize("where", ["api_key: {}", "settings: {{extra: {{api_key: {}}}}}"])
def test_a_key_of_one_of_pipecats_classes_is_refused_in_a_yaml_too(
    folder: Path, where: str
) -> None:
    service = "pipecat.services.openai.llm:OpenAILLMService\n    " + where.format(KEY)
    text = CONFIG.replace("anthropic_llm\n    system: You are a concierge.", service)
    (folder / "bot.yaml").write_text(text)
    result = bargein("check", "bot.yaml")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("bot.yaml:10:")
    assert ": a key comes from the environment, and never stands in a YAML. Set a variable" in line
    assert KEY not in result.output


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("wss://", "it names no host"),
        ("wss://:443", "it names no host"),
        ("wss://[::1", "its host or its port can't be read"),
        ("wss://a:123456", "its host or its port can't be read"),
        ("wss://a:0", "nobody listens at port 0"),
        ("wss://a b", "there is a space in it"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_sentence_at_its_part(
    folder: Path, url: str, says: str
) -> None:
    http = url.replace("wss", "http")
    parts = {
        "model: nova-3-general": f"url: '{url}'",
        "anthropic_llm": f"openai_llm\n    model: m\n    base_url: '{http}'",
        "voice: Sarah": f"voice: Sarah\n    url: '{url}'",
    }
    text = CONFIG
    for old, new in parts.items():
        text = text.replace(old, new)
    (folder / "bot.yaml").write_text(text)
    result = bargein("check", "bot.yaml")
    assert result.exit_code == 1
    assert [line.partition("made: ")[2] for line in result.stderr.splitlines()] == [
        f"url: {url!r} is no address: {says}. Write it like wss://api.deepgram.com",
        f"base_url: {http!r} is no address: {says}. Write it like https://api.openai.com/v1",
        f"url: {url!r} is no address: {says}. Write it like wss://api.elevenlabs.io",
    ]


@pytest.mark.usefixtures("folder")
def test_a_key_in_a_message_is_struck_out() -> None:
    assert without_keys(f"GET /v1?key={KEY} was refused") == "GET /v1?key=*** was refused"


@pytest.mark.parametrize(
    ("wrong", "character"),
    [("sk-one\nsk-two", "7 of it is a line break"), ('"sk-one"', "1 of it is quotation mark")],
)
@pytest.mark.usefixtures("folder")
def test_what_can_be_no_key_is_one_sentence_that_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch, wrong: str, character: str
) -> None:
    for vendor in VENDORS:
        monkeypatch.setenv(vendor.key_variable, wrong)
    result = bargein("check", "bot.yaml")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == len(VENDORS)
    for vendor, line in zip(VENDORS, result.stderr.splitlines(), strict=True):
        assert f"{vendor.key_variable} in the environment is no key: character {character}" in line
        assert "sk-one" not in line


def test_a_key_of_ones_own_server_is_struck_out_of_messages_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OUR_KEY", KEY)
    OpenAILLM(model="m", base_url="http://llm.example/v1", key_variable="OUR_KEY")
    assert without_keys(f"no such key: {KEY}") == "no such key: ***"


@pytest.mark.usefixtures("folder")
def test_another_kind_of_model_names_its_part() -> None:
    result = bargein("check", "bot.yaml", "--set", "pipeline.deepgram_stt.model=flux-general-en")
    assert "is another kind of model. Write `use: deepgram_flux_stt`" in result.stderr


CLOUD = Path(__file__).parents[2] / "configs" / "cloud.yaml"


@pytest.mark.usefixtures("folder")
def test_the_config_that_ships_is_good_with_keys_and_clear_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert bargein("check", str(CLOUD)).exit_code == 0
    for vendor in VENDORS:
        monkeypatch.delenv(vendor.key_variable)
    lines = bargein("check", str(CLOUD)).stderr.splitlines()
    assert [
        f"the environment has no {each.key_variable}." in line
        for each, line in zip(VENDORS, lines, strict=True)
    ] == [True] * len(VENDORS)
    written = (CLOUD.parents[1] / "docs" / "cloud.md").read_text()
    assert f"configs/cloud.yaml{lines[0].removeprefix(str(CLOUD))}\n" in written

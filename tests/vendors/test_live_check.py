"""Keys are tried before anybody calls; `check --live` tells what they are good for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from bargein.cli import main
from bargein.pipelines.live_check import Key, look, refuse_bad_keys
from bargein.pipelines.load import load
from bargein.processors.vendor import VENDORS
from tests.vendors.account import Account, Refusal
from tests.vendors.anthropic import Anthropic
from tests.vendors.deepgram import Deepgram
from tests.vendors.elevenlabs import ElevenLabs
from tests.vendors.openai import Answer, OpenAI

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning"),
]

KEY = "sk-the-good-one-0123456789"
CONFIG = """\
name: cloud
transport: {{use: local, port: 0}}
endpointing: {{smart_turn: false}}
pipeline:
  - interruption
  - silero_vad
  - use: deepgram_stt
    url: {}
  - use: anthropic_llm
    url: {}
  - use: elevenlabs_tts
    voice: bill02
    url: {}
  - played_audio
"""


@pytest.fixture
async def accounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Account, ...]]:
    """Open the three servers, each with an account that our key is good for."""
    monkeypatch.chdir(tmp_path)
    for vendor in VENDORS:
        monkeypatch.setenv(vendor.key_variable, KEY)
    servers = (Deepgram([]), Anthropic(str), ElevenLabs())
    async with AsyncExitStack() as opened:
        urls = [await opened.enter_async_context(server.open()) for server in servers]
        (tmp_path / "bot.yaml").write_text(CONFIG.format(*urls))
        for server in servers:
            server.account.key = KEY
        yield tuple(server.account for server in servers)


async def bargein(*arguments: str) -> Result:
    """Run the command beside the servers."""
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, catch_exceptions=False)


@pytest.mark.usefixtures("accounts")
async def test_check_live_shows_latency_models_and_voices() -> None:
    result = await bargein("check", "bot.yaml", "--live")
    assert result.exit_code == 0, result.output
    _, head, *rows = result.stdout.splitlines()
    assert head.split() == ["part", "vendor", "key", "latency", "asked", "for"]
    assert [row.split()[:3] for row in rows[:3]] == [
        ["deepgram_stt", "Deepgram", "good"],
        ["anthropic_llm", "Anthropic", "good"],
        ["elevenlabs_tts", "ElevenLabs", "good"],
    ]
    assert all(int(row.split()[3]) < 1000 for row in rows[:3])
    assert rows[2].endswith("model eleven_flash_v2_5, voice bill02")
    assert "Deepgram, 3 models:\n  flux-general-en, nova-3-general" in result.stdout
    assert "Anthropic, 2 models:\n  claude-haiku-4-5, claude-sonnet-4-6\n" in result.stdout
    assert "ElevenLabs, 2 voices:\n  Sarah (sarah01), Bill (bill02)\n" in result.stdout
    assert KEY not in result.output


@pytest.mark.usefixtures("accounts")
async def test_the_keys_of_parts_that_stand_in_for_others_are_tried_too(tmp_path: Path) -> None:
    text = (tmp_path / "bot.yaml").read_text()
    voice = text[text.index("  - use: elevenlabs_tts") : text.index("  - played_audio")]
    several = "  - use:\n      - espeak_tts\n" + "".join(
        f"    {line}\n" for line in voice.splitlines()
    )
    (tmp_path / "bot.yaml").write_text(text.replace(voice, several))
    result = await bargein("check", "bot.yaml", "--live")
    assert result.exit_code == 0, result.output
    assert "elevenlabs_tts  ElevenLabs  good" in result.stdout


@pytest.mark.usefixtures("accounts")
async def test_check_live_marks_what_the_vendor_does_not_list() -> None:
    setting = "pipeline.elevenlabs_tts.voice=nobody"
    result = await bargein("check", "bot.yaml", "--live", "--set", setting)
    assert "voice nobody (not listed)" in result.stdout


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("command", [("check", "--live"), ("run",)])
async def test_a_refused_key_is_one_sentence_before_anybody_connects(
    accounts: tuple[Account, ...], index: int, command: tuple[str, ...]
) -> None:
    accounts[index].key = "sk-another"
    result = await bargein(command[0], "bot.yaml", *command[1:])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    vendor = VENDORS[index]
    assert line.startswith(f"bot.yaml:{(7, 9, 11)[index]}:10: pipeline[{index + 2}]: ")
    assert f"{vendor.name} refuses the key in {vendor.key_variable}. Set it to one" in line
    assert KEY not in result.output


@pytest.mark.parametrize("command", [("check", "--live"), ("run",)])
async def test_a_key_that_is_refused_to_flux_is_one_sentence_too(
    accounts: tuple[Account, ...], tmp_path: Path, command: tuple[str, ...]
) -> None:
    accounts[0].key = "sk-another"
    text = (tmp_path / "bot.yaml").read_text()
    (tmp_path / "bot.yaml").write_text(text.replace("deepgram_stt", "deepgram_flux_stt"))
    result = await bargein(command[0], "bot.yaml", *command[1:])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "Deepgram refuses the key in DEEPGRAM_API_KEY. Set it to one" in line


async def test_a_refused_key_is_a_warning_where_another_part_stands_in(
    accounts: tuple[Account, ...], tmp_path: Path
) -> None:
    accounts[2].key = "sk-another"
    text = (tmp_path / "bot.yaml").read_text()
    voice = text[text.index("  - use: elevenlabs_tts") : text.index("  - played_audio")]
    several = "  - use:\n      - espeak_tts\n" + "".join(
        f"    {line}\n" for line in voice.splitlines()
    )
    (tmp_path / "bot.yaml").write_text(text.replace(voice, several))
    config = load(tmp_path / "bot.yaml", environ=os.environ)
    (warning,) = await asyncio.to_thread(refuse_bad_keys, config)
    assert "ElevenLabs refuses the key in ELEVENLABS_API_KEY" in warning
    assert "the others of its list stand in" in warning


@pytest.mark.parametrize(
    ("refusal", "said"),
    [(Refusal(503), "it answered 503"), (Refusal(429, 30), "it answered 429")],
    ids=["down", "limited"],
)
async def test_a_vendor_that_is_down_is_a_warning_at_run_and_not_good_at_a_check(
    accounts: tuple[Account, ...],
    monkeypatch: pytest.MonkeyPatch,
    refusal: Refusal,
    said: str,
) -> None:
    def serve_nobody(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bargein.pipelines.serve.uvicorn.Server.run", serve_nobody)
    monkeypatch.setattr("bargein.pipelines.serve.logger.remove", lambda: None)
    monkeypatch.setattr("bargein.pipelines.serve.logger.add", lambda *_, **__: 0)
    accounts[1].refusals.append(refusal)
    result = await bargein("run", "bot.yaml")
    assert result.exit_code == 0
    told = f"Warning: Anthropic could not be asked whether its key is good: {said}."
    assert told in result.stderr.splitlines()
    accounts[1].refusals.append(refusal)
    result = await bargein("check", "bot.yaml", "--live")
    assert result.exit_code == 1
    assert f"Anthropic   unknown: {said}" in result.stdout


@pytest.mark.parametrize(
    ("index", "status", "says", "kept"),
    [
        (0, 403, "INSUFFICIENT_PERMISSIONS", "projects and models"),
        (0, 401, "User does not have sufficient permissions.", "projects and models"),
        (1, 403, "permission_error", "models"),
        (2, 401, "missing_permissions", "models and voices"),
    ],
)
async def test_a_key_that_the_vendor_knows_and_keeps_lists_from_is_good_and_it_is_said(
    accounts: tuple[Account, ...], index: int, status: int, says: str, kept: str
) -> None:
    accounts[index].refusals.extend([Refusal(status, says=says)] * 20)
    result = await bargein("check", "bot.yaml", "--live")
    assert result.exit_code == 0
    (row,) = (line for line in result.stdout.splitlines() if VENDORS[index].name in line)
    assert f"good, but may not list {kept}  " in row


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("command", [("check", "--live"), ("run",)])
async def test_a_key_that_is_forbidden_for_another_reason_is_refused(
    accounts: tuple[Account, ...], index: int, command: tuple[str, ...]
) -> None:
    accounts[index].refusals.append(Refusal(403))
    result = await bargein(command[0], "bot.yaml", *command[1:])
    assert result.exit_code == 1
    assert f"{VENDORS[index].name} refuses the key in" in result.stderr


async def test_who_answers_too_slowly_does_not_hold_up_the_others(
    accounts: tuple[Account, ...], tmp_path: Path
) -> None:
    del accounts
    async with page("application/json", "{}", after_s=30) as port:
        text = (tmp_path / "bot.yaml").read_text()
        slow = re.sub("url: http://.*", f"url: http://{port}", text)
        (tmp_path / "bot.yaml").write_text(slow)
        config = load(tmp_path / "bot.yaml", environ=os.environ)
        begun = time.monotonic()
        found = await asyncio.to_thread(look, config, within_s=1.5)
        assert time.monotonic() - begun < 4
    assert [each.key for each in found] == [Key.GOOD, Key.UNKNOWN, Key.GOOD]
    assert found[1].why == "not all was answered in 1.5 s"


OPENAI_CONFIG = """\
name: ours
transport: {{use: local, port: 0}}
endpointing: {{smart_turn: false}}
pipeline:
  - interruption
  - silero_vad
  - use: pocketsphinx_stt
    dictation: true
  - use: openai_llm
    base_url: {}
    model: tea-1
    key_variable: OUR_KEY
  - espeak_tts
  - played_audio
"""


@pytest.mark.parametrize(
    ("good", "command", "said"),
    [
        (KEY, ("check", "--live"), "127.0.0.1, 1 models:\n  tea-1\n"),
        ("sk-another", ("check", "--live"), "127.0.0.1 refuses the key in OUR_KEY. Set it to one"),
        ("sk-another", ("run",), "127.0.0.1 refuses the key in OUR_KEY. Set it to one"),
    ],
)
async def test_the_key_of_a_server_behind_openais_api_is_tried_like_any_other(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    good: str,
    command: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setenv("OUR_KEY", KEY)
    server = OpenAI(lambda _: Answer())
    server.key = good
    async with server.open() as url:
        (tmp_path / "bot.yaml").write_text(OPENAI_CONFIG.format(url))
        result = await bargein(command[0], str(tmp_path / "bot.yaml"), *command[1:])
    assert said in result.output
    assert result.exit_code == (good != KEY)
    assert KEY not in result.output


async def test_a_restricted_key_of_openais_is_good_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_KEY", KEY)
    server = OpenAI(lambda _: Answer())
    server.key, server.refuses_with = "another", "Missing scopes: api.model.read."
    async with server.open() as url:
        (tmp_path / "bot.yaml").write_text(OPENAI_CONFIG.format(url))
        result = await bargein("check", str(tmp_path / "bot.yaml"), "--live")
    assert result.exit_code == 0
    assert "good, but may not list models" in result.stdout


@pytest.mark.parametrize(
    ("kind", "body"),
    [("text/html", "<html>Log in</html>"), ("application/json", "3")],
)
@pytest.mark.usefixtures("accounts")
async def test_a_page_of_a_proxys_in_place_of_the_vendor_is_no_stack_trace(
    tmp_path: Path, kind: str, body: str
) -> None:
    async with page(kind, body) as port:
        urls = (f"ws://{port}", f"http://{port}", f"ws://{port}")
        (tmp_path / "bot.yaml").write_text(CONFIG.format(*urls))
        result = await bargein("check", "bot.yaml", "--live")
    assert result.exit_code == 1
    assert result.stdout.count("unknown: its answer is not of its kind") == len(VENDORS)


@asynccontextmanager
async def page(kind: str, body: str, *, after_s: float = 0) -> AsyncIterator[str]:
    """A server that answers everything so; gives its host and port."""
    leaving = asyncio.Event()
    app = web.Application()

    async def answer(_: web.Request) -> web.Response:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(leaving.wait(), after_s)
        return web.Response(text=body, content_type=kind)

    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"{host}:{port}"
    finally:
        leaving.set()
        await runner.cleanup()

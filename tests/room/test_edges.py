"""What may go wrong at the door and inside: a clear word, no hang, and the room serves on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bargein.packet import Kind, Packet
from bargein.protocol import Codec, Error, Hello, Pong, ServerMessage, State
from tests.room.caller import Caller
from tests.room.conftest import Open
from tests.room.speech import spoken
from tests.room.test_barge_in import LONG

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]


@pytest.fixture(autouse=True)
def warnings() -> Iterator[list[str]]:
    """Gather the log's warnings; a task that was left running fails every test."""
    lines: list[str] = []
    handler = logger.add(lines.append, level="WARNING", format="{message}")
    yield lines
    logger.remove(handler)
    assert not [line for line in lines if "dangling" in line]


async def answers(socket: ClientConnection) -> list[ServerMessage]:
    """All that the server says until it closes."""
    heard: list[ServerMessage] = []
    try:
        while True:
            data = await socket.recv()
            if isinstance(data, str):
                heard.append(Codec.read_server(data))
    except ConnectionClosed:
        return heard


async def refused(url: str, first: str | bytes) -> Error:
    """The server's last word to a client that begins like this."""
    async with connect(url) as socket:
        await socket.send(first)
        last = (await answers(socket))[-1]
        assert isinstance(last, Error)
        assert last.final
        return last


async def test_the_first_message_must_be_a_hello_of_our_version(open_room: Open) -> None:
    room = await open_room()
    assert (await refused(room.url, "good day")).code == "not_json"
    assert (await refused(room.url, b"\x00" * 20)).code == "no_hello"
    assert (await refused(room.url, '{"type": "bargein/ping"}')).code == "no_hello"
    assert (await refused(room.url, Codec.write(Hello(protocol=2)))).code == "version"
    wrong_rate = '{"type": "bargein/hello", "capabilities": {"microphone_rate_hz": 48000}}'
    assert "48000" in (await refused(room.url, wrong_rate)).message


async def test_a_page_of_another_origin_may_not_connect(open_room: Open) -> None:
    room = await open_room()
    with pytest.raises(InvalidStatus, match="403"):
        async with connect(room.url, origin="https://evil.example"):  # type: ignore[arg-type]
            pass


async def test_what_is_not_valid_is_answered_and_the_conversation_goes_on(open_room: Open) -> None:
    room = await open_room()
    async with Caller(room.url) as caller:
        for bad in ("{", "[1]", "{}", '{"type": "bargein/what"}', '{"type":"bargein/truncate"}'):
            await caller.socket.send(bad)
        for bad_packet in (b"", b"\x02", b"\x09" * 24, b"\x02" * 23):
            await caller.socket.send(bad_packet)
        await caller.until_message(Error, count=9)
        codes = {error.code for error in caller.messages(Error)}
        assert codes == {"not_json", "not_an_object", "bad_message", "bad_packet"}
        await caller.socket.send('{"type": "bargein/ping", "clock_ms": 5}')
        await caller.until(lambda: 5 in [pong.clock_ms for pong in caller.messages(Pong)])


async def test_one_who_only_sends_nonsense_is_shown_the_door(open_room: Open) -> None:
    room = await open_room()
    async with connect(room.url) as socket:
        await socket.send(Codec.write(Hello()))
        for _ in range(60):
            await socket.send("nonsense")
        heard = await answers(socket)
        assert isinstance(heard[-1], Error)
        assert heard[-1].final


async def test_audio_at_the_wrong_rate_is_named_and_ends_the_session(open_room: Open) -> None:
    room = await open_room()
    async with connect(room.url) as socket:
        await socket.send(Codec.write(Hello()))
        second = bytes(2 * 48_000)
        for n in range(5):
            await socket.send(Packet(Kind.MICROPHONE, 1, 0, n * 48_000, second).pack())
        pace = Packet(Kind.MICROPHONE, 1, 0, 0, second[:3072]).pack()
        try:
            for _ in range(100):
                await socket.send(pace)
                await asyncio.sleep(0.032)
        except ConnectionClosed:
            pass
        last = [m for m in await answers(socket) if isinstance(m, Error)][-1]
        assert last.code == "bad_rate"
        assert "16000" in last.message


async def test_a_third_browser_finds_the_room_full_and_gets_in_once_another_left(
    open_room: Open,
) -> None:
    room = await open_room()
    async with Caller(room.url):
        async with Caller(room.url):
            assert (await refused(room.url, Codec.write(Hello()))).code == "room_full"
        async with asyncio.timeout(10):
            while (await first_answer(room.url)).type != "bargein/welcome":  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def first_answer(url: str) -> ServerMessage:
    """What the server says first to a good hello."""
    async with connect(url) as socket:
        await socket.send(Codec.write(Hello()))
        return Codec.read_server(str(await socket.recv()))


async def test_a_browser_that_vanishes_leaves_nothing_behind(open_room: Open) -> None:
    room = await open_room(f"greeting: {LONG!r}", settings=("transport.max_sessions=4",))
    for _ in range(3):
        async with Caller(room.url) as caller:
            await caller.until(lambda: bool(caller.voices))
            caller.socket.transport.abort()  # no goodbye
    async with Caller(room.url) as caller:
        await caller.until(lambda: caller.played_ms(1) > 500)


async def test_a_processor_that_raises_is_reported_and_the_session_lives(
    open_room: Open, warnings: list[str]
) -> None:
    room = await open_room(
        """
        pipeline:
          - use: interruption
          - use: silero_vad
          - use: tests.room.parts:GivenStt
            hears: [one, two]
          - use: tests.room.parts:GivenLlm
            answers: [Certainly not., Certainly.]
          - use: tests.room.parts:Stumbles
          - use: espeak_tts
          - use: played_audio
        """
    )
    async with Caller(room.url) as caller:
        caller.say(spoken("Good morning"), after_s=0.5)
        error = await caller.until_message(Error)
        assert error.code == "processor_failed"
        assert "Stumbles" in error.message
        assert any("Traceback" in line and "I stumbled" in line for line in warnings)
        assert not error.final
        floors = len(caller.messages(State))
        caller.say(spoken("Good evening"), after_s=0.5)
        await caller.until(lambda: len(caller.messages(State)) > floors + 1)


async def test_a_bot_that_cannot_be_made_says_why_and_the_room_serves_on(open_room: Open) -> None:
    room = await open_room(settings=("pipeline.5.use=tests.room.parts:CannotBe",))
    for _ in range(2):
        error = await refused(room.url, Codec.write(Hello()))
        assert error.code == "bot_failed"
        assert "the model file is gone" in error.message


CONFIG = f"""
name: ctrl-c
transport: {{use: local, port: 0}}
greeting: {LONG!r}
endpointing: {{smart_turn: false}}
pipeline:
  - interruption
  - silero_vad
  - {{use: "tests.room.parts:GivenStt", hears: []}}
  - {{use: "tests.room.parts:GivenLlm", answers: []}}
  - espeak_tts
  - played_audio
"""


async def test_ctrl_c_in_mid_sentence_ends_the_server_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bot.yaml"
    path.write_text(CONFIG)
    bot = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bargein", "run", str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert bot.stdout
    assert bot.stderr
    lines = [await bot.stdout.readline(), await bot.stdout.readline()]
    url = lines[1].decode().split()[1].replace("http", "ws") + "/ws"
    async with Caller(url) as caller:
        await caller.until(lambda: caller.played_ms(1) > 500)
        bot.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(bot.wait(), 10) == 0
    errors = (await bot.stderr.read()).decode()
    assert "Traceback" not in errors
    assert "Task was destroyed" not in errors

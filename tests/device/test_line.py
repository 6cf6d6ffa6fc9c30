"""Where there is nothing to talk with, the command says so in a sentence, and soon."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Never

import pytest

from bargein import configs
from bargein.errors import PartError
from bargein.packet import Kind, Packet
from bargein.pipelines import talk
from bargein.pipelines.load import load
from bargein.transports.device.asking import asked_cards
from bargein.transports.device.cards import End, cards, sounddevice
from bargein.transports.device.device import Device
from bargein.transports.device.line import MOST_UNREAD_BYTES, DeviceLine
from bargein.transports.device.pipe import COUNTS, READY, Opened, packed
from bargein.transports.device.stream import started
from bargein.transports.device.worker import _look_again
from bargein.transports.local.connection import DisconnectedError

pytestmark = pytest.mark.skipif(
    find_spec("sounddevice") is None, reason="the extra 'device' is not installed"
)


SHIPPED = Path(next(iter(configs.__path__))) / "device.yaml"


def device(**settings: object) -> Device:
    """One without echo cancellation, which needs another package."""
    return Device(echo_cancellation=False, **settings)  # type: ignore[arg-type]


@pytest.mark.slow
async def test_a_machine_without_sound_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/nobody")
    with suppress(PartError):
        if cards():
            pytest.skip("this machine has a sound card")
    with pytest.raises(PartError, match=r"this machine has no microphone|PortAudio is missing"):
        await DeviceLine.open(device(), note=lambda _: None, warn=lambda _: None)


@pytest.mark.skipif(find_spec("livekit") is not None, reason="the package 'livekit' is there")
def test_without_its_package_echo_cancellation_says_what_to_install() -> None:
    with pytest.raises(PartError, match=r"pip install 'bargein\[device\]'"):
        Device()


def fails() -> Never:
    """What PortAudio does where a sound server is just being started."""
    raise sounddevice().PortAudioError("Device unavailable")


class Unplugged:
    """A stream whose device went after it was opened."""

    def start(self) -> None:
        fails()


def test_a_device_that_goes_before_it_runs_can_be_waited_for() -> None:
    with pytest.raises(PartError, match="the loudspeaker can't be started: Device unavailable"):
        started(End.OUTPUT, Unplugged())


def test_a_sound_system_that_does_not_answer_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as down:
        down.setattr(sounddevice(), "_initialize", fails)
        for _ in range(2):
            with pytest.raises(PartError, match="does not say what devices it has"):
                _look_again()
    _look_again()
    assert sounddevice()._initialized == 1


async def test_a_sound_process_that_dies_before_its_hello_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def dying(_: Device, **told: object) -> DeviceLine:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-S", "-c", ""),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        line = DeviceLine(process, **told)  # type: ignore[arg-type]
        line.opened = OPENED
        return line

    monkeypatch.setattr(DeviceLine, "open", dying)
    with pytest.raises(PartError, match="the sound process ended"):
        await talk._talk(load(SHIPPED, environ=os.environ), device(), None)


OPENED = Opened("microphone", "speaker", 48_000, 48_000, 10.0, 10.0)
SAY_READY = f"""
import sys
out = sys.stdout.buffer
out.write({packed(READY, json.dumps(asdict(OPENED)).encode())!r})
out.flush()
"""
STANDS_STILL = "import time; time.sleep(60)"
COUNTS_ON = f"""
import time
while True:
    out.write({packed(COUNTS, b"{}")!r})
    out.flush()
    time.sleep(0.05)
"""


@asynccontextmanager
async def line_to(program: str) -> AsyncIterator[DeviceLine]:
    """A line to a process that says that it is ready, and then runs this program."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-S", "-c", f"{SAY_READY}\n{program}"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    line = DeviceLine(process, note=lambda _: None, warn=lambda _: None, silent_s=0.3)
    try:
        await line._until_ready()
        yield line
    finally:
        process.kill()
        await line.end()


async def test_a_sound_process_that_says_nothing_any_more_ends_the_talk() -> None:
    async with line_to(STANDS_STILL) as line:
        with pytest.raises(DisconnectedError):
            async with asyncio.timeout(5):
                await line.receive()
        assert line.closed.is_set()
        assert "has said nothing for 0.3 s: it hangs, or the sound server does" in line.failure


async def test_a_sound_process_that_only_counts_is_no_hung_one() -> None:
    async with line_to(COUNTS_ON) as line:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.7):
                await line.receive()
        assert not line.closed.is_set()


async def test_a_sound_process_that_reads_nothing_any_more_ends_the_talk() -> None:
    chunk = Packet(Kind.BOT, 1, 1, 0, bytes(1920))
    async with line_to(COUNTS_ON) as line:
        for _ in range(400):
            line.send_audio(chunk)
        assert line.closed.is_set()
        assert "reads nothing any more" in line.failure
        waiting = line._process.stdin.transport.get_write_buffer_size()  # type: ignore[union-attr]
        assert waiting <= MOST_UNREAD_BYTES + 2 * len(chunk.pcm)


def test_a_sound_server_that_hangs_is_not_asked_for_ever() -> None:
    hanging = (sys.executable, "-S", "-c", STANDS_STILL)
    with pytest.raises(PartError, match=r"does not say within 0.2 s .* the sound server hangs"):
        asked_cards(limit_s=0.2, program=hanging)


@pytest.mark.slow
def test_what_is_asked_in_another_process_is_what_there_is() -> None:
    try:
        there = cards()
    except PartError as error:
        with pytest.raises(PartError, match=re.escape(str(error))):
            asked_cards()
    else:
        assert asked_cards() == there

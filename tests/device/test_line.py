"""Where there is nothing to talk with, the command says so in a sentence, and soon."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Never

import pytest

from bargein import configs
from bargein.errors import PartError
from bargein.pipelines import talk
from bargein.pipelines.load import load
from bargein.transports.device.cards import End, cards, sounddevice
from bargein.transports.device.device import Device
from bargein.transports.device.line import DeviceLine
from bargein.transports.device.pipe import Opened
from bargein.transports.device.stream import started
from bargein.transports.device.worker import _look_again

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
        line.opened = Opened("microphone", "speaker", 48_000, 48_000, 10.0, 10.0)
        return line

    monkeypatch.setattr(DeviceLine, "open", dying)
    with pytest.raises(PartError, match="the sound process ended"):
        await talk._talk(load(SHIPPED, environ=os.environ), device(), None)

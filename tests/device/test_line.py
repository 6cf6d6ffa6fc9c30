"""Where there is nothing to talk with, the command says so in a sentence, and soon."""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from bargein.errors import PartError
from bargein.transports.device.cards import cards
from bargein.transports.device.device import Device
from bargein.transports.device.line import DeviceLine

pytestmark = pytest.mark.skipif(
    find_spec("sounddevice") is None, reason="the extra 'device' is not installed"
)


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

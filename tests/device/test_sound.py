"""A real sound server: what the loudspeaker plays when somebody speaks, or pulls the plug."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from bargein import configs
from bargein.transports.device import worker
from bargein.transports.device.device import Device

from .server import BOT_HZ, Server, position_of, sounding, spoken, until
from .sound_server import RATE_HZ, SoundServer, missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.skipif(
        find_spec("sounddevice") is None or find_spec("livekit") is None,
        reason="the extra 'device' is not installed",
    ),
    pytest.mark.skipif(
        find_spec("espeakng_loader") is None, reason="the extra 'embedded' is not installed"
    ),
]

ENDS_WITHIN_S = 15.0
CONFIG = Path(next(iter(configs.__path__))) / "device.yaml"


@contextmanager
def machine(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, echo_db: float | None = None
) -> Iterator[SoundServer]:
    """A machine with this sound server."""
    with SoundServer(folder, echo_db=echo_db) as sound:
        for name in ("PULSE_SERVER", "HOME", "XDG_RUNTIME_DIR"):
            monkeypatch.setenv(name, sound.env[name])
        yield sound


async def test_speech_silences_the_loudspeaker_and_the_position_is_that_on_the_tape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(5).uniform(-0.2, 0.2, 12 * BOT_HZ).astype(np.float32)
    server = Server()
    with machine(tmp_path, monkeypatch) as sound:
        await server.open(Device(echo_cancellation=False))
        server.speak(noise)
        await until(lambda: server.has_played(BOT_HZ), "a second of the bot's voice")
        sound.say(spoken("What is on the menu today?"), 16_000)
        await until(lambda: bool(server.truncates()), "a truncate")
        length = sound.tape().shape[1]
        await until(lambda: sound.tape().shape[1] > length + RATE_HZ // 2, "half a second more")
        played, said = sound.tape()
        await server.end()
    truncate = server.truncates()[0]
    end = int(sounding(played)[-1])
    silent_after_ms = (end - int(sounding(said)[0])) * 1000 / RATE_HZ
    assert 0 < silent_after_ms < 250
    # What dies away, in a quantum of 128 samples behind the position, is not played.
    assert -4 <= position_of(end, played, noise) - truncate.played_samples <= 132


async def test_a_device_that_is_unplugged_is_waited_for_and_then_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server()
    with machine(tmp_path, monkeypatch) as sound:
        await server.open(Device(echo_cancellation=False, wait_s=4))
        await until(lambda: server.line.counts.blocks > 0, "the first sound")
        sound.stop()
        await until(lambda: any("is gone" in text for text in server.warnings), "the warning")
        sound.start()
        await until(lambda: any("is back" in text for text in server.warnings), "the return")
        before = server.line.counts.blocks
        await until(lambda: server.line.counts.blocks > before, "sound again")
        sound.stop()
        await until(server.line.closed.is_set, "the end")
    assert "did not come back within 4 s" in server.line.failure
    await server.end()


@asynccontextmanager
async def bot_at(sound: SoundServer) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[str]]]:
    """`bargein run` of the shipped config, and the lines that it shows."""
    shown: list[str] = []

    async def read(stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            shown.append(line.decode().rstrip())

    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "bargein", "run", str(CONFIG)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **sound.env},
    )
    assert bot.stdout is not None
    reading = asyncio.create_task(read(bot.stdout))
    try:
        yield bot, shown
    finally:
        with suppress(ProcessLookupError):
            bot.kill()
        await reading
        await bot.wait()
        print("\n".join(shown))


async def test_the_bot_of_the_config_talks_is_interrupted_and_ends_at_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with machine(tmp_path, monkeypatch, echo_db=-26) as sound:
        async with bot_at(sound) as (bot, shown):
            await until(lambda: any("get you?" in line for line in shown), "the greeting's end")
            assert "bot  Hello, and welcome to the Corner Cafe. What can I get you?" in shown
            sound.say(spoken("Tell me about your coffee."), 16_000)
            await until(lambda: any(line.startswith("you  ") for line in shown), "a transcript")
            length = sound.tape().shape[1]
            await until(
                lambda: len(sounding(sound.tape()[0][length:])) > RATE_HZ // 2, "the answer"
            )
            sound.say(spoken("What's on the menu?"), 16_000)
            await until(lambda: any("(interrupted)" in line for line in shown), "a barge-in")
            bot.send_signal(signal.SIGINT)
            async with asyncio.timeout(ENDS_WITHIN_S):
                assert await bot.wait() == 0
    assert shown[-1] == "Stopped."


def sound_process_of(bot: int) -> int:
    """The id of the bot's process with the sound card."""
    asked = ("pgrep", "-P", str(bot), "-f", worker.__name__)
    return int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


async def test_a_sound_process_that_hangs_ends_the_command_with_status_1_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with machine(tmp_path, monkeypatch) as sound:
        async with bot_at(sound) as (bot, shown):
            await until(lambda: any("Talk, and" in line for line in shown), "the start")
            sounds = sound_process_of(bot.pid)
            os.kill(sounds, signal.SIGSTOP)
            async with asyncio.timeout(ENDS_WITHIN_S):
                assert await bot.wait() == 1
    assert "the sound process has said nothing for 4 s" in shown[-1]
    with pytest.raises(ProcessLookupError):
        os.kill(sounds, 0)

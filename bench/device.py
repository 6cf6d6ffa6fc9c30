"""Microphone and loudspeaker of a machine: how soon a mute is heard, dropouts, echo, cost.

    python -m bench.device [--minutes 1] [--rounds 10] [--buffer-ms 30] [--busy 0]

It brings a sound server of its own (PulseAudio with null sinks): what the loudspeaker plays and
what the user says are on one tape. `--busy` programs compute meanwhile. The server at the other
end is scripted; what is measured is the process that has the sound.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from bargein.protocol import Reason, Rejected
from bargein.rehearsal.levels import FULL_SCALE, Sound, db
from bargein.transports.device.device import Device
from tests.device.server import BOT_HZ, Server, sounding, spoken, until
from tests.device.sound_server import RATE_HZ, SoundServer, missing

BOT_LEVEL = 0.2
PAUSE_S = 2.0
ECHO_DB = -20.0
SETTLED_S = 4.0
"""By then the echo canceller knows the room."""
BUSY = "while True: pass"


def noise(seconds: float) -> Sound:
    """A voice without a pause, so that each millisecond of it can be found on the tape."""
    samples = np.random.default_rng(5).uniform(-BOT_LEVEL, BOT_LEVEL, int(seconds * BOT_HZ))
    return samples.astype(np.float32)


def silences_ms(tape: np.ndarray, begins: list[int]) -> list[float]:
    """From each onset of the user's to the last sample of the bot's that is heard behind it."""
    played, said = tape
    found = []
    for begin in begins:
        onset = begin + int(sounding(said[begin:])[0])
        behind = np.abs(played[onset : onset + RATE_HZ].astype(int))
        quiet = np.convolve(behind, np.ones(480) / 480, "valid") < 1
        found.append(int(np.argmax(quiet)) * 1000 / RATE_HZ)
    return found


async def interrupt(sound: SoundServer, buffer_ms: int, rounds: int) -> list[float]:
    """Have somebody speak over the bot again and again, each time judged to be nothing."""
    server = Server()
    await server.open(Device(echo_cancellation=False, buffer_ms=buffer_ms))
    server.speak(noise(PAUSE_S * 2 * (rounds + 2)))
    await until(lambda: server.has_played(BOT_HZ), "a second of the bot's voice")
    begins = []
    for number in range(rounds):
        begins.append(sound.tape().shape[1])
        count = len(server.truncates())
        sound.say(spoken("Wait a moment."), 16_000)
        await until(lambda count=count: len(server.truncates()) > count, "a truncate")  # type: ignore[misc]
        end = sound.tape().shape[1] + int(PAUSE_S * RATE_HZ)
        await until(lambda end=end: sound.tape().shape[1] > end, "the user's end")  # type: ignore[misc]
        played = server.truncates()[-1].played_samples
        server.epoch = number + 2
        server.tell(Rejected(utterance=1, at_sample=played, reason=Reason.TIMEOUT))
        server.speak(noise(PAUSE_S * 2 * (rounds + 2)), begin=played)
        await until(lambda played=played: server.has_played(played + BOT_HZ // 2), "more")  # type: ignore[misc]
    tape = sound.tape()
    await server.end()
    return silences_ms(tape, begins)


async def talk(buffer_ms: int, minutes: float) -> str:
    """Let the bot speak for so long with echo cancellation on; give what was counted."""
    server = Server()
    await server.open(Device(buffer_ms=buffer_ms))
    voice = noise(minutes * 60 + 1)
    server.speak(voice, end=BOT_HZ)
    await until(lambda: server.line.counts.blocks > 0, "the first sound")
    first = server.line.counts
    for begin in range(BOT_HZ, len(voice), BOT_HZ):
        server.speak(voice, begin=begin, end=begin + BOT_HZ)
        await until(lambda: server.has_played(begin - BOT_HZ // 2), "the second before")  # noqa: B023 - it is awaited here
    last = server.line.counts
    await server.end()
    seconds = (last.blocks - first.blocks) / 100
    return (
        f"{last.underflows - first.underflows} underflows, {last.overflows - first.overflows} "
        f"overflows, longest callback {last.longest_ms:.1f} ms, {last.late} over 10 ms, "
        f"{100 * (last.cpu_s - first.cpu_s) / seconds:.1f} % of a core, in {seconds:.0f} s"
    )


async def echo_left_db(buffer_ms: int, *, cancel: bool) -> tuple[float, int]:
    """Give the level of the bot in the microphone, and how often the bot was interrupted."""
    server = Server()
    await server.open(Device(echo_cancellation=cancel, buffer_ms=buffer_ms))
    voice = np.tile(spoken("The beans are picked by hand, and dried in the sun for weeks."), 4)
    server.speak(np.repeat(voice, 2)[: int(10 * BOT_HZ)])
    await until(lambda: server.has_played(BOT_HZ // 4), "the bot's voice")
    server.microphone.clear()
    await until(lambda: len(server.microphone) > 2 * 16_000 * 8, "eight seconds")
    heard = np.frombuffer(bytes(server.microphone), dtype="<i2")[int(SETTLED_S * 16_000) :]
    await server.end()
    level = float(np.sqrt(np.mean(np.square(heard / FULL_SCALE))))
    return db(level), sum(each.age_ms == 0 for each in server.truncates())


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=1.0)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--buffer-ms", type=int, default=30)
    options.add_argument("--busy", type=int, default=0)
    given = options.parse_args()
    if lacking := missing():
        sys.exit(lacking)
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(given.busy)]
    try:
        measure(given.buffer_ms, given.rounds, given.minutes)
    finally:
        for each in busy:
            each.kill()
            each.wait()


def measure(buffer_ms: int, rounds: int, minutes: float) -> None:
    """Print one line for each figure."""
    with machine() as sound:
        taken_ms = asyncio.run(interrupt(sound, buffer_ms, rounds))
        print(
            f"onset to silence at the loudspeaker: median {np.median(taken_ms):.0f} ms, "
            f"most {max(taken_ms):.0f} ms, {rounds} rounds, buffer_ms {buffer_ms}"
        )
    with machine():
        print(f"talking: {asyncio.run(talk(buffer_ms, minutes))}")
    for cancel in (False, True):
        with machine(ECHO_DB):
            level_db, muted = asyncio.run(echo_left_db(buffer_ms, cancel=cancel))
        state = "on" if cancel else "off"
        print(f"echo of {ECHO_DB} dB, cancellation {state}: {level_db:.0f} dBFS left; {muted=}")


class machine:  # noqa: N801 - used like a function
    """A sound server in a folder of its own, which this process and its children use."""

    def __init__(self, echo_db: float | None = None) -> None:
        """With an echo of this level, or none."""
        self._folder = tempfile.TemporaryDirectory()
        self._sound = SoundServer(Path(self._folder.name), echo_db=echo_db)

    def __enter__(self) -> SoundServer:
        """Start it."""
        os.environ.update(self._sound.env)
        return self._sound.__enter__()

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._sound.stop()
        self._folder.cleanup()


if __name__ == "__main__":
    main()

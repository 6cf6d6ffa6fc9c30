"""A sound server of one's own: a loudspeaker and a microphone that are numbers, and a tape of both.

PulseAudio with null sinks, in a folder of its own, beside whatever the machine runs. Left of the
tape is what the loudspeaker plays, right what the user says: both have the same clock. The
microphone hears the user, and where there is an echo the loudspeaker, later and softer.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
PROGRAMS = ("pulseaudio", "pactl", "parec", "pacat")
ANSWERS_WITHIN_S = 10.0
LOOK_EVERY_S = 0.05
LATENCY = "--latency-msec=10"
NO_PROGRAMS = (
    "PulseAudio is not installed: apt install pulseaudio pulseaudio-utils libasound2-plugins"
)

SCRIPT = """
load-module module-native-protocol-unix socket={socket} auth-anonymous=1
load-module module-null-sink sink_name=both rate=48000 channels=2 channel_map=front-left,front-right
load-module module-remap-sink sink_name=speaker master=both channels=1 channel_map=mono \
 master_channel_map=front-left remix=no
load-module module-remap-sink sink_name=user master=both channels=1 channel_map=mono \
 master_channel_map=front-right remix=no
load-module module-remap-source source_name=played master=both.monitor channels=1 \
 channel_map=mono master_channel_map=front-left remix=no
load-module module-remap-source source_name=said master=both.monitor channels=1 \
 channel_map=mono master_channel_map=front-right remix=no
set-default-sink speaker
set-default-source said
"""
ECHO = """
load-module module-null-sink sink_name=air rate=48000 channels=1
load-module module-loopback source=said sink=air latency_msec=20 source_dont_move=true \
 sink_dont_move=true
load-module module-loopback source=played sink=air latency_msec={delay_ms} source_dont_move=true \
 sink_dont_move=true sink_input_properties=media.name=echo
load-module module-remap-source source_name=heard master=air.monitor channels=1
set-default-source heard
"""


def missing() -> str:
    """Say what this machine lacks for it; empty where nothing is missing."""
    return "" if all(map(shutil.which, PROGRAMS)) else NO_PROGRAMS


class SoundServer:
    """Use as `with SoundServer(folder) as sound`; programs find it by `sound.env`."""

    def __init__(self, folder: Path, *, echo_db: float | None = None, delay_ms: int = 60) -> None:
        """Where there is an echo the loudspeaker is in the microphone, softer by so much."""
        self._folder = folder
        self._echo_db, self._delay_ms = echo_db, delay_ms
        self._running: list[subprocess.Popen[bytes]] = []
        self._tape = folder / "tape.raw"
        self.env: Mapping[str, str] = {
            **os.environ,
            "PULSE_SERVER": f"unix:{folder}/native",
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
        }

    def __enter__(self) -> SoundServer:
        """Start it, and the tape."""
        script = SCRIPT if self._echo_db is None else SCRIPT + ECHO
        text = script.format(socket=self._folder / "native", delay_ms=self._delay_ms)
        (self._folder / "script.pa").write_text(text)
        self._folder.chmod(0o700)
        self.start()
        return self

    def start(self) -> None:
        """Start the server; begin the tape anew."""
        options = "--exit-idle-time=-1 --daemonize=no --use-pid-file=no --realtime=no"
        program = ["pulseaudio", "-n", "-F", str(self._folder / "script.pa"), *options.split()]
        self._begin(program, output=subprocess.DEVNULL)
        self._until_it_answers()
        if self._echo_db is not None:
            self._soften_echo(self._echo_db)
        with self._tape.open("wb") as tape:
            self._begin(self._recorder("both.monitor", channels=2), output=tape)
        # A null sink that nobody asks for haste plays two seconds at once.
        for name in () if self._echo_db is None else ("air.monitor",):
            self._begin(self._recorder(name, channels=1), output=subprocess.DEVNULL)
        _until(lambda: self.tape().shape[1] > RATE_HZ // 10, "the tape did not begin")

    def __exit__(self, *_: object) -> None:
        """End all that was begun."""
        self.stop()

    def stop(self) -> None:
        """End the server and the tape: to a program, the sound card is gone."""
        for each in reversed(self._running):
            each.kill()
            each.wait()
        self._running.clear()

    def say(self, sound: NDArray[np.float32], rate_hz: int) -> None:
        """The user says it, from about now on."""
        file = self._folder / "said.raw"
        file.write_bytes((sound * 32_767).astype("<i2").tobytes())
        speaker = ["pacat", "--playback", "-d", "user", LATENCY, *_raw(rate_hz, 1)]
        with file.open("rb") as source:
            self._begin(speaker, output=subprocess.DEVNULL, source=source)

    def tape(self) -> NDArray[np.int16]:
        """What was played (row 0) and said (row 1) so far, at 48 kHz."""
        pcm = np.frombuffer(self._tape.read_bytes(), dtype="<i2")
        return pcm[: len(pcm) // 2 * 2].reshape(-1, 2).T

    def _recorder(self, source: str, *, channels: int) -> list[str]:
        return ["parec", "-d", source, LATENCY, *_raw(RATE_HZ, channels)]

    def _begin(
        self, program: Sequence[str], *, output: int | IO[bytes], source: IO[bytes] | None = None
    ) -> None:
        self._running.append(
            subprocess.Popen(
                program, stdin=source, stdout=output, stderr=subprocess.DEVNULL, env=self.env
            )
        )

    def _pactl(self, *words: str) -> str:
        done = subprocess.run(["pactl", *words], env=self.env, capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""

    def _until_it_answers(self) -> None:
        _until(
            lambda: "said" in self._pactl("list", "short", "sources"), "PulseAudio did not start"
        )

    def _soften_echo(self, echo_db: float) -> None:
        """The loopback of the loudspeaker is the last that was loaded."""
        inputs = self._pactl("list", "short", "sink-inputs").split("\n")
        loopbacks = [line.split()[0] for line in inputs if "loopback" in line]
        self._pactl("set-sink-input-volume", max(loopbacks, key=int), f"{echo_db}dB")


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    give_up = time.monotonic() + ANSWERS_WITHIN_S
    while not holds():
        assert time.monotonic() < give_up, f"{otherwise} within {ANSWERS_WITHIN_S:g} s"
        time.sleep(LOOK_EVERY_S)


def _raw(rate_hz: int, channels: int) -> list[str]:
    return ["--raw", "--format=s16le", f"--rate={rate_hz}", f"--channels={channels}"]

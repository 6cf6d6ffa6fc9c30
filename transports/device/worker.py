"""The process that has the sound card: a client of bargein/1 with a microphone and a loudspeaker.

Run as `python -P -m bargein.transports.device.worker`; `pipe.py` says what it reads and writes.
It is a process of its own, for the bot's work (models, a vendor's SDK, the garbage collector)
would hold up an audio callback that shares its interpreter. The two callbacks alone touch the
client, one at a time; one thread reads the pipe, one writes it. It ends when its input closes.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from loguru import logger

from bargein.client.client import Client, ClientSettings
from bargein.errors import BargeinError, PartError
from bargein.processors.clock import monotonic_ms
from bargein.processors.silero import Silero
from bargein.transports.device import pipe
from bargein.transports.device.cards import End, asked, cards, choose, quiet_stderr, sounddevice
from bargein.transports.device.duplex import Duplex, Rates
from bargein.transports.device.echo_canceller import EchoCanceller
from bargein.transports.device.stream import BLOCK_MS, opened, started

SILENT_MS = 2_000
"""No callback for so long, and the device counts as gone. A sound server may take a second to
begin."""
LOOK_EVERY_S = 0.25
TELL_EVERY_LOOKS = 4
RETRY_EVERY_S = 1.0
MOST_WAITING = 1_000
"""Messages for the bot: 15 s of microphone and more. A bot so far behind is stuck."""
NICE = -11
"""What PulseAudio and PipeWire run at."""
SWITCH_S = 0.0005
"""So long another thread may hold the interpreter against the callback; Python's own is 5 ms."""


@dataclass(slots=True)
class Running:
    """Counts what the callbacks do; they alone write here, one at a time."""

    blocks: int = 0
    underflows: int = 0
    overflows: int = 0
    late: int = 0
    longest_ms: float = 0.0
    heard_ms: float = 0.0
    """When the last block of the microphone came."""
    played_ms: float = 0.0
    """When the last block for the loudspeaker was asked for."""
    failure: BaseException | None = None

    def begin(self) -> None:
        """Both ends are about to begin."""
        self.heard_ms = self.played_ms = monotonic_ms()

    def took(self, ms: float) -> None:
        """A callback is done."""
        self.longest_ms = max(self.longest_ms, ms)
        self.late += ms > BLOCK_MS


class Worker:
    """One conversation's sound."""

    def __init__(self, setup: pipe.Setup, source: BinaryIO, sink: BinaryIO) -> None:
        """Read from `source`, write to `sink`."""
        self._setup = setup
        self._source, self._sink = source, sink
        self._arrived: deque[str | bytes] = deque()
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._hung_up = threading.Event()
        self._client = Client(ClientSettings())
        self._silero = Silero()
        self._running = Running()
        self._duplex: Duplex
        self._streams: list[Any] = []
        self._one_at_a_time = threading.Lock()

    def run(self) -> None:
        """Open, talk until the bot hangs up, close; a BargeinError says why it could not."""
        self._tell(pipe.READY, asdict(self._open()))
        threads = [threading.Thread(target=each, daemon=True) for each in (self._read, self._write)]
        for thread in threads:
            thread.start()
        try:
            self._watch()
        finally:
            self._close()
            self._outgoing.put(None)
            threads[1].join(timeout=1.0)

    # --- the pipes -----------------------------------------------------------------------

    def _read(self) -> None:
        for kind, payload in pipe.messages(self._source):
            self._arrived.append(payload.decode() if kind == pipe.TEXT else payload)
        self._hung_up.set()

    def _write(self) -> None:
        try:
            while (data := self._outgoing.get()) is not None:
                self._sink.write(data)
                if self._outgoing.empty():
                    self._sink.flush()
        except (BrokenPipeError, ValueError):
            self._hung_up.set()

    def _tell(self, kind: bytes, content: object) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        self._outgoing.put(pipe.packed(kind, text.encode()))

    def _send(self, data: str | bytes) -> None:
        if self._outgoing.qsize() < MOST_WAITING:
            self._outgoing.put(pipe.of_client(data))

    # --- the device ----------------------------------------------------------------------

    def _open(self) -> pipe.Opened:
        """Open both ends; raises BargeinError.

        They are two streams: PortAudio's one for both ends spins after an underflow, and it
        takes only devices of one interface.
        """
        there = cards()
        microphone = choose(there, End.INPUT, self._setup.input)
        speaker = choose(there, End.OUTPUT, self._setup.output)
        buffer_ms = self._setup.buffer_ms
        source = opened(End.INPUT, microphone, buffer_ms, self._hear)
        self._streams.append(source)
        drain = opened(End.OUTPUT, speaker, buffer_ms, self._play)
        self._streams.append(drain)
        told = pipe.Opened(
            microphone.name,
            speaker.name,
            int(source.samplerate),
            int(drain.samplerate),
            source.latency * 1000,
            drain.latency * 1000,
        )
        self._duplex = self._made(told)
        if not self._client.open:
            self._client.connect(monotonic_ms())
        gc.collect()
        gc.freeze()  # what lasts is not looked through again and again
        self._running.begin()
        for end, stream in zip(End, self._streams, strict=True):
            started(end, stream)
        return told

    def _made(self, told: pipe.Opened) -> Duplex:
        delay_ms = told.input_ms + told.output_ms
        wanted = self._setup.echo_cancellation
        return Duplex(
            self._client,
            Rates(told.input_hz, told.output_hz, self._setup.bot_hz),
            silero=self._silero,
            canceller=EchoCanceller(delay_ms) if wanted else None,
            arrived=self._arrived,
            send=self._send,
        )

    def _close(self) -> None:
        streams, self._streams = self._streams, []
        for stream in streams:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)

    # --- the callbacks -------------------------------------------------------------------

    def _hear(self, heard: Any, _samples: int, _times: object, status: Any) -> None:
        with self._counted():
            self._running.heard_ms = monotonic_ms()
            self._running.overflows += bool(status.input_overflow)
            self._duplex.hear(bytes(heard), self._running.heard_ms)

    def _play(self, plays: Any, samples: int, _times: object, status: Any) -> None:
        with self._counted():
            self._running.played_ms = monotonic_ms()
            self._running.underflows += bool(status.output_underflow)
            self._running.blocks += 1
            plays[:] = self._duplex.play(samples, self._running.played_ms)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        """One callback at a time; what it raises ends the talk."""
        began_ms = monotonic_ms()
        try:
            with self._one_at_a_time:
                yield
        except BaseException as error:
            self._running.failure = error
            raise
        self._running.took(monotonic_ms() - began_ms)

    # --- while it lasts ------------------------------------------------------------------

    def _watch(self) -> None:
        looks = 0
        while not self._hung_up.wait(LOOK_EVERY_S):
            if self._running.failure is not None:
                raise self._running.failure
            if not self._sounds() and not self._comes_back():
                return
            looks += 1
            if looks % TELL_EVERY_LOOKS == 0:
                self._tell(pipe.COUNTS, asdict(self._counts()))

    def _counts(self) -> pipe.Counts:
        running, duplex = self._running, self._duplex
        return pipe.Counts(
            running.blocks,
            running.underflows,
            running.overflows,
            running.longest_ms,
            running.late,
            time.process_time(),
            duplex.refused,
        )

    def _sounds(self) -> bool:
        """Whether both ends live: neither has stopped, and both have called lately."""
        silent_ms = monotonic_ms() - min(self._running.heard_ms, self._running.played_ms)
        return all(each.active for each in self._streams) and silent_ms < SILENT_MS

    def _comes_back(self) -> bool:
        """Wait for a device that was unplugged; False if the bot hung up meanwhile."""
        wait_s = self._setup.wait_s
        self._tell(pipe.GONE, f"the microphone or the loudspeaker is gone; waiting {wait_s:g} s")
        self._close()
        give_up_ms = monotonic_ms() + wait_s * 1000
        while not self._stands_still(RETRY_EVERY_S):
            self._tell(pipe.COUNTS, asdict(self._counts()))
            try:
                _look_again()
                back = self._open()
            except BargeinError as error:
                self._close()
                if monotonic_ms() >= give_up_ms:
                    reason = f"the device did not come back within {wait_s:g} s: {error}"
                    raise PartError(reason) from error
            else:
                self._tell(pipe.BACK, asdict(back))
                return True
        return False

    def _stands_still(self, for_s: float) -> bool:
        """Keep the client alive without a device; whether the bot has hung up."""
        until_ms = monotonic_ms() + for_s * 1000
        while monotonic_ms() < until_ms:
            self._duplex.stand_still(monotonic_ms())
            if self._hung_up.wait(BLOCK_MS / 1000):
                return True
        return False


def _look_again() -> None:
    """Have PortAudio list the devices anew; it does so only when it begins."""
    sd = sounddevice()
    with quiet_stderr(), asked():
        if sd._initialized:  # it is not, where that failed the time before
            sd._terminate()
        sd._initialize()


def main() -> None:
    """Talk until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it shares the bot's terminal
    sys.setswitchinterval(SWITCH_S)
    _hurry()
    logger.disable("pipecat")
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    _keep_libraries_quiet()
    first = next(pipe.messages(source), None)
    if first is None:
        return
    setup = pipe.Setup(**json.loads(first[1]))
    try:
        Worker(setup, source, sink).run()
    except BargeinError as error:
        _fail(sink, str(error))
    except Exception as error:
        traceback.print_exc()
        _fail(sink, f"the sound process failed ({type(error).__name__}: {error})")


def _hurry() -> None:
    """Go before ordinary programs, where this user may; the audio threads inherit it."""
    with contextlib.suppress(OSError, AttributeError):  # Windows has none
        os.setpriority(os.PRIO_PROCESS, 0, NICE)


def _keep_libraries_quiet() -> None:
    """What C prints goes nowhere: ALSA tells of each underflow. Tracebacks still appear."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # the first one was the pipe's
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _fail(sink: BinaryIO, reason: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        sink.write(pipe.packed(pipe.FAILED, reason.encode()))
        sink.flush()


if __name__ == "__main__":
    main()

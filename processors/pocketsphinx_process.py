"""The parent's end of the PocketSphinx worker: start it, feed it, read it, end it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bargein.errors import PartError
from bargein.processors import pocketsphinx_worker as wire

READY_WITHIN_S = 10.0
"""Loading takes 0.3-0.6 s on an idle machine."""
EXIT_WITHIN_S = 1.0
BACKLOG_MS = 5_000
"""Audio that may wait in the pipe; a worker so far behind will not catch up in time."""
BACKLOG_BYTES = BACKLOG_MS * wire.RATE_HZ // 1_000 * 2

MISSING = "pocketsphinx_stt needs the 'embedded' extra: pip install 'bargein[embedded]'"


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word, and when it was said, counted from the first audio of its utterance."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Said:
    """What an utterance says: so far, or when `final` for good; the text may be empty."""

    utterance: int
    text: str
    final: bool
    words: tuple[HeardWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    """What the worker recognises: a JSGF grammar, or without one English as it comes."""

    grammar: str | None
    pronunciations: Mapping[str, str]

    def packed(self) -> bytes:
        """Give the message that sets the worker up."""
        content = {"grammar": self.grammar, "pronunciations": dict(self.pronunciations)}
        return wire.packed(wire.SETUP, json.dumps(content).encode())


def missing_words(words: Collection[str]) -> list[str]:
    """Give the words that PocketSphinx's dictionary lacks; raises `PartError` without it.

    Reads the dictionary's text (134,860 lines, some 30 ms), for the library would load a model.
    """
    missing = set(words)
    with dictionary_path().open(encoding="utf-8") as lines:
        for line in lines:
            missing.discard(line.split(" ", 1)[0])
    return sorted(missing)


def dictionary_path() -> Path:
    """Give the file that lists the words of the package's English model."""
    package = find_spec("pocketsphinx")
    if package is None or package.origin is None:
        raise PartError(MISSING)
    path = Path(package.origin).parent / "model" / "en-us" / "cmudict-en-us.dict"
    if not path.is_file():
        raise PartError(
            f"pocketsphinx has no English model at {path}; reinstall it with"
            " pip install --force-reinstall pocketsphinx==5.1.1"
        )
    return path


class PocketsphinxProcess:
    """A running worker. Whoever calls `start` calls `stop`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take a process that has said that it is ready; `start` does this."""
        self._process = process

    @classmethod
    async def start(cls, setup: Setup) -> PocketsphinxProcess:
        """Start a worker and wait until it is ready; raises `PartError` after 10 s."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            wire.__name__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the parent, which then ends the worker
        )
        worker = cls(process)
        try:
            worker._write(setup.packed())
            async with asyncio.timeout(READY_WITHIN_S):
                kind, _ = await worker._read()
        except TimeoutError:
            await worker.stop()
            raise PartError(
                f"the PocketSphinx worker was not ready within {READY_WITHIN_S:g} s; free some"
                f" memory (it needs 100 MB) or see what hinders `{wire.__name__}`"
            ) from None
        except (asyncio.IncompleteReadError, ConnectionError):
            await worker.stop()
            raise PartError(
                f"the PocketSphinx worker ended while it loaded (exit code {process.returncode});"
                " its own message stands above"
            ) from None
        except BaseException:
            process.kill()
            await process.wait()
            raise
        assert kind == wire.READY
        return worker

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def begin(self, utterance: int) -> None:
        """Begin an utterance; one that is still open ends."""
        self._write(wire.packed(wire.START, wire.NUMBER.pack(utterance)))

    def hear(self, pcm: bytes) -> bool:
        """Send 16 kHz mono PCM16 of the utterance; False if 5 s wait already, and it is dropped."""
        assert self._process.stdin is not None
        if self._process.stdin.transport.get_write_buffer_size() > BACKLOG_BYTES:
            return False
        self._write(wire.packed(wire.AUDIO, pcm))
        return True

    def end(self) -> None:
        """End the utterance; its final `Said` follows."""
        self._write(wire.packed(wire.END))

    async def said(self) -> AsyncIterator[Said]:
        """Give what the worker recognises, until it ends."""
        while True:
            try:
                kind, payload = await self._read()
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            content = json.loads(payload)
            yield Said(
                content["utterance"],
                content["text"],
                final=kind == wire.FINAL,
                words=tuple(HeardWord(*word) for word in content.get("words", ())),
            )

    async def stop(self) -> None:
        """Close the worker's input, at which it ends; kill it if it has not within 1 s."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(EXIT_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _write(self, message: bytes) -> None:
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(message)

    async def _read(self) -> tuple[bytes, bytes]:
        assert self._process.stdout is not None
        header = await self._process.stdout.readexactly(wire.HEADER.size)
        kind, length = wire.HEADER.unpack(header)
        return kind, await self._process.stdout.readexactly(length)

"""PocketSphinx in a process of its own, since it holds the interpreter's lock while it decodes.

Run as `python -P -m bargein.processors.pocketsphinx_worker`. It reads messages from standard
input and writes messages to standard output, each of them `kind u8 | length u32 | payload`, little
endian, and ends when its input closes. `SETUP` comes first and once.

| to the worker | payload |
|---|---|
| `SETUP` | JSON: `grammar` (JSGF) or null for dictation, `pronunciations` |
| `START` | an utterance begins: its number, u32 |
| `AUDIO` | 16 kHz mono PCM16 of the utterance |
| `END` | the utterance is complete |

| from the worker | payload |
|---|---|
| `READY` | nothing |
| `PARTIAL` | JSON: `utterance`, `text`; only when it changed |
| `FINAL` | JSON: `utterance`, `text`, `words` as [word, start_ms, end_ms] |
"""

from __future__ import annotations

import json
import os
import re
import struct
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

SETUP, START, AUDIO, END = b"C", b"S", b"A", b"E"
READY, PARTIAL, FINAL = b"R", b"P", b"F"

HEADER = struct.Struct("<cI")
NUMBER = struct.Struct("<I")
MAX_PAYLOAD_BYTES = 1 << 20

RATE_HZ = 16_000
SEARCH = "said"
FRAME_MS = 10
"""PocketSphinx's own frame."""

DITHER_RMS = 32.8
"""White noise of -60 dBFS. On 100 real orders, the share understood rose from .71 to .96: clips
with digital silence wreck the recogniser's estimate of the channel."""
DITHER_SEED = 1

NO_WORD = ("<", "[", "(NULL)")
"""How silence, noise and the grammar's empty steps begin in PocketSphinx's word list."""

PRONUNCIATION_NUMBER = re.compile(r"\(\d+\)")


def packed(kind: bytes, payload: bytes = b"") -> bytes:
    """Give a message as it goes through the pipe."""
    return HEADER.pack(kind, len(payload)) + payload


def messages(pipe: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Give the messages that come through a pipe, until it closes."""
    while len(header := pipe.read(HEADER.size)) == HEADER.size:
        kind, length = HEADER.unpack(header)
        if length > MAX_PAYLOAD_BYTES:
            return
        payload = pipe.read(length)
        if len(payload) < length:
            return
        yield kind, payload


class Dither:
    """Adds faint white noise, the same for each utterance, so that a run can be repeated."""

    def __init__(self) -> None:
        """Draw one second of noise."""
        import numpy as np

        self._np = np
        drawn = np.random.default_rng(DITHER_SEED).normal(0.0, DITHER_RMS, RATE_HZ)
        self._noise = drawn.round().astype(np.int32)
        self._at = 0

    def restart(self) -> None:
        """Begin again with the first sample of the noise."""
        self._at = 0

    def add(self, pcm: bytes) -> bytes:
        """Give the audio with noise on it; the noise goes on where it ended."""
        np = self._np
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
        noise = self._noise.take(range(self._at, self._at + len(samples)), mode="wrap")
        self._at = (self._at + len(samples)) % RATE_HZ
        dithered: bytes = (samples + noise).clip(-32_768, 32_767).astype("<i2").tobytes()
        return dithered


class Recogniser:
    """One decoder, and the utterance that it is in."""

    def __init__(self, setup: dict[str, Any]) -> None:
        """Load the model (0.3-0.6 s, 90 MB) and the grammar, whose words must all be known."""
        from pocketsphinx import Decoder

        # fwdflat is a second pass: it costs 90 ms at the end of speech for 1 % fewer errors.
        # bestpath searches a lattice at the end of speech: with a grammar that has loops and
        # optional words it took 24 s for 8 s of speech, and it corrects nothing there.
        grammar = setup["grammar"]
        options = {"loglevel": "FATAL", "fwdflat": False, "bestpath": not grammar}
        self._decoder = Decoder(**options, lm=None) if grammar else Decoder(**options)
        for word, phones in setup["pronunciations"].items():
            if self._decoder.lookup_word(word) is None:
                self._decoder.add_word(word, phones, False)
        if grammar:
            self._decoder.add_jsgf_string(SEARCH, grammar)
            self._decoder.activate_search(SEARCH)
        self._dither = Dither()
        self._utterance: int | None = None
        self._text = ""

    def start(self, utterance: int) -> None:
        """Begin an utterance."""
        self._decoder.start_utt()
        self._dither.restart()
        self._utterance = utterance
        self._text = ""

    def hear(self, pcm: bytes) -> dict[str, Any] | None:
        """Take audio of the utterance; gives what it says so far, if that changed."""
        if self._utterance is None:
            return None
        self._decoder.process_raw(self._dither.add(pcm), False, False)
        text = self._said()
        if text == self._text:
            return None
        self._text = text
        return {"utterance": self._utterance, "text": text}

    def end(self) -> dict[str, Any] | None:
        """Finish the utterance; gives what it said."""
        if self._utterance is None:
            return None
        self._decoder.end_utt()
        said = {"utterance": self._utterance, "text": self._said(), "words": self._words()}
        self._utterance = None
        return said

    def _said(self) -> str:
        hypothesis = self._decoder.hyp()
        return _plain(hypothesis.hypstr) if hypothesis else ""

    def _words(self) -> list[tuple[str, int, int]]:
        return [
            (_plain(part.word), part.start_frame * FRAME_MS, (part.end_frame + 1) * FRAME_MS)
            for part in self._decoder.seg() or ()
            if not part.word.startswith(NO_WORD)
        ]


def _plain(text: str) -> str:
    return PRONUNCIATION_NUMBER.sub("", text)


def serve(inputs: BinaryIO, outputs: BinaryIO) -> None:
    """Answer messages until the input closes."""

    def answer(kind: bytes, content: dict[str, Any] | None) -> None:
        if content is not None:
            outputs.write(packed(kind, json.dumps(content).encode()))
            outputs.flush()

    recogniser: Recogniser | None = None
    for kind, payload in messages(inputs):
        if kind == SETUP:
            recogniser = Recogniser(json.loads(payload))
            answer(READY, {})
        elif recogniser is None:
            return
        elif kind == START:
            answer(FINAL, recogniser.end())
            recogniser.start(NUMBER.unpack(payload)[0])
        elif kind == AUDIO:
            answer(PARTIAL, recogniser.hear(payload))
        elif kind == END:
            answer(FINAL, recogniser.end())


def main() -> None:
    """Keep standard output for messages alone, whatever the recogniser's library prints."""
    outputs = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, outputs)


if __name__ == "__main__":
    main()

"""What a rehearsal leaves in its folder: three WAVs on one time axis, and texts."""

from __future__ import annotations

import json
import re
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bargein.errors import BargeinError
from bargein.pipelines.rehearse import Made, Outcome
from bargein.rehearsal.levels import RATE_HZ

SAMPLE_BYTES = 2
NOT_IN_A_NAME = re.compile(r"[^\w.-]+")


def folders(out: Path, files: Sequence[Path]) -> list[Path]:
    """Give each scenario its folder: `out` itself for a single one, else one named after each.

    Raises BargeinError if one can't be made.
    """
    names = [NOT_IN_A_NAME.sub("-", file.stem) for file in files]
    twice = {name for name in names if names.count(name) > 1}
    given = [
        f"{name}-{number}" if name in twice else name for number, name in enumerate(names, start=1)
    ]
    found = [out] if len(files) == 1 else [out / name for name in given]
    for folder in found:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BargeinError(f"{folder} can't be made: {error.strerror}. Mend --out.") from error
    return found


def write(outcome: Outcome, folder: Path) -> None:
    """Write all of it; a BargeinError says what can't be written."""
    try:
        _write_wav(folder / "heard.wav", outcome.heard, outcome.rate_hz)
        _write_wav(folder / "mic.wav", _as_long_as(outcome, outcome.microphone), RATE_HZ)
        _write_wav(folder / "bot.wav", placed(outcome), outcome.rate_hz)
        _write_json(folder / "context.json", outcome.context)
        ledger = "".join(outcome.ledger)
        (folder / "ledger.jsonl").write_text(ledger, encoding="utf-8", errors="replace")
        _write_json(folder / "report.json", outcome.report.data())
    except OSError as error:
        raise BargeinError(f"{folder} can't be written: {error.strerror}.") from error


def placed(outcome: Outcome) -> bytes:
    """The bot's voice, each utterance from when it was made, as if nobody had spoken over it.

    A later utterance takes the place of what would be left of the one before; what would
    sound after the end is left out.
    """
    total = len(outcome.heard)
    tape = bytearray(total)
    at = 0
    for piece in outcome.made:
        at = _start(piece, at, outcome.rate_hz)
        if piece.begins:
            tape[at:] = bytes(max(0, total - at))
        pcm = piece.pcm[: max(0, total - at)]
        tape[at : at + len(pcm)] = pcm
        at += len(piece.pcm)
    return bytes(tape)


def _start(piece: Made, behind: int, rate_hz: int) -> int:
    made = max(0, round(piece.at_ms * rate_hz / 1000)) * SAMPLE_BYTES
    return made if piece.begins else max(made, behind)


def _as_long_as(outcome: Outcome, pcm: bytes) -> bytes:
    """The microphone is a step behind the ear: what it did not hear is silent."""
    wanted = len(outcome.heard) // SAMPLE_BYTES * RATE_HZ // outcome.rate_hz * SAMPLE_BYTES
    return pcm[:wanted].ljust(wanted, b"\0")


def _write_wav(path: Path, pcm: bytes, rate_hz: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(rate_hz)
        file.writeframes(pcm)


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")

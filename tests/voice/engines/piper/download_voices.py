"""Plays the download: a file appears."""

from __future__ import annotations

from pathlib import Path


def download_voice(voice: str, folder: Path, **_: object) -> None:
    (folder / f"{voice}.onnx").write_text("weights")

"""The web client is weighed with every file that its page loads."""

from __future__ import annotations

import shutil

import pytest

from bargein.pipelines.bench.web_client import (
    client_bytes,
    client_files,
    client_folder,
    vad_ms_per_window,
)


def test_all_files_of_the_client_are_weighed() -> None:
    folder = client_folder().resolve()
    loaded = {path.relative_to(folder).as_posix() for path in client_files(folder)}
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in (".js", ".css", ".wasm", ".f24", ".svg", ".html")
    }
    assert loaded == there
    assert {"engine/silero.wasm", "engine/silero16k.f24", "engine/worklet.js"} <= loaded


def test_the_client_keeps_to_its_weight() -> None:
    (size,) = client_bytes().values
    assert 500_000 < size < 1_300_000


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")
def test_the_vad_is_timed_in_node() -> None:
    figure = vad_ms_per_window()
    assert (figure.n, figure.reason) == (1000, "")
    assert all(value >= 0 for value in figure.values)
    assert max(figure.values) > 0


def test_without_node_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert vad_ms_per_window().reason == "there is no node here"

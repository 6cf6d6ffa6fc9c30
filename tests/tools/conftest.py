"""Turns end soon in tests of tools."""

from __future__ import annotations

import pytest

from bargein.processors import end_of_turn


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end_of_turn, "STALL_S", 0.0)
    monkeypatch.setattr(end_of_turn, "TRANSCRIPT_WAIT_S", 0.15)

"""The way to the oven: a tool that takes its time, and declares itself where it is written."""

from __future__ import annotations

import time
from typing import Literal

from typing_extensions import TypedDict

from bargein import tool

WALK_S = 3.0
MINUTES = {"baguettes": 12, "croissants": 25, "pretzels": 8, "rolls": 15}


class Answer(TypedDict):
    """What the baker says."""

    minutes: int


@tool(timeout_ms=8_000, rate="10/min")
def ask_baker(bread: Literal["baguettes", "croissants", "pretzels", "rolls"]) -> Answer:
    """Ask the baker how many minutes a bread still needs; takes a few seconds."""
    time.sleep(WALK_S)
    return {"minutes": MINUTES[bread]}

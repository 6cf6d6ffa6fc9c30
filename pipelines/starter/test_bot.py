"""Tests of this bot; run `pytest` in this folder."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from pipecat.frames.frames import LLMTextFrame

from bargein.pipelines.load import load

HERE = Path(__file__).parent
REHEARSED_S = 120


def said(text: str) -> str:
    """What `spell.py` makes of the LLM's text, with the settings of bot.yaml."""
    parts = load(HERE / "bot.yaml", environ=os.environ).parts
    (spell,) = (part for part in parts if part.use == "./spell.py:Spell")
    frame = LLMTextFrame(text)

    async def pass_by() -> None:
        await spell.build().on_frame(frame)

    asyncio.run(pass_by())
    return frame.text


def test_a_long_number_is_said_digit_by_digit() -> None:
    assert said("number 48213.") == "number 4 8 2 1 3."


def test_a_short_number_stays_as_it_is() -> None:
    assert said("room 12") == "room 12"


def test_the_configuration_has_no_mistake() -> None:
    load(HERE / "bot.yaml", environ=os.environ).try_parts()


def test_the_bot_behaves_as_the_scenarios_say() -> None:
    command = [sys.executable, "-m", "bargein", "rehearse", "bot.yaml", "scenarios"]
    ran = subprocess.run(
        command, cwd=HERE, capture_output=True, text=True, timeout=REHEARSED_S, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr

"""Tools of an MCP server, from the YAML over a real WebSocket to the bot's words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.room.caller import Caller
from tests.room.conftest import Open
from tests.room.parts import GivenLlm, Tap, messages
from tests.room.speech import spoken

pytest.importorskip("mcp", reason="the extra 'mcp' is not installed")
pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

SERVER = Path(__file__).with_name("mcp_shop.py")
BOT = """
tools:
  - mcp:
      command: [{python}, {server}]
      tools: [{tool}]
pipeline:
  - use: interruption
  - use: silero_vad
    min_silence_duration_ms: 400
  - use: tests.room.parts:GivenStt
    hears: [fifteen cups]
  - use: tests.room.parts:OrderingLlm
    answers: ["call 15", "It is done."]
  - use: espeak_tts
  - use: tests.room.parts:Tap
  - use: played_audio
"""


@pytest.mark.parametrize(
    ("listed", "told"), [("order", '{"number": 15}'), ("refund", "unknown_tool")]
)
async def test_a_tool_of_a_server_runs_if_it_is_listed_and_not_otherwise(
    listed: str, told: str, open_room: Open
) -> None:
    Tap.made.clear()
    GivenLlm.contexts.clear()
    room = await open_room(BOT.format(python=sys.executable, server=SERVER, tool=listed))
    async with Caller(room.url) as caller:
        caller.say(spoken("Fifteen cups please."), after_s=0.3)
        await caller.until(lambda: len(messages()) == 4)
        await caller.until(lambda: caller.floors()[-1] == "idle")
    *_, result, answer = messages()
    assert result[0] == "tool"
    assert told in result[1]
    assert answer == ("assistant", "It is done.")

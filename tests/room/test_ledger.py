"""One conversation with everything in it: written down, and decided again exactly as it was."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from bargein.ledger.entries import Aftermath, BargeIn, Line, Opener, Result, SessionEnd, Turn
from bargein.protocol import Accepted, Latency, Rejected
from bargein.replay.again import decide_again, recorded
from tests.room.caller import Caller, heard_words
from tests.room.conftest import Open
from tests.room.speech import blip, spoken
from tests.room.test_barge_in import LONG

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

A_STEP_MS = 32 + 20
"""The caller plays a window at a time, and a machine that has much to do is late."""
SETTINGS = (
    "pipeline.2.use=tests.room.parts:EagerStt",
    # A murmur, a click, a hum that is no word, and at last a question.
    "pipeline.2.hears=[mm-hm, '', '', what about tea]",
    f"pipeline.3.answers=[{LONG!r}, {LONG!r}]",
)


async def converse(caller: Caller) -> None:
    """A backchannel, a click, a misfire, a barge-in; the caller hangs up in the answer to it."""
    await caller.until(lambda: caller.played_ms(1) > 700)
    caller.say(blip("mm"))
    await caller.until_message(Rejected)
    await caller.until(lambda: caller.played_ms(1) > 1800)
    caller.say(blip())
    await caller.until_message(Rejected, count=2)
    await caller.until(lambda: caller.played_ms(1) > 2800)
    caller.say(spoken("mmmmh ahhhh"))
    await caller.until_message(Accepted)
    await caller.until(lambda: caller.played_ms(2) > 1000)
    caller.say(spoken("What about tea?"))
    await caller.until_message(Accepted, count=2)
    await caller.until(lambda: caller.played_ms(3) > 700)


async def metrics_of(url: str) -> set[str]:
    """The lines that Prometheus would read now."""
    async with httpx.AsyncClient() as web:
        answer = await web.get(url.replace("ws://", "http://").replace("/ws", "/metrics"))
    assert answer.headers["content-type"].startswith("text/plain")
    return set(answer.text.splitlines())


async def test_a_conversation_is_written_down_and_decided_again_as_it_was(
    open_room: Open, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jsonl"
    room = await open_room(f"greeting: {LONG!r}", settings=(*SETTINGS, f"ledger.path={path}"))
    async with Caller(room.url, threshold=0.3) as caller:
        await converse(caller)
        counted = await metrics_of(room.url)
    await room.close()
    lines = [Line.read(line) for line in path.read_text().splitlines()]
    barge_ins = sorted(
        (line for line in lines if isinstance(line, BargeIn)), key=lambda line: line.number
    )
    turns = sorted((line for line in lines if isinstance(line, Turn)), key=lambda line: line.number)
    for line in barge_ins:
        assert decide_again(line) == recorded(line)

    murmur, click, hum, question = barge_ins
    assert [line.opened_by for line in barge_ins] == [Opener.CLIENT_VAD] * 4
    assert (click.result, click.reason) == (Result.REJECTED, "no_speech")
    assert (murmur.result, murmur.reason) == (Result.REJECTED, "backchannel")
    assert (hum.result, hum.aftermath, hum.resumed) == (Result.ACCEPTED, Aftermath.MISFIRE, True)
    assert (question.result, question.aftermath) == (Result.ACCEPTED, Aftermath.TURN)
    assert hum.at_stake
    assert hum.at_stake.heard_text == heard_words(caller, 1)
    assert click.at_stake
    assert f"{click.at_stake.heard_text} {click.at_stake.unheard_text}" == LONG
    for line in barge_ins:
        assert line.client
        assert line.client.latency
        assert abs(line.client.latency.detected_to_acknowledged_ms) < 100

    greeting, misfire, resumed, asked = (turns[0], turns[1], turns[-2], turns[-1])
    assert greeting.interrupted
    assert (misfire.transcript, misfire.barge_in) == ("", hum.number)
    assert resumed.heard_text.startswith("As I was saying,")
    assert (asked.transcript, asked.barge_in) == ("what about tea", question.number)
    stages = asked.stages.model_dump(exclude={"reply_ended", "final_transcript", "onset"})
    assert list(stages.values()) == sorted(stages.values())
    assert asked.latency
    added_ms = asked.latency.model_dump().values()
    assert None not in added_ms
    assert asked.response_ms
    assert sum(added_ms) == asked.response_ms
    assert asked.stages.first_audio_heard
    heard_ms = asked.opened_ms + asked.stages.first_audio_heard
    assert abs(heard_ms - caller.heard_ms[3]) < A_STEP_MS
    told = caller.messages(Latency)[-1]
    assert (told.turn, told.total_ms) == (asked.number, asked.response_ms)
    assert {each.stage: each.added_ms for each in told.stages} == asked.latency.model_dump()
    (end,) = (line for line in lines if isinstance(line, SessionEnd))
    assert (end.accepted, end.rejected, end.misfires) == (2, 2, 1)
    assert end.response_p50_ms == asked.response_ms
    assert {
        'bargein_barge_ins_total{reason="none",verdict="accepted"} 2.0',
        'bargein_barge_ins_total{reason="backchannel",verdict="rejected"} 1.0',
        'bargein_barge_ins_total{reason="no_speech",verdict="rejected"} 1.0',
        'bargein_response_stage_seconds_count{stage="first_clause"} 1.0',
        f"bargein_response_seconds_sum {asked.response_ms / 1000}",
        "bargein_sessions 1.0",
    } <= counted

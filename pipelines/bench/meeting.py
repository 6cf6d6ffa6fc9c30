"""One conversation of the bench: the bot speaks a passage, a sound meets it, both are watched."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from pipecat.processors.aggregators.llm_context import LLMContext

from bargein.errors import BargeinError
from bargein.measure.ear import met
from bargein.measure.encounter import Encounter
from bargein.measure.mouth import read_wav
from bargein.measure.request import Meeting, Request
from bargein.pipelines.bench.inside import Inside
from bargein.pipelines.bench.listener import Listener, Wire, within
from bargein.pipelines.bench.progress import Note
from bargein.pipelines.bench.tts_tape import TtsTape
from bargein.pipelines.load import Config, load
from bargein.pipelines.mcp import open_servers
from bargein.pipelines.preparation import bot_rate_hz
from bargein.pipelines.resume_phrases import prepare
from bargein.pipelines.session import Session, assemble
from bargein.pipelines.shared import Shared
from bargein.transports.local.server import expect_hello
from bargein.transports.local.transport import LocalTransport

START_S = 30.0
VERDICT_S = 2.0
"""After a sound's end; the deadline of a contest is well below."""
REPLY_S = 8.0
"""After a sound's end; an LLM in a cloud may take its time."""
HEARD_S = 0.6
"""So much of the bot is listened to after the outcome."""


class DidNotTalkError(BargeinError):
    """The bot of this configuration did not say its passage."""


async def meet_all(request: Request, note: Note) -> list[Encounter]:
    """Do all meetings, so many at once as asked; raises BargeinError if the bot can't talk."""
    settings = (*request.settings, greeting(request.passage))
    config = load(Path(request.config), overrides=settings, environ=os.environ)
    await prepare(config, bot_rate_hz(config))
    with open_servers(config) as servers:
        return await _meet_all(config, request, note, Shared(servers=servers))


async def _meet_all(
    config: Config, request: Request, note: Note, shared: Shared
) -> list[Encounter]:
    free, done = asyncio.Semaphore(request.jobs), 0
    if request.warm_up:
        await _meet(config, request, request.meetings[0], shared)

    async def one(meeting: Meeting) -> Encounter:
        nonlocal done
        async with free:
            seen = await _meet(config, request, meeting, shared)
        done += 1
        note(f"conversations {done}/{len(request.meetings)}")
        return seen

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(meeting)) for meeting in request.meetings]
    except ExceptionGroup as failed:
        # All that fails here fails alike: the first one says enough.
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


async def _meet(config: Config, request: Request, meeting: Meeting, shared: Shared) -> Encounter:
    rate_hz = bot_rate_hz(config)
    listener, tape, inside = Listener(rate_hz), TtsTape(), Inside()
    living = asyncio.create_task(listener.live())
    running: asyncio.Task[None] | None = None
    try:
        session, transport = await _join(config, listener, rate_hz, inside, shared)
        session.worker.add_observer(tape)
        running = asyncio.create_task(
            session.run(until=listener.line.closed, greet_after=transport.microphone_heard)
        )
        seen = await _watch(request, meeting, listener, tape, session.context, running)
        return replace(seen, **inside.seen())
    finally:
        listener.line.hang_up()
        await asyncio.gather(living, *filter(None, [running]), return_exceptions=True)


async def _join(
    config: Config, listener: Listener, rate_hz: int, inside: Inside, shared: Shared
) -> tuple[Session, LocalTransport]:
    """Put the bot together for this client, as the local room does."""
    line = listener.line
    hello = await expect_hello(line)
    transport = LocalTransport(line, sample_rate_hz=rate_hz, capabilities=hello.capabilities)
    session = assemble(
        config,
        transport=transport,
        link=line,
        sample_rate_hz=rate_hz,
        client_has_vad=hello.capabilities.vad,
        reporters=[inside],
        shared=shared,
    )
    return session, transport


async def _watch(
    request: Request,
    meeting: Meeting,
    listener: Listener,
    tape: TtsTape,
    context: LLMContext,
    running: asyncio.Task[None],
) -> Encounter:
    sound = request.sounds[meeting.sound]
    began = asyncio.create_task(within(listener.began, START_S))
    await asyncio.wait([began, running], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        began.cancel()
        running.result()
    if not listener.began.is_set():
        raise DidNotTalkError(f"{request.config}: the bot said nothing within {START_S:.0f} s")
    await asyncio.sleep(meeting.at_ms / 1000)
    onset_ms = listener.say(read_wav(sound.file), meeting.lead_samples)
    await asyncio.sleep(sound.length_ms / 1000)
    if listener.wire.detected:
        await within(listener.judged, VERDICT_S)
    taken = listener.accepted
    if taken and sound.text and request.answers:
        await within(listener.replied, REPLY_S)
    await asyncio.sleep(HEARD_S)
    seen = met(
        sound,
        onset_ms,
        said=tape.first.utterance(listener.tape.rate_hz),
        tape=listener.tape,
        stopped=bool(listener.wire.muted),
        taken=taken,
        context=said(context) if tape.first.starts else None,
    )
    answered = listener.reply_ms if taken and sound.text else None
    return replace(seen, reply_ms=answered, **_of_wire(listener.wire, onset_ms))


def _of_wire(wire: Wire, onset_ms: float) -> dict[str, Any]:
    """Times of the contest that the sound opened: two of audio, the others of the clock.

    The clock's are told as if the detection had been handed over when it was made.
    """
    first = next((i for i, each in enumerate(wire.detected) if each.at_ms >= onset_ms), None)
    if first is None:
        return {}
    detected_ms, told_ms = wire.detected[first].at_ms, wire.told_ms[first]
    found: dict[str, Any] = {"detected_ms": detected_ms}
    answer_ms = _first_after(wire.contested_ms, told_ms)
    if answer_ms is not None:
        last_ms = max(each for each in [told_ms, *wire.audio_ms] if each <= answer_ms)
        found["acknowledged_ms"] = detected_ms + answer_ms - told_ms
        found["server_silent_ms"] = detected_ms + max(0.0, last_ms - told_ms)
    return found


def _first_after(times_ms: Sequence[float], since_ms: float) -> float | None:
    return next((each for each in times_ms if each >= since_ms), None)


def said(context: LLMContext) -> str:
    """What the context says that the bot said first."""
    for message in cast(list[dict[str, Any]], context.messages):
        if message["role"] == "assistant":
            return str(message["content"])
    return ""


def greeting(text: str) -> str:
    """Give the setting that lets the bot begin with a text, in quotes as YAML has them."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'greeting="{quoted}"'

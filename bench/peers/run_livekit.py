"""LiveKit Agents against the sounds of `bargein bench`, where its parts run without its cloud.

    python bench/peers/run_livekit.py < request.json > answer.json

What is LiveKit's own here: `AgentSession` with its defaults (VAD mode, 0.5 s of speech
interrupt, a false interruption is over after 2 s), the output of a room with its `AudioSource`
of 200 ms, and `TranscriptSynchronizer`. There is no room: the output is not published, and its
local track is read sample by sample, so no network and no jitter buffer is counted. The model
behind the VAD is Silero as Pipecat ships it, by LiveKit's rules and thresholds; its cloud and
its turn detectors are not used. The voice is espeak-ng and gives word times, which LiveKit
is told to use. The recogniser is given the words, 100 ms after the end of speech.

Private names of livekit-agents 1.8.9 are touched in `_Output` alone.
"""

# mypy: disable-error-code="import-not-found,import-untyped,name-defined,misc,type-arg,attr-defined"
# livekit-agents is in no environment but that of `uv sync --inexact --group peers`.
from __future__ import annotations

import asyncio
import logging
import sys
import time
from importlib.metadata import version
from typing import cast

import numpy as np

from bargein.measure.ear import Tape, met
from bargein.measure.encounter import Encounter
from bargein.measure.figures import Figure
from bargein.measure.mouth import RATE_HZ, Mouth, read_wav
from bargein.measure.request import Answer, Meeting, Request
from bargein.processors.espeak import engine

try:
    from livekit import rtc
    from livekit.agents import Agent, AgentSession, llm
    from livekit.agents.voice import io
    from livekit.agents.voice.events import AgentFalseInterruptionEvent, SpeechHandle
    from livekit.agents.voice.room_io._output import _ParticipantAudioOutput
    from livekit.agents.voice.transcription import TranscriptSynchronizer

    from bench.peers.livekit_parts import (
        BOT_RATE_HZ,
        GivenLlm,
        GivenStt,
        GivenTts,
        Made,
        SileroVad,
    )
except ModuleNotFoundError as error:
    print(f"not installed ({error.name}): uv sync --inexact --group peers", file=sys.stderr)
    sys.exit(3)

CHUNK_SAMPLES = 160
"""10 ms, as a room gives it."""
SILENT_FOR_S = 7.0
"""How long after a sound its outcome is waited for: over 2 s of its timer and its endpointing."""
HEARD_AGAIN_S = 1.0
START_S = 10.0
LOOK_S = 0.02
LATE_S = 0.02
"""A microphone that is later than this has not caught up with the time."""


class Microphone(io.AudioInput):
    """A mouth in real time."""

    def __init__(self) -> None:
        super().__init__(label="microphone")
        self._mouth = Mouth()
        self._begun_s = 0.0

    async def say(self, file: str, lead_samples: int) -> float:
        """Give the ms (monotonic) at which the sound's first sample is in the air."""
        while self._due_s() < time.monotonic() - LATE_S:  # noqa: ASYNC110  (there is no event)
            await asyncio.sleep(LOOK_S)
        first = self._mouth.say(read_wav(file), lead_samples)
        return self._begun_s * 1000 + first * 1000 / RATE_HZ

    def _due_s(self) -> float:
        return self._begun_s + self._mouth.samples / RATE_HZ

    async def __anext__(self) -> rtc.AudioFrame:
        self._begun_s = self._begun_s or time.monotonic()
        chunk = self._mouth.chunk(CHUNK_SAMPLES)
        # A chunk exists once its last sample was in the air.
        await asyncio.sleep(max(0.0, self._due_s() - time.monotonic()))
        return rtc.AudioFrame(chunk, RATE_HZ, 1, CHUNK_SAMPLES)


class _Unheard(io.TextOutput):
    def __init__(self) -> None:
        super().__init__(label="nowhere", next_in_chain=None)

    async def capture_text(self, text: str) -> None:
        """Nobody reads."""

    def flush(self) -> None:
        """Nothing is held."""


class _Output(_ParticipantAudioOutput):
    """A room's output without the room."""

    def __init__(self) -> None:
        super().__init__(
            cast(rtc.Room, None),
            sample_rate=BOT_RATE_HZ,
            num_channels=1,
            track_publish_options=rtc.TrackPublishOptions(),
        )
        self.track = rtc.LocalAudioTrack.create_audio_track("bot", self._audio_source)

    def open(self) -> None:
        """What `start` does, but for publishing."""
        self._forwarding_task = asyncio.create_task(self._forward_audio())
        self._subscribed_fut.set_result(None)


class Recorder:
    """Reads what the track plays, sample by sample."""

    def __init__(self, track: rtc.LocalAudioTrack) -> None:
        self.tape = Tape(BOT_RATE_HZ)
        self._stream = rtc.AudioStream.from_track(
            track=track, sample_rate=BOT_RATE_HZ, num_channels=1
        )
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self._stream:
            chunk = np.frombuffer(event.frame.data, dtype=np.int16).copy()
            self.tape.add(chunk, time.monotonic() * 1000)

    async def aclose(self) -> None:
        """Let go of the track, before its source is closed."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._stream.aclose()


async def meet(request: Request, meeting: Meeting) -> Encounter:
    """Let one sound meet the talking bot."""
    sound = request.sounds[meeting.sound]
    made, output, microphone = Made(), _Output(), Microphone()
    recorder = Recorder(output.track)
    output.open()
    chain = TranscriptSynchronizer(next_in_chain_audio=output, next_in_chain_text=_Unheard())
    session: AgentSession[None] = AgentSession(
        stt=GivenStt(sound.text),
        vad=SileroVad(),
        llm=GivenLlm(),
        tts=GivenTts(made),
        turn_handling={"turn_detection": "vad", "interruption": {"mode": "vad"}},
        use_tts_aligned_transcript=True,
        aec_warmup_duration=None,
    )
    session.input.audio = microphone
    session.output.audio = chain.audio_output
    session.output.transcription = chain.text_output
    resumed = asyncio.Event()

    def false_alarm(event: AgentFalseInterruptionEvent) -> None:
        if event.resumed:
            resumed.set()

    session.on("agent_false_interruption", false_alarm)
    try:
        await session.start(Agent(instructions=""))
        speaking = session.say(request.passage)
        async with asyncio.timeout(START_S):
            while not recorder.tape.sounds:  # noqa: ASYNC110  (there is no event)
                await asyncio.sleep(LOOK_S)
        await asyncio.sleep(meeting.at_ms / 1000)
        onset_ms = await microphone.say(sound.file, meeting.lead_samples)
        await _outcome(speaking, resumed, (onset_ms + sound.length_ms) / 1000)
        return met(
            sound,
            onset_ms,
            said=made.utterance,
            tape=recorder.tape,
            stopped=speaking.interrupted or resumed.is_set(),
            taken=speaking.interrupted,
            context=_said(session),
        )
    finally:
        await session.aclose()
        await chain.aclose()
        await recorder.aclose()
        await output.aclose()


async def _outcome(speaking: SpeechHandle, resumed: asyncio.Event, offset_s: float) -> None:
    """Wait until the bot was cut off, or goes on, or clearly will not stop."""
    while time.monotonic() < offset_s + SILENT_FOR_S:
        if speaking.interrupted or resumed.is_set():
            break
        await asyncio.sleep(LOOK_S)
    await asyncio.sleep(HEARD_AGAIN_S)


def _said(session: AgentSession[None]) -> str:
    """What the context says that the bot said first."""
    for item in session.history.items:
        if isinstance(item, llm.ChatMessage) and item.role == "assistant":
            return item.text_content or ""
    return ""


async def run(request: Request) -> Answer:
    """Do all meetings."""
    free, done = asyncio.Semaphore(request.jobs), 0
    if request.warm_up:
        await meet(request, request.meetings[0])

    async def one(meeting: Meeting) -> Encounter:
        nonlocal done
        async with free:
            met = await meet(request, meeting)
        done += 1
        print(f"{done}/{len(request.meetings)}", file=sys.stderr, flush=True)
        return met

    met = await asyncio.gather(*(one(meeting) for meeting in request.meetings))
    return Answer(
        versions={name: version(name) for name in ("livekit-agents", "livekit")},
        encounters=tuple(met),
        figures={"voice_to_voice_ms": Figure(reason="its recogniser, LLM and voice are others")},
        notes=(
            "AgentSession's defaults in VAD mode; no network, no jitter buffer; espeak's word "
            "times used; the recogniser is given the words; no warm-up of 3 s",
        ),
    )


def main() -> None:
    """Read the request, answer."""
    logging.disable(logging.WARNING)
    engine()  # two threads must not load it at once
    print(asyncio.run(run(Request.from_json(sys.stdin.read()))).to_json())


if __name__ == "__main__":
    main()

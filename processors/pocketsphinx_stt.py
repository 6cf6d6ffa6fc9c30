"""PocketSphinx as a Pipecat STT service: no key, no download, and it expects what a script says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated

from loguru import logger
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import STTService
from pipecat.transcriptions.language import Language
from pipecat.utils.time import time_now_iso8601
from pydantic import Field

from bargein.errors import ConfigError, PartError
from bargein.grammar import jsgf
from bargein.processors.pocketsphinx_process import (
    PocketsphinxProcess,
    Said,
    Setup,
    missing_words,
)
from bargein.processors.pocketsphinx_worker import RATE_HZ
from bargein.processors.script_file import read_script
from bargein.processors.transcripts_frames import NoWordsFrame
from bargein.script import words_of
from bargein.script_checks import Mistake

BYTES_PER_MS = RATE_HZ // 1_000 * 2
LONGEST_START_MS = 2_000
"""The longest delay of a VAD's start for which the audio from before it is kept."""

FINAL_WITHIN_S = 1.0
"""How long the end of the pipeline waits for the last transcript."""

TTFS_P99_S = 0.1
"""End of speech to final text: at most 48 ms in 57 dictated sentences, 1 ms with a grammar."""


class PocketsphinxSTT(STTService):
    """Recognises each stretch of speech that a VAD marks, in a process of its own.

    It takes 16 kHz mono audio. A speech begins with `VADUserStartedSpeakingFrame`, with some audio
    from before it, and ends with `VADUserStoppedSpeakingFrame`. It pushes an
    `InterimTranscriptionFrame` whenever the text so far changes (which rewrites earlier words more
    often than not: show it, do not act on it), then one final `TranscriptionFrame`, or a
    `NoWordsFrame` if there were no words. If the worker dies the speech in flight is lost; it is
    started again once, and a second death makes the service unusable. Pipecat's `on_connected` and
    `on_disconnected` events follow the worker.

    Raises `ConfigError` for a wrong script or for none, `PartError` without the 'embedded' extra.
    """

    def __init__(
        self,
        *,
        script: Annotated[
            Path | None,
            Field(description="The script whose phrases are recognised; use scripted_llm's."),
        ] = None,
        dictation: Annotated[
            bool,
            Field(description="Recognise any English instead: a toy, 3 words of 10 are wrong."),
        ] = False,
    ) -> None:
        """Read and check the script; the worker starts with the pipeline."""
        super().__init__(
            sample_rate=RATE_HZ,
            ttfs_p99_latency=TTFS_P99_S,
            settings=STTSettings(model="pocketsphinx en-us", language=Language.EN),
        )
        self._worker_setup = _worker_setup(script, dictation)
        self._before = bytearray()
        self._worker: PocketsphinxProcess | None = None
        self._reader: asyncio.Task[None] | None = None
        self._utterance = 0
        self._speaking = False
        self._lost = False
        self._awaited: set[int] = set()
        self._settled = asyncio.Event()
        self._settled.set()

    def can_generate_metrics(self) -> bool:
        """Say that the time from the end of speech to the transcript is measured."""
        return True

    # pipecat's own FrameProcessor narrows the argument of its base here.
    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        """Start the worker; pipecat holds the first frame until it is ready."""
        await super().setup(setup)
        if setup.audio_in_sample_rate != RATE_HZ:
            raise ConfigError(
                f"pocketsphinx_stt hears 16000 Hz, the pipeline's input has"
                f" {setup.audio_in_sample_rate} Hz; set the input's sample rate to 16000"
            )
        self._worker = await PocketsphinxProcess.start(self._worker_setup)
        self._reader = self.create_task(self._read(), "pocketsphinx")

    async def stop(self, frame: EndFrame) -> None:
        """Let the last transcript come before the pipeline ends."""
        try:
            async with asyncio.timeout(FINAL_WITHIN_S):
                await self._settled.wait()
        except TimeoutError:
            logger.warning(f"{self}: the pipeline ends without its last transcript")
        await super().stop(frame)

    async def cleanup(self) -> None:
        """End the worker."""
        await super().cleanup()
        if self._reader:
            await self.cancel_task(self._reader)
            self._reader = None
        if self._worker:
            await self._worker.stop()
            self._worker = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Follow the VAD; audio comes to `run_stt`."""
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._begin(start_ms=round(frame.start_secs * 1_000))
        elif isinstance(frame, VADUserStoppedSpeakingFrame):
            await self._end()

    async def process_audio_frame(
        self, frame: InputAudioRawFrame, direction: FrameDirection
    ) -> None:
        """Refuse audio that the recogniser would take for something else."""
        if (frame.sample_rate, frame.num_channels) != (RATE_HZ, 1):
            await self.push_error(
                f"pocketsphinx_stt hears 16000 Hz mono, and got {frame.sample_rate} Hz with"
                f" {frame.num_channels} channels; set the input's sample rate to 16000"
            )
            return
        await super().process_audio_frame(frame, direction)

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Send audio to the worker while somebody speaks, else keep some for the next speech."""
        if not self._speaking:
            self._before += audio
            del self._before[: -LONGEST_START_MS * BYTES_PER_MS]
        elif self._worker and not self._worker.hear(audio):
            logger.warning(f"{self}: the worker is 5 s behind, {len(audio)} bytes are not heard")
        yield None

    def _begin(self, start_ms: int) -> None:
        self._utterance += 1
        self._lost = self._worker is None
        self._speaking = not self._lost
        if self._worker:
            self._worker.begin(self._utterance)
            padding_bytes = start_ms * BYTES_PER_MS
            if padding_bytes and self._before:
                self._worker.hear(bytes(self._before[-padding_bytes:]))
        self._before.clear()

    async def _end(self) -> None:
        if self._lost:
            self._lost = False
            await self.push_frame(NoWordsFrame())
        elif self._speaking and self._worker:
            self._awaited.add(self._utterance)
            self._settled.clear()
            self._worker.end()
        self._speaking = False

    async def _read(self) -> None:
        """Push what the worker says; start it again when it dies the first time."""
        assert self._worker is not None
        await self._push_all(self._worker)
        await self._lose_speech()
        await self.push_error("the PocketSphinx worker died; it is started again, say it once more")
        try:
            self._worker = await PocketsphinxProcess.start(self._worker_setup)
        except PartError as error:
            await self.push_error(str(error), exception=error, force_treat_as_permanent=True)
            return
        await self._push_all(self._worker)
        await self._lose_speech()
        await self.push_error(
            "the PocketSphinx worker died twice; start the session anew",
            force_treat_as_permanent=True,
        )

    async def _push_all(self, worker: PocketsphinxProcess) -> None:
        await self._call_event_handler("on_connected")
        async for said in worker.said():
            await self._push(said)
        self._worker = None
        await self._call_event_handler("on_disconnected")
        await worker.stop()

    async def _push(self, said: Said) -> None:
        if not said.final:
            if said.text:
                await self.push_frame(
                    InterimTranscriptionFrame(
                        said.text, self._user_id, time_now_iso8601(), Language.EN
                    )
                )
            return
        if said.text:
            await self.push_frame(
                TranscriptionFrame(
                    said.text,
                    self._user_id,
                    time_now_iso8601(),
                    Language.EN,
                    result=said.words,
                    finalized=True,
                )
            )
        else:
            await self.push_frame(NoWordsFrame())
        await self.emit_stt_usage_metrics()
        self._awaited.discard(said.utterance)
        if not self._awaited:
            self._settled.set()

    async def _lose_speech(self) -> None:
        """Answer for the speech that went down with the worker; what is still spoken at its end."""
        self._lost, self._speaking = self._lost or self._speaking, False
        unanswered = len(self._awaited)
        self._awaited.clear()
        self._settled.set()
        for _ in range(unanswered):
            await self.push_frame(NoWordsFrame())


def _worker_setup(script: Path | None, dictation: bool) -> Setup:
    if (script is None) is not dictation:
        raise ConfigError(
            "pocketsphinx_stt needs either 'script' (the path of a script, whose phrases it then"
            " recognises) or 'dictation: true', and not both"
        )
    if script is None:
        missing_words(())
        logger.warning(
            "pocketsphinx_stt takes dictation, which is a toy: some 30 % of the words are wrong."
            " Give it a script, or use another STT service."
        )
        return Setup(None, {})
    file = read_script(script)
    parsed = file.script
    where = {word: path for path, word in reversed(list(words_of(parsed)))}
    if missing := missing_words(where.keys() - parsed.pronunciations.keys()):
        raise file.wrong(
            Mistake(
                where[word],
                f"PocketSphinx does not know the word '{word}'; write how to say it under"
                " 'pronunciations', in ARPAbet (lattes: L AA T EY Z), or use another word",
            )
            for word in missing
        )
    return Setup(jsgf(parsed), parsed.pronunciations)

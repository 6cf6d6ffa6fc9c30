"""Stand-ins for LiveKit Agents: a voice with word times, given words, Silero by its rules."""

# mypy: disable-error-code="import-not-found,import-untyped,name-defined,misc,type-arg,attr-defined"
# livekit-agents is in no environment but that of `uv sync --inexact --group peers`.
from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import soxr
from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, llm, stt, tts, vad
from livekit.agents.voice import io

from bargein.measure.ear import Utterance
from bargein.measure.mouth import RATE_HZ
from bargein.processors.espeak import Speech, Voice, engine
from bargein.processors.silero import Silero
from bargein.truncation import WordTrack

BOT_RATE_HZ = 24_000
WINDOW_SAMPLES = 512
STT_S = 0.1
"""After the end of speech."""
SPEAK_S = 10.0
PREFIX_WINDOWS = 16
"""0.5 s before the onset go to the recogniser."""
ACTIVATION, DEACTIVATION, MIN_SPEECH_S, MIN_SILENCE_S = 0.5, 0.35, 0.05, 0.25
"""LiveKit's defaults for its VAD (livekit/agents/inference/vad.py)."""


class Made:
    """What the TTS made of the passage, with its words."""

    def __init__(self) -> None:
        self.pcm = b""
        self.track = WordTrack()

    @property
    def utterance(self) -> Utterance:
        """The passage as it should sound."""
        return Utterance(np.frombuffer(self.pcm, dtype=np.int16), self.track.words)

    def keep(self, pcm: bytes, words: Sequence[tuple[str, int]]) -> None:
        """Keep what was made first; a word ends where the next begins."""
        if self.pcm:
            return
        self.pcm = pcm
        ends = [*(start for _, start in words[1:]), len(pcm) // 2]
        for (word, start), end in zip(words, ends, strict=True):
            self.track.add(word, start, end)


class GivenTts(tts.TTS):
    """espeak-ng with word times; keeps what it makes."""

    def __init__(self, made: Made) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=BOT_RATE_HZ,
            num_channels=1,
        )
        self.made = made

    def synthesize(self, text: str, **_: Any) -> tts.ChunkedStream:
        raise NotImplementedError("a session streams")

    def stream(self, *, conn_options: Any = None) -> tts.SynthesizeStream:
        return _Speaking(tts=self, conn_options=conn_options)


class _Speaking(tts.SynthesizeStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id="passage",
            sample_rate=BOT_RATE_HZ,
            num_channels=1,
            mime_type="audio/pcm",
            stream=True,
        )
        output_emitter.start_segment(segment_id="passage")
        text = ""
        async for each in self._input_ch:
            if isinstance(each, str):
                text += each
        if not text.strip():
            return
        pcm, words = await asyncio.to_thread(_spoken, text)
        cast(GivenTts, self._tts).made.keep(pcm, words)
        for word, start in words:
            timed = io.TimedString(word + " ", start_time=start / BOT_RATE_HZ)
            output_emitter.push_timed_transcript(timed)
        output_emitter.push(pcm)
        output_emitter.end_segment()


def _spoken(text: str) -> tuple[bytes, list[tuple[str, int]]]:
    """Give PCM16 at 24 kHz, and each word with its first sample."""
    espeak = engine()
    chunks: list[bytes] = []
    words: list[tuple[str, int]] = []

    def keep(speech: Speech) -> bool:
        chunks.append(speech.pcm)
        scale = BOT_RATE_HZ / espeak.sample_rate_hz
        words.extend((word.text, round(word.start_sample * scale)) for word in speech.words)
        return True

    espeak.speak(text, Voice(), keep).result(timeout=SPEAK_S)
    raw = np.frombuffer(b"".join(chunks), dtype="<i2")
    return soxr.resample(raw, espeak.sample_rate_hz, BOT_RATE_HZ).astype("<i2").tobytes(), words


class GivenStt(stt.STT):
    """Hears the words that it is given, a short while after they ended."""

    def __init__(self, words: str) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._words = words

    async def _recognize_impl(self, buffer: Any, **_: Any) -> stt.SpeechEvent:
        await asyncio.sleep(STT_S)
        heard = [stt.SpeechData(language=cast(Any, "en"), text=self._words)] if self._words else []
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=heard)


class GivenLlm(llm.LLM):
    """Answers with one word."""

    def chat(self, *, chat_ctx: llm.ChatContext, **more: Any) -> llm.LLMStream:
        return _Answering(
            self,
            chat_ctx=chat_ctx,
            tools=more.get("tools") or [],
            conn_options=DEFAULT_API_CONNECT_OPTIONS,
        )


class _Answering(llm.LLMStream):
    async def _run(self) -> None:
        delta = llm.ChoiceDelta(role="assistant", content="Certainly.")
        self._event_ch.send_nowait(llm.ChatChunk(id="answer", delta=delta))


class SileroVad(vad.VAD):
    """The Silero that Pipecat ships, with LiveKit's thresholds."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.032))

    def stream(self) -> vad.VADStream:
        return _Listening(self)


class _Listening(vad.VADStream):
    async def _main_task(self) -> None:
        silero, held, index = Silero(), bytearray(), 0
        rules = _LiveKitRules()
        async for frame in self._input_ch:
            if isinstance(frame, self._FlushSentinel):
                silero.reset()
                held.clear()
                rules = _LiveKitRules()
                continue
            held += bytes(frame.data)
            while len(held) >= WINDOW_SAMPLES * 2:
                window = bytes(held[: WINDOW_SAMPLES * 2])
                del held[: WINDOW_SAMPLES * 2]
                index += WINDOW_SAMPLES
                for event in rules.events(silero.probability(window), window, index):
                    self._event_ch.send_nowait(event)


class _LiveKitRules:
    """Onset and offset from probabilities, as livekit/agents/inference/vad.py has them."""

    def __init__(self) -> None:
        self._speaking = False
        self._speech_s = self._silence_s = self._high_s = self._low_s = 0.0
        self._frames: list[rtc.AudioFrame] = []

    def events(self, probability: float, window: bytes, index: int) -> list[vad.VADEvent]:
        """What the stream tells after one more window."""
        step_s = WINDOW_SAMPLES / RATE_HZ
        self._frames.append(rtc.AudioFrame(window, RATE_HZ, 1, WINDOW_SAMPLES))
        if self._speaking:
            self._speech_s += step_s
        else:
            self._silence_s += step_s
            self._frames = self._frames[-PREFIX_WINDOWS:]
        told = [self._event(vad.VADEventType.INFERENCE_DONE, index, probability)]
        if probability >= ACTIVATION or (self._speaking and probability > DEACTIVATION):
            self._high_s, self._low_s = self._high_s + step_s, 0.0
            if not self._speaking and self._high_s >= MIN_SPEECH_S:
                self._speaking, self._silence_s, self._speech_s = True, 0.0, self._high_s
                told.append(self._event(vad.VADEventType.START_OF_SPEECH, index, probability))
        else:
            self._low_s, self._high_s = self._low_s + step_s, 0.0
            if self._speaking and self._low_s >= MIN_SILENCE_S:
                self._speaking, self._silence_s = False, self._low_s
                self._speech_s = max(0.0, self._speech_s - self._low_s)
                told.append(self._event(vad.VADEventType.END_OF_SPEECH, index, probability))
                self._speech_s, self._frames = 0.0, []
        return told

    def _event(self, kind: vad.VADEventType, index: int, probability: float) -> vad.VADEvent:
        keeps = kind is not vad.VADEventType.INFERENCE_DONE
        return vad.VADEvent(
            type=kind,
            samples_index=index,
            timestamp=index / RATE_HZ,
            speech_duration=self._speech_s,
            silence_duration=self._silence_s,
            frames=list(self._frames) if keeps else self._frames[-1:],
            probability=probability,
            speaking=self._speaking,
            raw_accumulated_silence=self._low_s,
            raw_accumulated_speech=self._high_s,
        )

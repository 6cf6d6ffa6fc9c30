"""How soon the voice gets its first words, and begins to speak: in clauses, and by sentences.

Typical replies are streamed at a model's rate through the part `clauses` and espeak-ng, and through
Pipecat's own aggregation to sentences and the same espeak-ng, one after the other. Then the replies
are spoken on paper, with a voice that takes longer: how long the listener would wait for the rest.

    python -m bench.clauses
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from loguru import logger
from pipecat.frames.frames import (
    Frame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.utils.text.simple_text_aggregator import SimpleTextAggregator
from pipecat.workers.runner import WorkerRunner

from bargein.clauses import Clauses
from bargein.processors.clauses import ClauseAggregator
from bargein.processors.espeak import SAMPLE_BYTES, Speech, Voice, engine
from bargein.processors.espeak_tts import EspeakTTS

REPLIES = (
    "Sure, I can help you with that. What is your order number?",
    "Of course. Your order left our warehouse this morning, and it should arrive on Friday.",
    "I have checked your booking, and everything looks fine. Is there anything else?",
    "Unfortunately, we do not have that in stock right now, but we expect more next week.",
    "Your total comes to $1,200.50, which includes tax and delivery.",
    "Dr. Smith has time on Monday at 9 a.m. or on Tuesday at 3:30 p.m. Which one suits you?",
    "We open at eight in the morning and close at ten in the evening every day of the week.",
    "No problem at all. I have moved your appointment to Thursday, March 5, at noon.",
    "That depends on how many people are coming and whether you would like to sit outside.",
    "Thank you for calling. I am sorry to hear that your package has not arrived yet.",
    "To reset your password, open the settings, choose security, and then follow the steps.",
    "The museum is about ten minutes from here on foot, or two stops by tram.",
    "I would recommend the grilled salmon because it comes with fresh vegetables and rice.",
    "Great choice! The large one costs 4.50, and it comes with oat milk if you like.",
    "Let me see. There are three flights tomorrow: one at seven, one at noon, one at six.",
    "Yes, you can bring your dog as long as it stays on a leash in the dining room.",
    "The weather in Paris tomorrow will be mostly sunny with a high of 24 degrees.",
    "I'm not sure I understood that. Could you tell me the name on the reservation?",
    "You can pay with a card, with cash, or with your phone at the counter.",
    "It usually takes between three and five business days until the money is in your account.",
)
TOKEN = re.compile(r"\s?\w+|\s?[^\w\s]")
"""Words with the space before them, and marks: much as the tokens of the well-known models."""
RATES = (30, 40, 50)
"""Tokens a second."""
PATIENCE_S = 20
TTS_MS = (0, 150, 300, 600)
"""From the text to its first audio, for a voice behind a network."""


@dataclass
class Run:
    """When things happened with one reply, in seconds of the monotonic clock."""

    first_token_s: float = 0
    tokens: int = 0
    handed_tokens: int = 0
    handed_s: float = 0
    audio_s: float = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def handed_ms(self) -> float:
        """From the first token until the voice had its first text."""
        return (self.handed_s - self.first_token_s) * 1000

    @property
    def audio_ms(self) -> float:
        """From the first token until the first audio."""
        return (self.audio_s - self.first_token_s) * 1000


class Noting(EspeakTTS):
    """Notes when it is first asked to speak."""

    run = Run()

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Note it, and speak."""
        if not self.run.handed_s:
            self.run.handed_s, self.run.handed_tokens = time.monotonic(), self.run.tokens
        async for frame in super().run_tts(text, context_id):
            yield frame


class Ear(FrameProcessor):
    """Notes the first audio, and the end of the reply."""

    run = Run()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Look at it, and pass it on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            self.run.audio_s = self.run.audio_s or time.monotonic()
        elif isinstance(frame, LLMFullResponseEndFrame):
            self.run.over.set()
        await self.push_frame(frame, direction)


async def say(worker: PipelineWorker, reply: str, rate: float, run: Run) -> None:
    """Stream a reply, and wait until all of it was spoken: on paper, in no time."""
    await worker.queue_frame(LLMFullResponseStartFrame())
    start_s = time.monotonic()
    for number, token in enumerate(TOKEN.findall(reply)):
        await asyncio.sleep(max(0.0, start_s + number / rate - time.monotonic()))
        run.first_token_s = run.first_token_s or time.monotonic()
        run.tokens += 1
        await worker.queue_frame(LLMTextFrame(token))
    await worker.queue_frame(LLMFullResponseEndFrame())
    async with asyncio.timeout(PATIENCE_S):
        await run.over.wait()


@asynccontextmanager
async def running(parts: Iterable[FrameProcessor]) -> AsyncIterator[PipelineWorker]:
    """Run a pipeline of these parts."""
    worker = PipelineWorker(
        Pipeline(list(parts)),
        params=PipelineParams(audio_out_sample_rate=24_000),
        enable_rtvi=False,
        idle_timeout_secs=None,
    )
    runner, started = WorkerRunner(handle_sigint=False), asyncio.Event()

    async def on_started(*_: object) -> None:
        started.set()

    worker.add_event_handler("on_pipeline_started", on_started)
    await runner.add_workers(worker)
    task = asyncio.create_task(runner.run())
    async with asyncio.timeout(PATIENCE_S):
        await started.wait()
    try:
        yield worker
    finally:
        await worker.cancel()
        await task


async def stream(rate: float, *, clauses: bool) -> list[Run]:
    """Say every reply at a rate, one after the other."""
    voice, ear = Noting(), Ear()
    runs: list[Run] = []
    async with running([*([ClauseAggregator()] if clauses else []), voice, ear]) as worker:
        for reply in REPLIES:
            voice.run = ear.run = run = Run()
            await say(worker, reply, rate, run)
            runs.append(run)
    return runs


def quantiles(values: Iterable[float]) -> str:
    """Median and 95th percentile."""
    cut = statistics.quantiles(values, n=20, method="inclusive")
    return f"{cut[9]:6.0f} {cut[18]:6.0f}"


async def measure(rates: Iterable[float]) -> None:
    """Print when the first text and the first audio come, side by side."""
    print("from the first token, p50 p95      tokens          text (ms)       audio (ms)")
    for rate in rates:
        both = {
            name: await stream(rate, clauses=name == "clauses") for name in ("sentences", "clauses")
        }
        for name, runs in both.items():
            print(
                f"{rate:3.0f} tokens/s, {name:10}   {quantiles(run.handed_tokens for run in runs)}"
                f"   {quantiles(run.handed_ms for run in runs)}"
                f"   {quantiles(run.audio_ms for run in runs)}"
            )
        ratios = [
            clause.audio_ms / sentence.audio_ms
            for sentence, clause in zip(both["sentences"], both["clauses"], strict=True)
        ]
        print(f"    audio, clauses / sentences: p50 {statistics.median(ratios):.2f}")


Handed = list[tuple[float, str]]
"""When which text was handed over, in milliseconds from the first token."""


async def by_sentences(reply: str, rate: float) -> Handed:
    """As Pipecat's TTS services do."""
    aggregator, handed = SimpleTextAggregator(), Handed()
    tokens = TOKEN.findall(reply)
    for number, token in enumerate(tokens):
        handed += [(number * 1000 / rate, each.text) async for each in aggregator.aggregate(token)]
    rest = await aggregator.flush()
    return [*handed, (len(tokens) * 1000 / rate, rest.text)] if rest else handed


async def by_clauses(reply: str, rate: float) -> Handed:
    """As the part does."""
    clauses, handed = Clauses(), Handed()
    tokens = TOKEN.findall(reply)
    for number, token in enumerate(tokens):
        now_ms = number * 1000 / rate
        handed += [(now_ms, piece.text) for piece in clauses.add(token, now_ms)]
    return handed + [(len(tokens) * 1000 / rate, piece.text) for piece in clauses.end()]


def lasts_ms(text: str) -> float:
    """How long espeak-ng takes to say it, with the pause behind."""
    chunks: list[Speech] = []

    def keep(chunk: Speech) -> bool:
        chunks.append(chunk)
        return True

    engine().speak(text, Voice(), keep, end_pause=True).result(timeout=PATIENCE_S)
    return sum(len(chunk.pcm) for chunk in chunks) / SAMPLE_BYTES * 1000 / engine().sample_rate_hz


def waits_ms(handed: Handed, tts_ms: float) -> tuple[float, float]:
    """When the listener hears the first sound, and the silences after it that are too much."""
    over_ms = first_ms = handed[0][0] + tts_ms
    silent_ms = 0.0
    for at_ms, text in handed:
        silent_ms += max(0.0, at_ms + tts_ms - over_ms)
        over_ms = max(over_ms, at_ms + tts_ms) + lasts_ms(text)
    return first_ms, silent_ms


async def on_paper(rates: Iterable[float]) -> None:
    """Print how long a listener waits at first and in between, for slower voices."""
    ways: dict[str, Callable[[str, float], object]] = {
        "sentences": by_sentences,
        "clauses": by_clauses,
    }
    print("\nof 20 replies: first sound p50 (ms) | replies that falter, their silence in all (ms)")
    for rate in rates:
        handed = {
            name: [await way(reply, rate) for reply in REPLIES]  # type: ignore[misc]
            for name, way in ways.items()
        }
        for tts_ms in TTS_MS:
            cells = []
            for name, replies in handed.items():
                waits = [waits_ms(each, tts_ms) for each in replies]
                falter = [silent for _, silent in waits if silent > 0]
                first = statistics.median(first for first, _ in waits)
                cells.append(f"{name} {first:5.0f} | {len(falter):2} {sum(falter):6.0f}")
            print(f"{rate:3.0f} tokens/s, first audio in {tts_ms:3} ms:  {'    '.join(cells)}")


async def run_all(rates: Iterable[float]) -> None:
    """Measure, then reckon."""
    await measure(rates)
    await on_paper((10, *rates))


def main() -> None:
    """Read the arguments, run, and print."""
    logger.remove()
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rates", type=float, nargs="+", default=RATES, help="tokens a second")
    asyncio.run(run_all(parser.parse_args().rates))


if __name__ == "__main__":
    main()

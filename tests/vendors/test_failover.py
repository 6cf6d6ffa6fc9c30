"""Services that fail, and others that take over: nothing is lost, nothing is said twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from bench.turn_taking.parts import Nova, TimedFlash
from pipecat.frames.frames import (
    AggregatedTextFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.utils.text.base_text_aggregator import TextType

from bargein.failover import Cause, FailedOver
from bargein.ledger.watcher import Watcher
from bargein.pipelines.load import load
from bargein.processors.espeak_tts import EspeakTTS
from bargein.processors.failover import Failover
from bargein.processors.openai_llm import OpenAILLM
from bargein.processors.vendor import VENDORS
from tests.vendors.deepgram import Deepgram
from tests.vendors.elevenlabs import ElevenLabs, Wrong
from tests.vendors.latency import Recognition, Synthesis
from tests.vendors.openai import Answer, OpenAI, Status
from tests.vendors.test_ear import TURN, sound
from tests.vendors.test_services import REPLY, Send, Tap, microphone, running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning"),
]

NOBODY_LISTENS = "127.0.0.1:9"
"""The port `discard`: every connection is refused."""
FINE = Answer(REPLY)


class Note(Watcher):
    """Keeps who took over."""

    def __init__(self) -> None:
        self.seen: list[FailedOver] = []

    def failed_over(self, failed_over: FailedOver) -> None:
        self.seen.append(failed_over)

    @property
    def causes(self) -> list[tuple[str, str, Cause]]:
        return [(each.failed, each.took_over, each.cause) for each in self.seen]


def several(*services: FrameProcessor, silent_ms: int = 4000) -> tuple[Failover, Note]:
    """The services as one part, called a, b, ..."""
    part, note = Failover(silent_ms=silent_ms), Note()
    part.hold(services, "abc"[: len(services)])
    part.attach(note)
    return part, note


def context(text: str = "Tea, please.") -> LLMContextFrame:
    return LLMContextFrame(LLMContext([{"role": "user", "content": text}]))


@asynccontextmanager
async def llms(
    answers: Sequence[Answer | None], **settings: int
) -> AsyncIterator[tuple[Send, Tap, Note, list[OpenAI]]]:
    """LLMs of which each answers so; None is a server that is not there."""
    async with AsyncExitStack() as stack:
        servers = [OpenAI(partial(_given, given or FINE)) for given in answers]
        services = []
        for server, given in zip(servers, answers, strict=True):
            url = await stack.enter_async_context(server.open())
            url = url if given else f"http://{NOBODY_LISTENS}/v1"
            services.append(OpenAILLM(model="m", base_url=url, retries=0, stall_ms=700))
        part, note = several(*services, **settings)
        send, tap = await stack.enter_async_context(running(part))
        yield send, tap, note, servers


def _given(answer: Answer, _: object) -> Answer:
    return answer


def said(tap: Tap) -> str:
    return "".join(each.text for each in tap.all(LLMTextFrame))


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (Answer(status=Status.NO_KEY), Cause.REFUSED),
        (Answer(status=Status.NO_MODEL), Cause.REFUSED),
        (Answer(status=Status.BROKEN), Cause.FAILED),
        (Answer(status=Status.BUSY), Cause.FAILED),
        (None, Cause.FAILED),
        (Answer(REPLY, stalls_after=0), Cause.SILENT),
    ],
)
async def test_a_context_that_one_llm_cannot_answer_is_answered_by_the_next(
    wrong: Answer | None, cause: Cause
) -> None:
    async with llms([wrong, FINE], silent_ms=500) as (send, tap, note, servers):
        await send(context())
        await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))
        assert said(tap) == REPLY
        assert note.causes == [("a", "b", cause)]
        # And so is the next one, at once.
        await send(context("And milk."))
        await tap.until(lambda: len(tap.all(LLMFullResponseEndFrame)) == 2)
        assert len(tap.all(LLMFullResponseStartFrame)) == 2
        assert [len(server.requests) for server in servers] == [1 if wrong else 0, 2]
        if cause is Cause.SILENT:
            assert servers[0].requests[0].cancelled


async def test_a_reply_that_breaks_off_is_not_begun_again_and_the_next_llm_answers_next() -> None:
    broken = Answer(REPLY, stalls_after=2)
    async with llms([broken, FINE]) as (send, tap, note, servers):
        await send(context())
        await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))
        assert said(tap) == "Order 7, "
        assert [len(server.requests) for server in servers] == [1, 0]
        await send(context("And milk."))
        await tap.until(lambda: len(tap.all(LLMFullResponseEndFrame)) == 2)
        assert said(tap) == f"Order 7, {REPLY}"
        assert note.causes == [("a", "b", Cause.FAILED)]


async def test_one_that_answers_again_is_preferred_again() -> None:
    async with llms([replace(FINE), FINE]) as (send, tap, note, servers):
        await send(context())
        await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))
        assert [len(server.requests) for server in servers] == [1, 0]
        assert note.seen == []


async def test_what_a_user_has_said_to_a_dead_recogniser_is_heard_by_the_next() -> None:
    server = Deepgram([TURN], lambda _: Recognition(partial_ms=20, final_ms=40, endpoint_ms=300))
    async with server.open() as url:
        part, note = several(Nova(url=f"ws://{NOBODY_LISTENS}"), Nova(url=url))
        async with running(part) as (send, tap):
            await send(microphone(sound(600)))
            await send(microphone(sound(700)))
            await send(VADUserStoppedSpeakingFrame(stop_secs=0.2))
            await tap.until(lambda: any(each.finalized for each in tap.all(TranscriptionFrame)))
    assert " ".join(each.text for each in tap.all(TranscriptionFrame)) == "Two teas, please."
    assert note.causes[0][:2] == ("a", "b")


async def speak(part: Failover, tap_until: str) -> Tap:
    """Let it say the reply in clauses, as `clauses` hands them over; to a word, and its end."""
    async with running(part) as (send, tap):
        await send(LLMFullResponseStartFrame())
        for clause in ("Order 7,", "here you are.", "Is there more?"):
            await send(AggregatedTextFrame(clause, TextType.SENTENCE, raw_text=clause))
        await send(LLMFullResponseEndFrame())
        await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))
    assert tap_until in words(tap)
    return tap


def words(tap: Tap) -> str:
    return " ".join(each.text for each in tap.all(TTSTextFrame))


async def test_a_voice_that_cannot_be_reached_is_replaced_and_all_is_said_once() -> None:
    part, note = several(TimedFlash(url=f"ws://{NOBODY_LISTENS}"), EspeakTTS())
    tap = await speak(part, "more?")
    assert words(tap) == REPLY
    assert len(tap.all(LLMFullResponseStartFrame)) == len(tap.all(LLMFullResponseEndFrame)) == 1
    assert note.causes[0][:2] == ("a", "b")


async def test_a_voice_that_falls_silent_in_mid_reply_is_replaced_and_no_word_is_said_twice() -> (
    None
):
    def spoil(text: str) -> Wrong:
        return Wrong.SILENT if "here" in text else Wrong.NOTHING

    server = ElevenLabs(lambda _: Synthesis(whole_ms=80), wrong=spoil)
    async with server.open() as url:
        part, note = several(TimedFlash(url=url), EspeakTTS(), silent_ms=1000)
        tap = await speak(part, "more?")
    assert words(tap) == REPLY
    assert note.causes == [("a", "b", Cause.SILENT)]
    assert len({each.context_id for each in tap.all(TTSAudioRawFrame)}) > 1


async def test_where_nobody_is_left_the_error_is_told() -> None:
    refused = Answer(status=Status.NO_KEY)

    async def ask() -> None:
        async with llms([refused, refused]) as (send, tap, _, _):
            await send(context())
            await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))

    with pytest.raises(AssertionError, match="NO_KEY"):
        await ask()


def test_the_example_of_the_page_has_no_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for vendor in VENDORS:
        monkeypatch.setenv(vendor.key_variable, "sk-none-0123456789")
    page = (Path(__file__).parents[2] / "docs" / "failover.md").read_text()
    example = page.partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "bot.yaml").write_text(f"name: a\ntransport: local\n{example}")
    config = load(tmp_path / "bot.yaml", environ={"ELEVENLABS_VOICE": "someone"})
    config.try_parts()
    assert [len(part.single) for part in config.parts] == [1, 1, 2, 2, 1, 2, 1]

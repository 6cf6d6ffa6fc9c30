"""The scripted service in a real pipeline, as any LLM service stands there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pipecat.frames.frames import (
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.llm_service import FunctionCallParams

from bargein import configs
from bargein.errors import ConfigError
from bargein.processors.scripted_llm import ScriptedLLM

from .conftest import PATIENCE_S

if TYPE_CHECKING:
    from .conftest import Run, Running

CAFE = Path(next(iter(configs.__path__))) / "cafe.yaml"


def context(*messages: Any) -> LLMContextFrame:
    return LLMContextFrame(LLMContext(list(messages)))


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def bot(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def said(rig: Running) -> str:
    return "".join(frame.text for frame in rig.heard(LLMTextFrame))


@pytest.mark.pipeline
async def test_the_last_user_message_is_answered_out_of_all_that_came_before(run: Run) -> None:
    async with run(ScriptedLLM(script=CAFE, tokens_per_second=1_000)) as rig:
        await rig.send(
            context(
                {"role": "system", "content": "You are a concierge."},
                user("I'd like a latte with oat milk"),
                bot("What size"),
                user("large please"),
                {"role": "developer", "content": "The user cut you off."},
                user("what did I order"),
            )
        )
        await rig.next(LLMFullResponseEndFrame)
    assert said(rig).startswith("So far you have one large latte with oat milk.")
    assert len(rig.heard(LLMFullResponseStartFrame)) == 1


@pytest.mark.pipeline
async def test_a_context_in_which_nobody_has_spoken_gets_the_greeting(run: Run) -> None:
    async with run(ScriptedLLM(script=CAFE, tokens_per_second=1_000)) as rig:
        await rig.send(context())
        await rig.next(LLMFullResponseEndFrame)
    assert said(rig).startswith("Hello, and welcome")


@pytest.mark.pipeline
async def test_an_empty_answer_is_a_response_all_the_same(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "quiet.yaml"
    script.write_text("name: Q\nfallback: What?\ntopics: [{name: hush, hear: hush}]\n")
    async with run(ScriptedLLM(script=script)) as rig:
        await rig.send(context(user("hush")))
        await rig.next(LLMFullResponseEndFrame)
    assert said(rig) == ""


@pytest.mark.pipeline
async def test_an_interruption_ends_the_answer_and_leaves_no_task(run: Run) -> None:
    async with run(ScriptedLLM(script=CAFE, tokens_per_second=20)) as rig:
        await rig.send(context(user("tell me about your coffee")))
        await rig.next(LLMTextFrame)
        await rig.send(InterruptionFrame())
        await rig.next(LLMFullResponseEndFrame)
        words = len(said(rig).split())
        await rig.send(context(user("stop")))
        await rig.next(LLMFullResponseEndFrame, 2)
        assert words < 20
    left = [task.get_name() for task in asyncio.all_tasks() if "ScriptedLLM" in task.get_name()]
    assert left == []


COOK = """
name: C
fallback: What?
slots: {dish: {values: {pasta: pasta, soup: soup}}}
topics:
  - name: cook
    hear: cook {dish}
    calls: [{tool: cook, arguments: {dish: "{dish}"}, gives: minutes}]
    say_first: I ask the kitchen.
    say: "Your {dish} is ready in {minutes} minutes."
    say_on_error: There is no {dish}.
  - name: both
    hear: cook everything
    calls:
      - {tool: cook, arguments: {dish: pasta}, gives: {first: minutes}}
      - {tool: cook, arguments: {dish: soup}, gives: {second: minutes}}
    say: First {first}, then {second} minutes.
  - {name: hello, hear: hello, say: Hi.}
"""
MINUTES = {"pasta": 12, "soup": 30}


class Kitchen:
    """A tool as Pipecat knows it, and all that it was asked for."""

    def __init__(self, *, opens: asyncio.Event | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self.at_work = asyncio.Event()
        self._opens = opens

    async def cook(self, params: FunctionCallParams) -> None:
        self.asked.append(dict(params.arguments))
        self.at_work.set()
        if self._opens:
            await self._opens.wait()
        await params.result_callback({"minutes": MINUTES[params.arguments["dish"]]})


@asynccontextmanager
async def cooking(
    run: Run, folder: Path, kitchen: Kitchen | None, *, finishes: bool = False
) -> AsyncIterator[tuple[Running, LLMContext]]:
    script = folder / "cook.yaml"
    script.write_text(COOK)
    llm = ScriptedLLM(script=script, tokens_per_second=1_000)
    if kitchen:
        llm.register_function("cook", kitchen.cook, cancel_on_interruption=not finishes)
    context = LLMContext()
    halves = LLMContextAggregatorPair(context)
    async with run(llm, halves.assistant()) as rig:
        yield rig, context


async def asks(rig: Running, context: LLMContext, text: str) -> None:
    context.add_message(user(text))  # type: ignore[arg-type]
    await rig.send(LLMContextFrame(context))


def bot_texts(context: LLMContext) -> list[str]:
    written: list[Any] = [m for m in context.get_messages() if isinstance(m, dict)]
    return [m["content"] for m in written if m["role"] == "assistant" and m.get("content")]


@pytest.mark.pipeline
@pytest.mark.parametrize(
    ("text", "asked", "answer"),
    [
        ("cook pasta", [{"dish": "pasta"}], "Your pasta is ready in 12 minutes."),
        (
            "cook everything",
            [{"dish": "pasta"}, {"dish": "soup"}],
            "First 12, then 30 minutes.",
        ),
    ],
)
async def test_a_tool_is_called_and_its_result_said(
    text: str, asked: list[dict[str, str]], answer: str, run: Run, tmp_path: Path
) -> None:
    kitchen = Kitchen()
    async with cooking(run, tmp_path, kitchen) as (rig, context):
        await asks(rig, context, text)
        await rig.until(lambda: answer in " ".join(bot_texts(context)))
        await asks(rig, context, "hello")
        await rig.until(lambda: bot_texts(context)[-1] == "Hi.")
    assert kitchen.asked == asked


@pytest.mark.pipeline
async def test_a_tool_that_nobody_has_is_told_as_an_answer(run: Run, tmp_path: Path) -> None:
    async with cooking(run, tmp_path, None) as (rig, context):
        await asks(rig, context, "cook soup")
        await rig.until(lambda: len(bot_texts(context)) == 2)
    assert bot_texts(context)[0] == "I ask the kitchen."


@pytest.mark.pipeline
@pytest.mark.parametrize("finishes", [True, False])
async def test_a_result_that_comes_after_an_interruption_is_told_if_the_tool_may_finish(
    finishes: bool, run: Run, tmp_path: Path
) -> None:
    opens = asyncio.Event()
    kitchen = Kitchen(opens=opens)
    async with cooking(run, tmp_path, kitchen, finishes=finishes) as (rig, context):
        await asks(rig, context, "cook pasta")
        await asyncio.wait_for(kitchen.at_work.wait(), PATIENCE_S)
        await rig.send(InterruptionFrame())
        await rig.next(InterruptionFrame)
        await asks(rig, context, "hello")
        await rig.until(lambda: "Hi." in bot_texts(context))
        opens.set()
        if finishes:
            await rig.until(lambda: len(bot_texts(context)) == 3)
        await asks(rig, context, "hello")
        await rig.until(lambda: bot_texts(context).count("Hi.") == 2)
    told = "Your pasta is ready in 12 minutes." in bot_texts(context)
    assert (told, kitchen.asked) == (finishes, [{"dish": "pasta"}])


WRONG = "name: Q\nfallbck: What?\ntopics:\n  - name: hush\n    heer: hush\n"
NO_SLOT = COOK.replace('"{dish}"}', '"{dsh}"}').replace("gives: minutes", "gives: dish")
UNREADABLE = {
    "calls": (
        NO_SLOT.encode(),
        (
            "bad.yaml:8:38: topics[0].calls[0].arguments.dish: no slot is called 'dsh'",
            "bad.yaml:8:54: topics[0].calls[0].gives: 'dish' is a slot already",
            "bad.yaml:10:5: topics[0].say[0]: no slot is called 'minutes'",
        ),
    ),
    "several mistakes": (WRONG.encode(), ("bad.yaml:2:1: ", "bad.yaml:5:5: topics[0]: there is")),
    "no UTF-8": (b"name: caf\xe9\n", ("bad.yaml:1:10: this is not UTF-8. Save",)),
    "no mapping": (b"- a\n", ("bad.yaml:1:1: the file is a list. Write name, fallback",)),
    "nothing": (b"", ("bad.yaml:1:1: the file is empty. Write name, fallback, topics.",)),
    "no YAML": (b"name: [a\n", ("bad.yaml:1:7: ",)),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_all_that_is_wrong_in_a_script_is_named_at_its_place(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written, starts = UNREADABLE[case]
    script = tmp_path / "bad.yaml"
    script.write_bytes(written)
    with pytest.raises(ConfigError) as caught:
        ScriptedLLM(script=script)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(starts)
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))


def test_a_folder_is_no_script(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory; name the script in it"):
        ScriptedLLM(script=tmp_path)

"""The scripted service in a real pipeline, as any LLM service stands there."""

from __future__ import annotations

import asyncio
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

from bargein import configs
from bargein.errors import ConfigError
from bargein.processors.scripted_llm import ScriptedLLM

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


WRONG = "name: Q\nfallbck: What?\ntopics:\n  - name: hush\n    heer: hush\n"
UNREADABLE = {
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

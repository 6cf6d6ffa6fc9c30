"""Tools over a real WebSocket: handlers in the sandbox, questions and fillers in a real voice."""

from __future__ import annotations

from pathlib import Path

import pytest

from bargein.ledger.entries import Line, Turn
from tests.room.caller import Caller
from tests.room.conftest import Open
from tests.room.parts import GivenLlm, Tap, messages
from tests.room.speech import spoken
from tests.vendors.openai import Answer, OpenAI, Request, Status

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

HANDLER = Path(__file__).with_name("ordering.py")
BOT = """
tools:
  - name: order
    description: Orders coffee.
    arguments: {{cups: {{type: integer, minimum: 1, maximum: 99}}}}
    handler: {handler}:order
    {rules}
tool_rules: {{filler: {{after_ms: 400, say: [One moment please.]}}}}
pipeline:
  - use: interruption
  - use: silero_vad
    min_silence_duration_ms: 400
  - use: tests.room.parts:GivenStt
    hears: {hears}
  - use: {llm}
  - use: espeak_tts
  - use: tests.room.parts:Tap
  - use: played_audio
"""


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Tap.made.clear()
    GivenLlm.contexts.clear()


def bot(*, hears: str, llm: str, rules: str = "cost: 0") -> str:
    return BOT.format(handler=HANDLER, hears=hears, llm=llm, rules=rules)


def ordering(*answers: str) -> str:
    """An LLM that says these, and calls."""
    return f"tests.room.parts:OrderingLlm\n    answers: {list(answers)}"


async def test_a_slow_tool_is_filled_and_the_first_sound_of_the_turn_is_the_phrase(
    open_room: Open, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    pipeline = bot(hears="[fifteen cups]", llm=ordering("call 15", "Your number is fifteen."))
    room = await open_room(pipeline, settings=(f"ledger.path={ledger}",))
    async with Caller(room.url) as caller:
        caller.say(spoken("Fifteen cups please."), after_s=0.3)
        await caller.until(lambda: len(messages()) == 5)
        await caller.until(lambda: caller.floors()[-1] == "idle")
        assert caller.floors()[0:3] == ["listening", "processing", "speaking"]
    await room.close()
    user, *between, answer = messages()
    assert (user[0], answer) == ("user", ("assistant", "Your number is fifteen."))
    # The result may come while the phrase is heard: then it stands behind the call and its result.
    phrase = ("assistant", "One moment please.")
    assert between.count(phrase) == 1
    (call, result) = (each for each in between if each != phrase)
    assert (call[0], result) == ("assistant", ("tool", '{"number": 15}'))
    assert between.index(result) == between.index(call) + 1
    lines = [Line.read(line) for line in ledger.read_text().splitlines()]
    (turn,) = (line for line in lines if isinstance(line, Turn))
    assert turn.transcript == "fifteen cups"
    # The phrase was due 400 ms behind the turn; the result took more than a second.
    assert turn.response_ms is not None
    assert 400 <= turn.response_ms < 1_500


async def test_a_yes_to_the_question_orders_and_nothing_else_does(open_room: Open) -> None:
    rules = 'confirm: user\n    question: "Shall I order {cups} cups?"'
    pipeline = bot(hears='["two cups", "yes please"]', llm=ordering("call 2", "Done."), rules=rules)
    room = await open_room(pipeline)
    async with Caller(room.url) as caller:
        caller.say(spoken("Two cups please."), after_s=0.3)
        await caller.until(lambda: caller.floors()[-2:] == ["speaking", "idle"])
        await caller.until(lambda: len(messages()) == 2)
        assert messages()[-1] == ("assistant", "Shall I order 2 cups?")
        caller.say(spoken("Yes please."), after_s=0.3)
        await caller.until(lambda: messages()[-1] == ("assistant", "Done."))
        # On a busy machine the worker may take so long that the phrase is said.
        said = [text for _, text in messages() if text != "One moment please."]
        assert said[2:] == ["yes please", "None", '{"number": 2}', "Done."]
        assert len(GivenLlm.contexts) == 2


async def test_what_the_first_llm_had_called_is_told_by_the_next_when_it_fails(
    open_room: Open,
) -> None:
    def answer(request: Request) -> Answer:
        if len(server.requests) == 1:
            return Answer(tool="order", arguments='{"cups": 2}')
        return Answer(status=Status.NO_KEY)

    server = OpenAI(answer)
    async with server.open() as url:
        next_one = "{use: 'tests.room.parts:GivenLlm', answers: [Done.]}"
        llms = f"[{{use: openai_llm, model: m, base_url: '{url}'}}, {next_one}]"
        room = await open_room(bot(hears="[two cups]", llm=llms))
        async with Caller(room.url) as caller:
            caller.say(spoken("Two cups please."), after_s=0.3)
            await caller.until(lambda: messages()[-1:] == [("assistant", "Done.")])
    assert [text for role, text in messages() if role == "tool"] == ['{"number": 2}']
    assert (len(server.requests), len(GivenLlm.contexts)) == (2, 1)

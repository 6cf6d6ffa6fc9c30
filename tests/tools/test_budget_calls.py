"""A bot at its limit says so, hangs up, and asks nobody for anything any more."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bargein.pipelines.audit import read_audit
from bargein.protocol import Codec, Error, Hello
from tests.room.caller import Caller, heard_words
from tests.room.conftest import Open, open_room
from tests.room.test_edges import refused
from tests.vendors.anthropic import Answer
from tests.vendors.calls import call
from tests.vendors.latency import Writing

__all__ = ["open_room"]

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning"),
]

GOODBYE = "That was all for today, and thank you very much for your time and patience."
SHORT, LONG = Answer("Yes of course."), Answer("word " * 80)
SLOWLY = Writing(whole_ms=2_000)


def budget(limits: str) -> str:
    return f"budget:\n  {limits}\n  at_limit: {GOODBYE}\n"


async def goodbye(caller: Caller) -> Error:
    """Hear the bot say that it is over, and hang up."""
    error = await caller.until_message(Error)
    assert (error.code, error.final) == ("budget", True)
    last = max(caller.tape)
    assert heard_words(caller, last) == GOODBYE
    await caller.socket.wait_closed()
    return error


async def test_a_reply_that_grows_past_the_tokens_is_cut_off(open_room: Open) -> None:
    async with call(
        open_room,
        ["Tell me all."],
        lambda _: LONG,
        writing=SLOWLY,
        also=budget("session: {tokens: 60}"),
    ) as bot:
        await bot.says("Tell me all.")
        error = await goodbye(bot.caller)
        assert "tokens of this session" in error.message
        assert [each.cancelled for each in bot.llm.requests] == [True]
        assert bot.llm.requests[0].tokens < 80


async def test_the_turn_after_the_last_token_is_not_answered(open_room: Open) -> None:
    async with call(
        open_room,
        ["Is there tea?", "And cake?"],
        lambda _: SHORT,
        also=budget("session: {tokens: 30}"),
    ) as bot:
        await bot.answers("Is there tea?")
        await bot.says("And cake?")
        await goodbye(bot.caller)
        assert len(bot.llm.requests) == 1


async def test_tokens_that_cost_something_reach_the_limit_of_cost(open_room: Open) -> None:
    async with call(
        open_room,
        ["Tell me all."],
        lambda _: LONG,
        writing=SLOWLY,
        also=budget("session: {cost: 0.5}\n  price: {completion: 0.01}"),
    ) as bot:
        await bot.says("Tell me all.")
        assert "cost of this session" in (await goodbye(bot.caller)).message


async def test_minutes_are_over_even_where_nobody_speaks_and_the_audit_says_so(
    open_room: Open, tmp_path: Path
) -> None:
    also = budget("session: {minutes: 0.02}") + "tool_rules: {audit: audit.jsonl}\n"
    async with call(open_room, [], lambda _: SHORT, also=also) as bot:
        assert "minutes of this session" in (await goodbye(bot.caller)).message
        assert bot.llm.requests == []
    (line,) = read_audit(tmp_path / "audit.jsonl", {}).lines
    assert (line.entry.event, line.entry.code) == ("limit", "session_minutes")
    assert (line.entry.identity, line.entry.bot) == ("127.0.0.1", "test")


TOOLS = """
tools:
  - name: tea
    description: Takes tea from the shelf.
    arguments: {cups: {type: integer}}
    cost: 0.4
    handler: ./tea.py:tea
    permissions: {write: [taken]}
tool_rules: {audit: audit.jsonl}
"""
TEA = """
from pathlib import Path

def tea(cups):
    with (Path(__file__).parent / "taken" / "cups").open("a") as shelf:
        shelf.write(f"{cups} ")
    return cups
"""


@pytest.mark.parametrize(
    ("limits", "code", "taken"),
    [
        ("session: {tool_calls: 2}", "session_tool_calls", "1 2 "),
        ("identity: {cost: 0.5}", "identity_cost", "1 "),
        ("session: {tool_calls: 0}", "session_tool_calls", ""),
    ],
)
async def test_a_call_beyond_the_last_one_does_not_run_and_ends_the_session(
    open_room: Open, tmp_path: Path, limits: str, code: str, taken: str
) -> None:
    (tmp_path / "tea.py").write_text(TEA)
    (tmp_path / "taken").mkdir()
    answers = (Answer("So.", tools=(("tea", {"cups": cups}),)) for cups in range(1, 9))
    also = TOOLS + budget(limits)
    async with call(open_room, ["Is there tea?"], lambda _: next(answers), also=also) as bot:
        await bot.says("Is there tea?")
        whose, _, what = code.partition("_")
        assert f"{what} of this {whose}" in (await goodbye(bot.caller)).message
        ran = taken.split()
        assert len(bot.llm.requests) == len(ran) + 1, "nobody asks what to say of the refusal"
    cups = tmp_path / "taken" / "cups"
    assert (cups.read_text() if cups.exists() else "") == taken
    entries = [line.entry for line in read_audit(tmp_path / "audit.jsonl", {}).lines]
    ends = [(each.event.value, each.code) for each in entries if each.event != "proposed"]
    assert ends[:-2] == [("started", ""), ("returned", "")] * len(ran)
    assert set(ends[-2:]) == {("refused", "over_budget"), ("limit", code)}


async def test_nobody_can_talk_over_the_last_words(open_room: Open) -> None:
    async with call(
        open_room,
        ["But wait a minute please."],
        lambda _: SHORT,
        also=budget("session: {minutes: 0.02}"),
    ) as bot:
        await bot.caller.until(lambda: bool(bot.caller.tape))
        await bot.says("But wait a minute please.")
        await goodbye(bot.caller)
        assert bot.llm.requests == []


async def test_a_new_session_of_who_has_used_all_is_told_so_at_once(open_room: Open) -> None:
    async with call(
        open_room,
        ["Tell me all."],
        lambda _: LONG,
        writing=SLOWLY,
        also="greeting: Good morning.\n" + budget("identity: {tokens: 60}"),
    ) as bot:
        await bot.caller.until(lambda: bool(bot.caller.tape))
        await bot.idle()
        await bot.says("Tell me all.")
        await goodbye(bot.caller)
        asked = len(bot.llm.requests)
        async with Caller(bot.url) as again:
            error = await goodbye(again)
            assert "tokens of this identity" in error.message
            assert len(again.tape) == 1, "it is not even greeted"
        assert len(bot.llm.requests) == asked


async def test_two_sessions_of_one_identity_at_once_end_together(open_room: Open) -> None:
    async with (
        call(
            open_room,
            ["Tell me all."],
            lambda _: LONG,
            writing=SLOWLY,
            also=budget("identity: {tokens: 60}"),
        ) as bot,
        Caller(bot.url) as other,
    ):
        await bot.says("Tell me all.")
        await goodbye(bot.caller)
        await goodbye(other)


async def test_where_nobody_knows_what_was_used_no_session_begins(
    open_room: Open, tmp_path: Path
) -> None:
    room = await open_room(budget("identity: {tokens: 60}\n  path: budgets.sqlite"))
    with closing(sqlite3.connect(tmp_path / "budgets.sqlite")) as database:
        database.execute("DROP TABLE used")
    error = await refused(room.url, Codec.write(Hello()))
    assert error.code == "bot_failed"
    assert "budgets.sqlite" in error.message

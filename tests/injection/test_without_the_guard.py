"""The same attacks on stock Pipecat, where handlers are registered and nothing is asked.

Without this the suite would prove nothing: here the attacks must work.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from pipecat.frames.frames import LLMContextFrame
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMAssistantAggregator

from tests.injection.attacks import ATTACKS, Attack
from tests.injection.llm import UNDECLARED, ObedientLLM
from tests.injection.world_rig import KEY, World, a_world
from tests.voice.conftest import running

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

DECLARED = (
    *("weather", "inbox", "account", "refund", "note", "read_doc", "read_page", "find_order"),
    *("calculate", "stock", "broken"),
)
PATIENCE_S = 5
AT_ONCE = 8
MOST_CALLS = 100
"""Of one reply: ten thousand that all run take minutes."""
AT_LEAST = 50
"""So many of the attacks do harm where nobody guards the tools."""


async def attacked(attack: Attack, world: World) -> str:
    """Have stock Pipecat answer what the user says; gives all that the LLM knows in the end."""
    llm = ObedientLLM(world=world.home, brings=(*DECLARED, *UNDECLARED), at_most=MOST_CALLS)
    context = LLMContext()
    async with running(llm, LLMAssistantAggregator(context)) as rig:
        for text in filter(None, attack.says):
            llm.has_done_all.clear()
            context.add_message({"role": "user", "content": text})
            await rig.send(LLMContextFrame(context))
            with suppress(TimeoutError):  # two calls with one id are never over
                await asyncio.wait_for(llm.has_done_all.wait(), PATIENCE_S)
    return str(context.get_messages())


@pytest.fixture(scope="module")
def harm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """What each attack did that no policy allows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_KEY", KEY)
        patch.setenv("STOCK_URL", "http://127.0.0.1:9")
        return asyncio.run(_all(tmp_path_factory.mktemp("worlds")))


async def _all(folder: Path) -> dict[str, tuple[str, ...]]:
    seats = asyncio.Semaphore(AT_ONCE)
    attacks = [attack for attack in ATTACKS if not attack.ends_the_test]

    async def harm_of(attack: Attack) -> tuple[str, ...]:
        async with seats:
            with a_world(folder / str(ATTACKS.index(attack))) as world:
                told = await attacked(world.prepare(attack), world)
                leaked = tuple(f"told {text}" for text in attack.hidden if text in told)
                return (*world.not_allowed(attack), *leaked)

    found = await asyncio.gather(*map(harm_of, attacks))
    return {attack.name: did for attack, did in zip(attacks, found, strict=True)}


def test_most_attacks_do_harm_where_nobody_guards_the_tools(
    harm: dict[str, tuple[str, ...]],
) -> None:
    harmful = [name for name, did in harm.items() if did]
    assert len(harmful) >= AT_LEAST, harm

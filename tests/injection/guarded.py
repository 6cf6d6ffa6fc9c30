"""One attack on the whole bot: a caller speaks, and the real pipeline does what it may."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import uvicorn

from bargein.floor import Floor
from bargein.pipelines.load import Config, load
from bargein.pipelines.serve import application
from bargein.pipelines.shared import open_shared
from bargein.processors.guarded_llm import GuardedLLM
from bargein.processors.sandbox.opening import open_sandbox
from bargein.processors.sandbox.protections import Protections
from bargein.processors.tool_runs import SandboxedTools
from bargein.tools.tool import Tool
from bargein.transports.local.room import LocalRoom
from tests.injection.attacks import Attack
from tests.injection.llm import ObedientLLM
from tests.injection.world_rig import World
from tests.room.caller import Caller
from tests.room.speech import spoken

SOUND = spoken("hello there")
"""What it sounds like when the user speaks; the recogniser has its words from the attack."""
PATIENCE_S = 90.0
_FOUND: list[Protections] = []
SETTLES_S = 0.6
"""So long nothing may be under way: between a result and the reply to it is a moment of quiet."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is left of an attack."""

    attack: Attack
    did: tuple[str, ...]
    """Beyond what the policy allows."""
    missing: tuple[str, ...]
    """What the policy allows, and did not happen."""
    refused: frozenset[str]
    """The codes with which calls were refused or have failed."""
    leaked: tuple[str, ...]
    """Of what is hidden, what the LLM or the audit knows."""


async def attacked(attack: Attack, world: World) -> Aftermath:
    """Call the bot of this world and say what the attack says."""
    config = write_config(attack, world)
    async with served(config) as url, Caller(url) as caller:
        for text in attack.says:
            caller.say(SOUND, after_s=0.2)
            await _until_quiet(caller, world, words=text, asks=text != attack.says[-1])
    return aftermath(attack, world)


def aftermath(attack: Attack, world: World) -> Aftermath:
    """Look at what is left, once the caller has hung up."""
    llm = ObedientLLM.of(world.home)
    messages = json.dumps(llm.context.get_messages(), default=str) if llm else ""
    audit = (world.home / "audit.jsonl").read_text()
    lines = [json.loads(line) for line in audit.splitlines()]
    told = re.findall(r'"code\W+([a-z_]+)', messages)
    return Aftermath(
        attack,
        did=world.not_allowed(attack),
        missing=world.missing(attack),
        refused=frozenset({*told, *(line["code"] for line in lines if line.get("code"))}),
        leaked=tuple(text for text in attack.hidden if text in messages or text in audit),
    )


def write_config(attack: Attack, world: World) -> Path:
    """Write the config of a bot that hears what the attack says."""
    path = world.home / "bot.yaml"
    text = path.read_text().replace("@STOCK_PORT@", str(world.stock_port))
    said = json.dumps(attack.says).replace("${", "$${")
    path.write_text(text.replace("hears: []", f"hears: {said}"))
    return path


@asynccontextmanager
async def served(path: Path) -> AsyncIterator[str]:
    """Serve a config; gives the address."""
    config = load(path, environ=os.environ)
    room = config.transport.build()
    assert isinstance(room, LocalRoom)
    with open_shared(config) as opened:
        runs = SandboxedTools(_spoken_of(config, path), protections=await _protections())
        shared = replace(opened, runs=runs)
        app = application(config, room, shared=shared).app
        server = uvicorn.Server(
            uvicorn.Config(app, port=0, log_level="warning", ws="websockets-sansio")
        )
        running = asyncio.create_task(server.serve())
        async with asyncio.timeout(PATIENCE_S):
            while not server.started:  # noqa: ASYNC110  (uvicorn offers no event)
                await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"ws://127.0.0.1:{port}/ws"
        finally:
            server.should_exit = True
            await asyncio.wait_for(running, PATIENCE_S)


def _spoken_of(config: Config, path: Path) -> list[Tool]:
    """Give the tools that this attack speaks of; workers for the rest cost time."""
    said = (
        path.read_text().partition("hears:")[2] + (path.parent / "public/answer.json").read_text()
    )
    return [tool for tool in config.tools if tool.name in said]


async def _protections() -> Protections:
    """Find them once."""
    if not _FOUND:
        sandbox = await open_sandbox()
        await sandbox.close()
        _FOUND.append(sandbox.protections)
    return _FOUND[0]


async def _until_quiet(caller: Caller, world: World, *, words: str, asks: bool) -> None:
    """Wait until all is done, or until a question waits for its answer where one `asks`."""
    replies = ObedientLLM.replies_of(world.home)

    def is_quiet() -> bool:
        llm = ObedientLLM.of(world.home)
        has_replied = llm is not None and (llm.replies > replies or not words)
        if (
            llm is None
            or not has_replied
            or llm.is_at_work
            or caller.floors()[-1:] != [str(Floor.IDLE)]
        ):
            return False
        flight = cast(GuardedLLM, llm)._calls.flight
        is_asking: Any = any(call.is_asking for call in flight.open.values())
        return not flight.busy or (asks and bool(is_asking))

    since_s = 0.0

    def has_settled() -> bool:
        nonlocal since_s
        now_s = asyncio.get_running_loop().time()
        since_s = (since_s or now_s) if is_quiet() else 0.0
        return since_s > 0 and now_s - since_s >= SETTLES_S

    await caller.until(has_settled, within_s=PATIENCE_S)

"""Runs the escapes as whoever runs this, and prints what got through: an empty object.

python -m tests.sandbox.as_user
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import tempfile
from pathlib import Path

from loguru import logger

from bargein.processors.sandbox.bait import greeting
from bargein.processors.sandbox.ground import Ground, grounds
from bargein.processors.sandbox.opening import found
from bargein.processors.sandbox.outcome import Failed
from bargein.processors.sandbox.protections import Hold, Protections
from bargein.processors.sandbox.sandbox import Sandbox
from bargein.tools.keywords import Json
from bargein.tools.tool import Permissions, PythonHandler
from tests.sandbox.calls import HOSTILE, PATIENT, Calls, no_process_has

KEY = "BARGEIN_TEST_KEY"
NEEDS_BUBBLEWRAP = frozenset({Hold.HOSTS, Hold.FOLDER_SIZE})


async def main() -> None:
    """Try each way that there is on this machine."""
    logger.remove()
    os.environ[KEY] = secrets.token_hex(8)
    through: dict[str, Json] = {}
    for ground in (each for each in grounds() if each.bubblewrap or each.uses_landlock):
        protections = await found(ground)
        unexpected = {row.hold.value for row in protections.missing}
        if ground.bubblewrap is None:
            unexpected -= {hold.value for hold in NEEDS_BUBBLEWRAP}
        sandbox = Sandbox(protections, most_spares=0)
        with tempfile.TemporaryDirectory() as folder:
            got = await _escapes(Calls(sandbox, Path(folder)))
        if ground.bubblewrap:
            got |= await _unreached(ground)
        if unexpected or got:
            through[str(ground)] = {"open": sorted(unexpected), "got": got}
    print(json.dumps(through))


async def _unreached(ground: Ground) -> dict[str, Json]:
    """Give permitted places that nobody answers for: a port that root alone may listen at."""
    sandbox = Sandbox(Protections(ground, ()), most_spares=0)
    permitted = Permissions(network=("10.1.2.3:80", "shop.bargein.test:443"))
    places: list[Json] = [["10.1.2.3", 80], ["shop.bargein.test", 443]]
    handler = PythonHandler(str(HOSTILE / "reaching.py"), "opened")
    outcome = await sandbox.run(handler, {"addresses": places}, PATIENT, permitted)
    await sandbox.close()
    if isinstance(outcome, Failed) or outcome.value != list(permitted.network):
        return {"permitted places": str(outcome)}
    return {}


async def _escapes(calls: Calls) -> dict[str, Json]:
    """Give what each hostile handler got, without those that got nothing."""
    outside = calls.folder / "outside"
    outside.mkdir()
    handler = Path(calls.handler("reaching.read").source)
    async with greeting("127.0.0.1") as port:
        attempts: dict[str, dict[str, Json]] = {
            "reaching.environment": {},
            "reaching.variables_of_others": {"bot": os.getpid()},
            "reaching.memory_of_others": {"bot": os.getpid()},
            "reaching.read": {"path": str(handler.parent / ".env")},
            "reaching.write": {"folder": str(outside)},
            "reaching.connected": {"addresses": [["127.0.0.1", port]]},
            "reaching.odd_sockets": {},
            "reaching.inherited": {},
            "reaching.ended_others": {"bot": os.getpid()},
            "reaching.other_program": {},
            "reaching.became_root": {},
            "greedy.forks": {},
            "greedy.fills_devices": {},
            "greedy.allocates_outside_of_limits": {},
        }
        got: dict[str, Json] = {}
        for name, arguments in attempts.items():
            outcome = await calls.outcome(name, arguments)
            result = str(outcome) if isinstance(outcome, Failed) else outcome.value
            if result:
                got[name] = result
    await calls.sandbox.close()
    if not await no_process_has(os.environ[KEY]):
        got["left"] = "a process with the key"
    return got


if __name__ == "__main__":
    asyncio.run(main())

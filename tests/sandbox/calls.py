"""Calls of the hostile handlers, and what they leave behind."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bargein.processors.sandbox.ground import Ground
from bargein.processors.sandbox.outcome import Failed, Returned
from bargein.processors.sandbox.sandbox import Sandbox
from bargein.processors.sandbox.setup import Limits
from bargein.tools.keywords import Json
from bargein.tools.tool import Permissions, PythonHandler

HOSTILE = Path(__file__).parent / "hostile"
PATIENT = Limits(timeout_ms=20_000)
NOTHING = Permissions()
LOOKS, BETWEEN_LOOKS_S = 100, 0.03


@dataclass(frozen=True)
class Calls:
    """Calls handlers by `file.function`; each file is copied away, beside it lies a key."""

    sandbox: Sandbox
    folder: Path

    @property
    def ground(self) -> Ground:
        """How workers are started."""
        return self.sandbox.protections.ground

    def handler(self, name: str) -> PythonHandler:
        """Give the handler of this name, in a bot's folder."""
        file, function = name.split(".")
        bot = self.folder / "bot"
        bot.mkdir(exist_ok=True)
        (bot / ".env").write_text("KEY=of the bot")
        copied = bot / f"{file}.py"
        shutil.copyfile(HOSTILE / copied.name, copied)
        return PythonHandler(str(copied), function)

    async def outcome(
        self,
        name: str,
        arguments: Mapping[str, Json] | None = None,
        *,
        limits: Limits = PATIENT,
        permissions: Permissions = NOTHING,
    ) -> Returned | Failed:
        """Call it."""
        return await self.sandbox.run(self.handler(name), arguments or {}, limits, permissions)

    async def returned(
        self,
        name: str,
        arguments: Mapping[str, Json] | None = None,
        *,
        limits: Limits = PATIENT,
        permissions: Permissions = NOTHING,
    ) -> Json:
        """Call it, and give what it returned."""
        outcome = await self.outcome(name, arguments, limits=limits, permissions=permissions)
        assert isinstance(outcome, Returned), outcome
        return outcome.value


async def no_process_has(word: str, looks: int = LOOKS) -> bool:
    """Wait until no process has this word in its command line or its variables."""
    for _ in range(looks):
        if not _with(word):
            return True
        await asyncio.sleep(BETWEEN_LOOKS_S)
    return False


def _with(word: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        if int(path.name) == os.getpid():
            continue
        for name in ("cmdline", "environ"):
            try:
                if word.encode() in (path / name).read_bytes():
                    found.append(int(path.name))
            except OSError:
                continue
    return found

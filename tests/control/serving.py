"""`bargein serve` as a process, operators and clients: for tests that kill it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bargein.packet import Kind, Packet
from bargein.pipelines.control.sqlite_store import SqliteStore
from bargein.protocol import WINDOW_SAMPLES

BOUND_S = 60.0
API_KEY = "operator-key-of-a-test-0123456789abcdef"
TOKEN_KEY = "dGhpcyBpcyBhIGtleSBvZiBhIHRlc3QsIG5vdCBhIHJlYWwgb25lIQ=="
SILENCE = Packet(Kind.MICROPHONE, 0, 0, 0, bytes(2 * WINDOW_SAMPLES)).pack()
BOT = """
name: test
transport: {use: local}
endpointing: {smart_turn: false}
greeting: GREETING
pipeline:
  - use: interruption
  - use: silero_vad
  - use: tests.room.parts:GivenStt
    hears: []
  - use: tests.room.parts:GivenLlm
    answers: []
  - use: espeak_tts
  - use: played_audio
""".replace("GREETING", "I could go on like this for a very long time, and I do. " * 20)


async def until(holds: Callable[[], Awaitable[Any]], *, within_s: float = BOUND_S) -> Any:
    """Ask again and again, in bounded time, and give what came."""
    async with asyncio.timeout(within_s):
        while not (found := await holds()):  # noqa: ASYNC110  (of another process)
            await asyncio.sleep(0.1)
    return found


class Control:
    """A control process, and an operator who asks it."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process, self.log = process, log

    @property
    def url(self) -> str:
        """Where the API is, once it has said so."""
        found = re.search(r"The API is at (\S+);", self.log.read_text())
        return found[1] if found else ""

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask as an operator."""
        headers = {"authorization": f"Bearer {API_KEY}"}
        # Certificates, which it needs not, take longer to load than most answers.
        async with httpx.AsyncClient(base_url=self.url, headers=headers, verify=False) as client:
            return await client.request(method, path, json=body)

    async def room(self, **asked: Any) -> dict[str, Any]:
        """Make a room."""
        answer = await self.ask("POST", "/rooms", asked)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def state(self, made: dict[str, Any]) -> str:
        """Where a session stands."""
        return str((await self.ask("GET", f"/sessions/{made['session']}")).json()["state"])

    async def workers(self) -> list[str]:
        """Name the workers that take sessions."""
        text = (await self.ask("GET", "/metrics")).text
        return re.findall(r'bargein_worker_draining\{worker="(\S+)"\} 0\.0', text)

    async def worker_pid(self, made: dict[str, Any]) -> int:
        """Which process runs a session."""
        url = made["connect"]["url"].rpartition("/")[0].rpartition("/")[0]
        store = SqliteStore(self.log.parent / "store.db")
        pids = [each.pid for each in await store.workers() if each.url == url]
        await store.close()
        return pids[0]

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it, and wait for its end."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), BOUND_S)


@asynccontextmanager
async def control(folder: Path, *options: str, workers: int) -> AsyncIterator[Control]:
    """Run `bargein serve` until the end of the block; what it says is a log in the folder."""
    (folder / "cafe.yaml").write_text(BOT)
    log = next(each for n in range(9) if not (each := folder / f"log-{n}").exists())
    keys = {"BARGEIN_API_KEYS": API_KEY, "BARGEIN_TOKEN_KEYS": f"k:{TOKEN_KEY}"}
    command = [sys.executable, "-m", "bargein", "serve", str(folder / "cafe.yaml")]
    command += ["--port", "0", "--store", str(folder / "store.db"), "--workers", str(workers)]
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *command,
            *options,
            stdout=said,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **keys},
        )
    serving = Control(process, log)
    try:

        async def ready() -> bool:
            assert process.returncode is None, log.read_text()
            return bool(serving.url) and len(await serving.workers()) == workers

        await until(ready)
        yield serving
    finally:
        await serving.end()


class Talker:
    """A client that says hello and listens; use as `async with Talker(made) as talker`."""

    def __init__(self, made: dict[str, Any], *, url: str = "") -> None:
        self.url, self.token = url or made["connect"]["url"], made["token"]
        self.messages: list[dict[str, Any]] = []
        self.audio_bytes = 0
        self.is_over = False
        self._answered = asyncio.Event()

    async def __aenter__(self) -> Talker:
        self.socket: ClientConnection = await connect(self.url)
        told = {"vad": True, "microphone_rate_hz": 16_000, "exact_playout": True}
        hello = {"type": "bargein/hello", "token": self.token, "capabilities": told}
        await self.socket.send(json.dumps(hello))
        await self.socket.send(SILENCE)
        self._reading = asyncio.create_task(self._read())
        async with asyncio.timeout(BOUND_S):
            await self._answered.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self.socket.close()

    @property
    def is_welcome(self) -> bool:
        """Whether it was let in."""
        return any(each["type"] == "bargein/welcome" for each in self.messages)

    def codes(self) -> list[str]:
        """The errors that it was told."""
        return [each["code"] for each in self.messages if each["type"] == "bargein/error"]

    async def hears_more(self) -> None:
        """Wait until the bot has said more than by now."""
        heard_bytes = self.audio_bytes

        async def more() -> bool:
            return self.audio_bytes > heard_bytes + 20_000

        await until(more)

    async def over(self) -> None:
        """Wait for the end."""

        async def ended() -> bool:
            return self.is_over

        await until(ended)

    async def _read(self) -> None:
        try:
            async for data in self.socket:
                if isinstance(data, bytes):
                    self.audio_bytes += len(data)
                else:
                    self.messages.append(json.loads(data))
                if self.is_welcome or self.codes():
                    self._answered.set()
        except ConnectionClosed:
            pass
        self.is_over = True
        self._answered.set()


def is_alive(pid: int) -> bool:
    """Whether a process runs, and is no zombie."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False

"""Lets a bot speak to a real Chromium through a network that loses and delays, and prints a table.

    python -m bench.lossy --loss 0 0.05 --jitter-ms 30 --seconds 60      (as root)

Every IP packet between both is subject to the loss, TCP's and UDP's alike; a network namespace
and two TUN devices make it (`bench/lossy/link.py`). The bot is a voice with the server's pacing
and no more. The page is the one that ships; its tape says what came out of the loudspeaker.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import uvicorn
from loguru import logger
from numpy.typing import NDArray
from playwright.async_api import async_playwright

from bargein.transports.local.conversations import Conversations
from bargein.transports.local.room import LocalRoom
from bargein.transports.local.seats import Seats
from bargein.transports.local.server import LocalServer
from bargein.transports.webrtc.room import WebrtcRoom
from bargein.transports.webrtc.routes import WebrtcRoutes
from bench.lossy.link import NAMESPACE, NEAR
from bench.lossy.talk import RATE_HZ, UTTERANCE, Talk
from tests.browser.conftest import ALLOWED, LAUNCH
from tests.browser.recording import Recording
from tests.browser.talk import TAPE, Tape
from tests.room.speech import RATE_HZ as SPOKEN_HZ
from tests.room.speech import spoken
from tests.room.test_barge_in import LONG

SETTLE_S = 1.0
PATIENCE_S = 30.0
STEP_SAMPLES = 240
"""What sounded is held against what was sent in pieces of 10 ms."""
SAME = 2e-4
COLLECT = """() => {
  globalThis.underruns = [];
  bargein.client.addEventListener('underrun', ({detail}) => underruns.push(detail));
}"""


@dataclass(frozen=True)
class Result:
    """What became of one utterance."""

    transport: str
    loss: float
    right_s: float
    """So much sounded as it was sent, each sample at its own position."""
    wrong_s: float
    """So much sounded otherwise: concealed, or silent."""
    misplaced: int
    """Pieces that are what was sent, but of another position than the client counts."""
    stalls: int
    stalled_s: float
    """The voice stood still so often, and so long in all."""
    longest_stall_ms: float
    lost_ms: float
    """So much never came, or too late; part of what sounded otherwise."""
    late_end_ms: float
    """From the end of the voice, as if it had begun when its first packet was sent, to the word
    that it was played."""
    uplink_late_ms: tuple[float, float, float]
    """Of the microphone, beyond its quickest piece: median, 99th percentile, worst."""
    uplink_lost: float
    """So much of the microphone is silence that stands for a loss."""


def voice(seconds: float) -> NDArray[np.int16]:
    """Speech without a silent sample, at the bot's rate."""
    text = spoken(LONG).astype(np.float32)
    pcm = np.asarray(soxr.resample(text, SPOKEN_HZ, RATE_HZ)).round().astype(np.int16)
    pcm = np.tile(pcm, int(seconds * RATE_HZ / len(pcm)) + 1)[: int(seconds * RATE_HZ)]
    rng = np.random.default_rng(1)
    return np.where(pcm == 0, rng.choice([-3, -2, 2, 3], len(pcm)), pcm).astype(np.int16)


def read_tape(tape: Tape, sent: NDArray[np.int16]) -> tuple[float, float, int]:
    """Seconds that are right, seconds that are not, and pieces that belong elsewhere."""
    full = sent.astype(np.float32) / np.float32(32_768)
    marks = [mark for mark in tape.marks if mark.get("utterance") == UTTERANCE]
    begins = [mark for mark in marks if mark["mark"] == "stretch"]
    right = wrong = misplaced = 0
    for index, mark in enumerate(begins):
        at, start = mark["frame"] - tape.start_frame, mark["startSample"]
        until = begins[index + 1]["startSample"] if index + 1 < len(begins) else len(full)
        for first in range(start, until, STEP_SAMPLES):
            count = min(STEP_SAMPLES, until - first)
            heard = tape.samples[at + first - start : at + first - start + count]
            wanted = full[first : first + len(heard)]
            if len(heard) and np.abs(heard - wanted).max() < SAME:
                right += len(heard)
            else:
                wrong += count
                misplaced += _elsewhere(heard, full, first)
    return right / RATE_HZ, wrong / RATE_HZ, misplaced


def _elsewhere(heard: NDArray[np.float32], full: NDArray[np.float32], first: int) -> bool:
    """Whether a piece is found near its place, but not at it."""
    if len(heard) < STEP_SAMPLES or np.abs(heard).max() < 0.01:
        return False
    near = full[max(0, first - RATE_HZ) : first + RATE_HZ]
    windows = np.lib.stride_tricks.sliding_window_view(near, STEP_SAMPLES)
    return bool((np.abs(windows - heard).max(axis=1) < SAME).any())


@asynccontextmanager
async def network(loss: float, delay_ms: float, jitter_ms: float) -> AsyncIterator[None]:
    """Both hosts, and the program between them."""
    import sys

    order = [sys.executable, "-m", "bench.lossy.link", "--loss", str(loss)]
    order += ["--delay-ms", str(delay_ms), "--jitter-ms", str(jitter_ms)]
    process = await asyncio.create_subprocess_exec(
        *order, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    if (await process.stdout.readline()).strip() != b"up":
        raise SystemExit("the network can't be made: it needs root, /dev/net/tun and iproute2")
    try:
        yield
    finally:
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[int]:
    """The room's server, with the talk for a bot; gives its port."""
    room, seats = WebrtcRoom(host=NEAR, port=0), Seats(1)
    assert isinstance(room, LocalRoom)
    talks = Conversations(room, seats, talk.serve)
    local = LocalServer(room, seats, talks, also=WebrtcRoutes(room, seats, talks))
    server = uvicorn.Server(
        uvicorn.Config(local.app, host=NEAR, port=0, log_level="error", ws="websockets-sansio")
    )
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  (uvicorn offers no event)
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def listen(transport: str, loss: float, talk: Talk, folder: Path) -> Result:
    """Let a page hear it all, and read its tape."""
    browser_in_namespace = folder / "chromium"
    browser_in_namespace.write_text(f'#!/bin/sh\nexec ip netns exec {NAMESPACE} chromium "$@"\n')
    browser_in_namespace.chmod(0o755)
    rng = np.random.default_rng(2)
    hiss = Recording(rng.uniform(-1e-3, 1e-3, 16_000).astype(np.float32), 16_000)
    async with serving(talk) as port, async_playwright() as playwright:
        address = f"http://{NEAR}:{port}"
        hears = f"--use-file-for-fake-audio-capture={hiss.write(folder / 'hiss.wav')}"
        secure = f"--unsafely-treat-insecure-origin-as-secure={address}"
        browser = await playwright.chromium.launch(
            executable_path=str(browser_in_namespace), args=[*LAUNCH, *ALLOWED, hears, secure]
        )
        page = await browser.new_page()
        await page.goto(f"{address}/?test=1&transport={transport}")
        await page.evaluate(COLLECT)
        await page.get_by_role("button", name="Start").click()
        async with asyncio.timeout(PATIENCE_S + 3 * len(talk.voice) / RATE_HZ):
            await talk.over.wait()
        await asyncio.sleep(SETTLE_S)
        tape = Tape.of(await page.evaluate(TAPE.replace("client.tape", "bargein.client.tape")))
        underruns: list[dict[str, Any]] = await page.evaluate("underruns")
        talk.leave.set()
        await browser.close()
    return result(transport, loss, talk, tape, underruns)


def result(
    transport: str, loss: float, talk: Talk, tape: Tape, underruns: list[dict[str, Any]]
) -> Result:
    """Make the figures."""
    right_s, wrong_s, misplaced = read_tape(tape, talk.voice)
    stalls = [each["samples"] / RATE_HZ for each in underruns if each["samples"] > 0]
    late = talk.uplink_late_ms
    silent = [lost for _, _, lost in talk.heard]
    return Result(
        transport=transport,
        loss=loss,
        right_s=right_s,
        wrong_s=wrong_s,
        misplaced=misplaced,
        stalls=len(stalls),
        stalled_s=sum(stalls),
        longest_stall_ms=1000 * max(stalls, default=0),
        lost_ms=sum(each["lost"] for each in underruns) * 1000 / RATE_HZ,
        late_end_ms=talk.finished_ms - talk.begun_ms - len(talk.voice) * 1000 / RATE_HZ,
        uplink_late_ms=(float(np.median(late)), float(np.percentile(late, 99)), float(late.max())),
        uplink_lost=sum(silent) / len(silent),
    )


def row(each: Result) -> str:
    """One line of the table."""
    p50, p99, worst = each.uplink_late_ms
    return (
        f"{each.transport:10} {each.loss:5.0%} | {each.right_s:7.2f} {each.wrong_s:6.2f} "
        f"{each.misplaced:5} | {each.stalls:4} {each.stalled_s:6.2f} {each.longest_stall_ms:6.0f} "
        f"{each.lost_ms:6.0f} {each.late_end_ms:7.0f} | {p50:5.0f} {p99:5.0f} {worst:6.0f} "
        f"{each.uplink_lost:6.2%}"
    )


HEADER = (
    "transport   loss | right s  other  misp | stalls  s   longest  lost ms end ms | "
    "uplink late ms p50 p99 max, lost"
)


async def main() -> None:
    """Run all the cases, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loss", type=float, nargs="+", default=[0.0, 0.05])
    parser.add_argument("--delay-ms", type=float, default=20.0)
    parser.add_argument("--jitter-ms", type=float, default=30.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--transports", nargs="+", default=["websocket", "webrtc"])
    given = parser.parse_args()
    logger.remove()
    print(HEADER, flush=True)
    for loss in given.loss:
        for transport in given.transports:
            with tempfile.TemporaryDirectory() as folder:
                async with network(loss, given.delay_ms, given.jitter_ms):
                    talk = Talk(voice(given.seconds))
                    print(row(await listen(transport, loss, talk, Path(folder))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())

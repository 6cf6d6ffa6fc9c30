"""A Chromium whose microphone hears a recording, and a scripted peer for its client."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from playwright.async_api import async_playwright
from playwright.sync_api import Page as SyncPage
from playwright.sync_api import Route, sync_playwright

from bargein.processors.espeak import Speech, Voice, engine
from bargein.protocol import Error, Welcome

from .peer import BOT_RATE_HZ, CLIENT, CONTENT_TYPES, EMPTY_PAGE, PATIENCE_S, POLICY, RIG, serving
from .recording import Recording
from .talk import Talk

Converse: TypeAlias = Callable[..., AbstractAsyncContextManager[Talk]]
SILENCE = Recording(np.zeros(1600, np.float32), rate_hz=16_000)
WELCOME = Welcome(session="s1", epoch=1, sample_rate_hz=BOT_RATE_HZ, bot="peer")
LAUNCH = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream"),
)
ALLOWED = ("--use-fake-ui-for-media-stream",)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where the Chromium to test with lies."""
    installed = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if installed is not None:
        return installed
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if not Path(own).exists():
        pytest.skip("no Chromium here: install one with apt, or with `playwright install`")
    return own


@pytest.fixture(scope="session")
def speech() -> Recording:
    """One short word, without a pause in it: one onset, one offset."""
    return spoken("Wait!")


@pytest.fixture(scope="session")
def sentences() -> Recording:
    """Speech with pauses."""
    return spoken("Wait a moment, please. I would like to change my order, if you do not mind.")


def spoken(text: str) -> Recording:
    """Let espeak-ng say it."""
    pytest.importorskip("espeakng_loader", reason="the embedded voice is not installed")
    pcm = bytearray()

    def keep(chunk: Speech) -> bool:
        pcm.extend(chunk.pcm)
        return True

    engine().speak(text, Voice(), keep).result(PATIENCE_S)
    samples = np.frombuffer(bytes(pcm), "<i2").astype(np.float32) / np.float32(32_768)
    return Recording(samples, engine().sample_rate_hz)


@pytest.fixture
def converse(chromium_path: str, tmp_path: Path) -> Converse:
    """Opens a page whose microphone hears a recording, and a peer for it."""

    @asynccontextmanager
    async def conversing(
        microphone: Recording = SILENCE,
        *,
        welcome: Welcome | Error = WELCOME,
        flags: Sequence[str] = ALLOWED,
        policy: str = POLICY,
    ) -> AsyncIterator[Talk]:
        wav = microphone.write(tmp_path / "microphone.wav")
        hears = f"--use-file-for-fake-audio-capture={wav}%noloop"
        wrong: list[str] = []
        async with serving(welcome, policy=policy) as peer, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium_path, args=[*LAUNCH, *flags, hears]
            )
            page = await browser.new_page()
            page.on("pageerror", lambda error: wrong.append(str(error)))
            await page.goto(peer.url)
            yield Talk(page, peer)
            await browser.close()
        assert wrong == []

    return conversing


ORIGIN = "http://127.0.0.1:9"
"""Nobody listens there: every request is answered by `serve_engine`."""


def serve_engine(route: Route) -> None:
    """Answer with the engine's files, and with an empty page at `/`."""
    path = route.request.url.removeprefix(ORIGIN)
    if path == "/":
        route.fulfill(body=EMPTY_PAGE, content_type="text/html")
        return
    file = RIG if path == f"/{RIG.name}" else CLIENT / path[1:]
    route.fulfill(body=file.read_bytes(), content_type=CONTENT_TYPES[file.suffix])


@pytest.fixture(scope="module")
def engine_page(chromium_path: str) -> Iterator[SyncPage]:
    """A page without audio in which engines run."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        page = browser.new_page()
        page.route("**/*", serve_engine)
        page.goto(f"{ORIGIN}/")
        yield page
        browser.close()

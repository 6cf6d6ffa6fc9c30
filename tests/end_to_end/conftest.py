"""A real Chromium with a recording for a microphone, in front of the real bot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Page, async_playwright

from tests.browser.conftest import ALLOWED, LAUNCH, chromium_path
from tests.browser.recording import Recording
from tests.room.conftest import open_room

__all__ = ["chromium_path", "open_room"]

MICROPHONE_RATE_HZ = 16_000
Visit = Callable[[str, NDArray[np.int16]], Awaitable[Page]]


@pytest.fixture
async def visit(chromium_path: str, tmp_path: Path) -> AsyncIterator[Visit]:
    """Open the room's page with this as the microphone, press Start, and give the page."""
    async with async_playwright() as playwright:

        async def open_page(websocket_url: str, microphone: NDArray[np.int16]) -> Page:
            samples = microphone.astype(np.float32) / np.float32(32768)
            recording = Recording(samples, MICROPHONE_RATE_HZ)
            wav = recording.write(tmp_path / "microphone.wav")
            browser = await playwright.chromium.launch(
                executable_path=chromium_path,
                args=[*LAUNCH, *ALLOWED, f"--use-file-for-fake-audio-capture={wav}%noloop"],
            )
            page = await browser.new_page()
            address = websocket_url.replace("ws://", "http://").removesuffix("/ws")
            await page.goto(f"{address}/?test=1")
            await page.get_by_role("button", name="Start").click()
            return page

        yield open_page

"""Pipecat's prebuilt page in a real browser, with the embedded voice, before the real bot."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bargein import configs

pytest.importorskip("aiortc", reason="the extra `rtvi` is not installed")
pytest.importorskip("pipecat_ai_prebuilt", reason="the extra `rtvi` is not installed")

from numpy.typing import NDArray
from playwright.async_api import Page, async_playwright

from tests.browser.conftest import ALLOWED, LAUNCH
from tests.room.conftest import Open
from tests.room.parts import WatchedLlm
from tests.room.speech import RATE_HZ, blip, spoken
from tests.room.test_barge_in import LONG

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EARS = Path(__file__).with_name("ears.js")
CAFE = Path(next(iter(configs.__path__))) / "cafe.yaml"
CONFIG = f"""
transport: {{rtvi: true}}
greeting: {LONG!r}
pipeline:
  - use: interruption
    trust_words: false
  - use: silero_vad
    min_silence_duration_ms: 400
  - {{use: pocketsphinx_stt, script: {CAFE}}}
  - {{use: tests.room.parts:WatchedLlm, script: {CAFE}}}
  - use: espeak_tts
  - use: played_audio
"""
PATIENCE_MS = 30_000
CLICK_DECIDED_MS = 1_000
"""By then a sound too short for a word is judged, whatever the verdict."""
PAUSE_MS = 400
"""Longer than the pauses between the bot's words, shorter than that before its answer."""
SILENT_WITHIN_MS = 1_000
"""The server's verdict, the way there and back, and a busy machine."""
QUESTION = "When do you open?"
UNDERSTOOD = "when do you open"
ANSWER = "We are open from seven"


async def say(page: Page, samples: NDArray[np.int16]) -> float:
    """Speak into the page's microphone; gives the time, on the page's clock."""
    order = "([samples, rate]) => { ears.say(samples, rate); return ears.nowMs(); }"
    return float(await page.evaluate(order, [samples.tolist(), RATE_HZ]))


async def until(page: Page, condition: str) -> None:
    """Wait for JavaScript to hold."""
    await page.wait_for_function(f"() => {condition}", timeout=PATIENCE_MS)


async def loud_after(page: Page, whose: str, since_ms: float) -> list[float]:
    """When something was loud from then on."""
    found: list[float] = await page.evaluate("whose => ears.loudMs(whose)", whose)
    return [ms for ms in found if ms > since_ms]


async def until_shown(page: Page, text: str) -> None:
    """Wait until the page shows a text."""
    await page.wait_for_function(
        "text => document.body.innerText.includes(text)", arg=text, timeout=PATIENCE_MS
    )


def held() -> list[tuple[str, str]]:
    """Role and text of what the LLM's context holds."""
    given: list[Any] = WatchedLlm.contexts[-1].messages
    return [(str(each["role"]), str(each["content"])) for each in given]


async def test_the_prebuilt_page_is_greeted_interrupts_is_understood_and_answered(
    open_room: Open, chromium_path: str
) -> None:
    WatchedLlm.contexts.clear()
    room = await open_room(CONFIG)
    address = room.url.replace("ws://", "http://").removesuffix("/ws")
    asked: list[str] = []
    wrong: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path, args=[*LAUNCH, *ALLOWED]
        )
        page = await browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        await page.add_init_script(path=EARS)
        await page.goto(f"{address}/prebuilt/")
        await page.get_by_role("button", name="Connect").click()
        await until(page, "ears.botSpeaks(100)")

        clicked_ms = await say(page, blip(length_ms=60))
        await until(page, f"ears.nowMs() > {clicked_ms + CLICK_DECIDED_MS}")
        await until(page, "ears.botSpeaks(100)")

        said_ms = await say(page, spoken(QUESTION))
        await until_shown(page, UNDERSTOOD)
        await until_shown(page, ANSWER)
        onset_ms = (await loud_after(page, "microphone", said_ms))[0]
        bot_ms = await loud_after(page, "bot", onset_ms)
        await browser.close()
    silent_ms = next((a for a, b in pairwise(bot_ms) if b - a > PAUSE_MS), bot_ms[-1])
    assert silent_ms - onset_ms < SILENT_WITHIN_MS
    assert held()[0][0] == "assistant"
    assert LONG.startswith(held()[0][1])
    assert ("user", UNDERSTOOD) in held()
    assert wrong == []
    assert all(url.startswith(address) for url in asked), "the page asked somebody else"

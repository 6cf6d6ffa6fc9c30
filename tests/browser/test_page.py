"""The page and the real client together: what sounds is what the page marks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from bargein.protocol import Accepted, SpokenWord, Truncate, Welcome, Words

from .recording import Recording
from .talk import Talk

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CLIENT = Path(__file__).parents[2] / "transports" / "client"
TYPES = {".css": "text/css", ".svg": "image/svg+xml"}
WORD_SAMPLES = 12_000
SPEECH_AT_S = 1.5
WELCOME = Welcome(session="s1", epoch=1, sample_rate_hz=24_000, bot="Cafe", examples=("a tea",))


async def looks(route: Route) -> None:
    """Serve what only makes the page look well."""
    file = CLIENT / route.request.url.split("/", 3)[3]
    await route.fulfill(path=file, content_type=TYPES[file.suffix])


async def started(talk: Talk) -> Page:
    """Open the page as it ships, and press the button."""
    await talk.page.route("**/*.{css,svg}", looks)
    await talk.page.goto(f"{talk.peer.url}index.html")
    await talk.page.get_by_role("button", name="Start").click()
    await expect(talk.page.get_by_role("button", name="Stop")).to_be_visible()
    return talk.page


async def test_the_words_that_sounded_before_the_user_spoke_are_the_ones_marked_as_heard(
    converse: Callable[..., AbstractAsyncContextManager[Talk]], speech: Recording
) -> None:
    names = ("one", "two", "three", "four", "five", "six", "seven", "eight")
    words = tuple(
        SpokenWord(
            text=name, start_sample=index * WORD_SAMPLES, end_sample=(index + 1) * WORD_SAMPLES
        )
        for index, name in enumerate(names)
    )
    async with converse(speech.after(SPEECH_AT_S), welcome=WELCOME) as talk:
        page = await started(talk)
        await talk.peer.say(Words(epoch=1, utterance=1, words=words))
        await talk.peer.play(1, 0, len(words) * WORD_SAMPLES, last=True)
        truncate = await talk.peer.next(Truncate)
        cut = truncate.played_samples
        await talk.peer.say(Accepted(epoch=2, utterance=1, cut_samples=cut))
        await expect(page.locator(".cut")).to_have_text("interrupted")
        heard = await page.locator(".turn .word.heard").all_text_contents()
        await expect(page.locator(".outcome")).to_have_text("The floor is yours")
        await expect(page.locator(".figures")).to_contain_text("0 quanta")
    middles = [(word.start_sample + word.end_sample) / 2 for word in words]
    assert len(heard) == sum(middle < cut for middle in middles)

"""The page shows how long an answer took, and what took it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .script import emit, start

pytestmark = pytest.mark.browser

SLOW = {
    "final_transcript": 320,
    "endpoint": 210.5,
    "first_token": 380,
    "first_clause": 90,
    "first_tts_audio": 160,
    "first_audio_sent": 2.25,
    "playout_began": 48,
    "first_audio_heard": 30,
}
READY = {**SLOW, "first_token": 0, "first_clause": 0, "first_tts_audio": 0}


def answer(page: Page, added_ms: dict[str, float], **rest: Any) -> None:
    """Let the client tell of an answer."""
    stages = [{"stage": stage, "ms": ms} for stage, ms in added_ms.items()]
    told = {"turn": 1, "speculated": False, "savedMs": 0, "predictions": 0, "confirmed": 0, **rest}
    emit(page, "latency", totalMs=sum(added_ms.values()), stages=stages, **told)


def test_the_parts_of_the_bar_are_as_long_as_what_they_stand_for(page: Page) -> None:
    start(page)
    answer(page, SLOW)
    expect(page.locator(".response")).to_have_text(
        "1241 ms from your last sound to the bot’s first"
    )
    widths = page.locator(".stages span").evaluate_all(
        "parts => parts.map(part => part.getBoundingClientRect().width)"
    )
    assert len(widths) == len(SLOW)
    assert widths[0] / widths[2] == pytest.approx(320 / 380, rel=0.02)
    figures = page.locator(".stage-figures dd").all_inner_texts()
    assert figures == ["320 ms", "211 ms", "380 ms", "90 ms", "160 ms", "2.3 ms", "48 ms", "30 ms"]


def test_the_last_of_several_answers_is_drawn_to_the_scale_of_the_slowest(page: Page) -> None:
    start(page)
    answer(page, SLOW)
    answer(page, READY, speculated=True, savedMs=610.0, predictions=4, confirmed=3)
    share = page.evaluate(
        """() => {
          const bar = document.querySelector('.stages');
          const parts = [...bar.children].map(part => part.getBoundingClientRect().width);
          return parts.reduce((a, b) => a + b) / bar.getBoundingClientRect().width;
        }"""
    )
    assert share == pytest.approx(sum(READY.values()) / sum(SLOW.values()), abs=0.02)
    expect(page.locator("#answers-count")).to_have_text("half of 2 within 611 ms")
    expect(page.locator(".prepared")).to_have_text(
        "Prepared while you spoke 610 ms saved. 3 of 4 replies prepared in time were right."
    )
    ready = page.locator('[data-ready="true"]')
    expect(ready.locator("dt")).to_have_text(["LLM", "First clause", "Voice"])
    expect(ready.locator("dd")).to_have_text(["no wait"] * 3)


def test_a_stage_that_the_page_does_not_know_stands_as_it_came(page: Page) -> None:
    start(page)
    answer(page, {"endpoint": 300, "second_thought": 100})
    expect(page.locator(".stage-figures dt")).to_have_text(["End of turn", "second thought"])


def test_another_session_begins_without_answers(page: Page) -> None:
    start(page)
    answer(page, SLOW)
    emit(page, "welcome", bot="Cafe", session="s2", examples=[], threshold=0.65)
    expect(page.locator(".response")).to_have_count(0)
    expect(page.locator("#last-answer")).to_contain_text("Ask something.")


def test_the_client_reads_the_servers_message(page: Page) -> None:
    told = page.evaluate(
        """async () => (await import('/events.js')).eventsOf('latency', {
          turn: 3, total_ms: 240.5, stages: [{stage: 'endpoint', added_ms: 240.5}],
          speculated: true, saved_ms: 900, predictions: 4, confirmed: 3,
        }, 0)"""
    )
    detail = {
        "turn": 3,
        "totalMs": 240.5,
        "stages": [{"stage": "endpoint", "ms": 240.5}],
        "speculated": True,
        "savedMs": 900,
        "predictions": 4,
        "confirmed": 3,
    }
    assert told == [["latency", detail]]

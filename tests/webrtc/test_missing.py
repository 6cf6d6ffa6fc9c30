"""What the page asks for again: only what is missing, once, and never what was flushed."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import Page

from bargein.packet import Kind, Packet
from tests.browser.conftest import chromium_path, engine_page

__all__ = ["chromium_path", "engine_page"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHUNK = 480
ASK = """async (packets) => {
    const {Missing} = await import('/missing.js');
    const missing = new Missing();
    return packets.map((text) => {
      const question = missing.take(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
      return question && btoa(String.fromCharCode(...new Uint8Array(question)));
    });
}"""
Came = tuple[int, int, int]
"""Epoch, utterance, and number of a packet."""


def asked(page: Page, came: list[Came]) -> list[tuple[int, int, int, int]]:
    """The questions as epoch, utterance, first packet, and how many packets."""
    packets = [Packet(Kind.BOT, e, u, n * CHUNK, bytes(2 * CHUNK)).pack() for e, u, n in came]
    answers = page.evaluate(ASK, [base64.b64encode(each).decode() for each in packets])
    questions = [Packet.unpack(base64.b64decode(each)) for each in answers if each]
    assert all(each.kind is Kind.MISSING for each in questions)
    return [
        (
            each.epoch,
            each.utterance,
            each.start_sample // CHUNK,
            int.from_bytes(each.pcm, "little") // CHUNK,
        )
        for each in questions
    ]


@pytest.mark.parametrize(
    ("came", "questions"),
    [
        ([(1, 1, 0), (1, 1, 1), (1, 1, 2)], []),
        ([(1, 1, 0), (1, 1, 2), (1, 1, 3)], [(1, 1, 1, 1)]),
        ([(1, 1, 0), (1, 1, 4)], [(1, 1, 1, 3)]),
        ([(1, 1, 0), (1, 1, 2), (1, 1, 1), (1, 1, 3)], [(1, 1, 1, 1)]),  # overtaken
        ([(1, 1, 0), (1, 2, 1)], [(1, 2, 0, 1)]),  # the next utterance's first is missing
        ([(1, 1, 0), (2, 1, 7), (2, 1, 8)], []),  # a verdict: it goes on anywhere
        ([(1, 1, 0), (2, 2, 1)], [(2, 2, 0, 1)]),  # the first of the answer to an interruption
        ([(2, 1, 0), (1, 1, 5), (2, 1, 1)], []),  # flushed
        ([(1, 2, 0), (1, 1, 9), (1, 2, 1)], []),  # of an utterance before
    ],
)
def test_what_is_missing_is_asked_for(
    engine_page: Page, came: list[Came], questions: list[tuple[int, int, int, int]]
) -> None:
    assert asked(engine_page, came) == questions

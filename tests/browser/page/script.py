"""What a scripted client tells the page, and what the page then shows."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

WORD_SAMPLES = 1000


def emit(page: Page, name: str, **detail: Any) -> None:
    """Let the client say something."""
    page.evaluate("([name, detail]) => scripted.emit(name, detail)", [name, detail])


def start(page: Page, **welcome: Any) -> None:
    """Press the button, and let the client connect."""
    page.get_by_role("button", name="Start").click()
    page.evaluate("welcome => scripted.open(welcome)", welcome)


def say(page: Page, text: str, utterance: int = 1, first: int = 0) -> None:
    """Let the bot announce words, each of 1,000 samples."""
    words = [
        {
            "text": word,
            "start": index * WORD_SAMPLES,
            "end": (index + 1) * WORD_SAMPLES,
            "estimate": False,
        }
        for index, word in enumerate(text.split(), start=first)
    ]
    emit(page, "words", utterance=utterance, first=first, words=words)


def play(page: Page, played: int, utterance: int = 1, *, finished: bool = False) -> None:
    """Let playout come to a sample."""
    emit(page, "playout", utterance=utterance, played=played, finished=finished)


def barge_in(page: Page, phase: str, at: int, utterance: int = 1, **rest: Any) -> None:
    """Let the client tell of the one barge-in of the test."""
    detail = {"id": 1, "quanta": 0, "probability": 0.9, "ms": {"onsetToMute": 58}, **rest}
    emit(page, "bargein", phase=phase, at=at, utterance=utterance, **detail)


def marks(page: Page) -> list[tuple[str, str]]:
    """Each word of the bot, and how it is marked."""
    found: list[list[str]] = page.locator(".turn .word").evaluate_all(
        "words => words.map(word => [word.textContent, word.className.replace('word ', '')])"
    )
    return [(text, state) for text, state in found]


def states(page: Page) -> list[str]:
    return [state for _, state in marks(page)]


def texts(page: Page) -> list[str]:
    return page.locator(".turn .text").all_text_contents()

"""The page in a real Chromium, with a scripted client in place of the one that makes sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

CLIENT = Path(__file__).parents[3] / "transports" / "client"
SCRIPTED = Path(__file__).with_name("scripted_client.js")
ORIGIN = "http://127.0.0.1:9"
"""Nobody listens there: every request is answered by `serve`."""
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"


def serve(route: Route) -> None:
    """Answer with the page's files under a strict policy, and with the script for the client."""
    name = route.request.url.removeprefix(ORIGIN).split("?")[0].lstrip("/") or "index.html"
    file = SCRIPTED if name == "client.js" else CLIENT / name
    if not file.is_file():
        route.fulfill(status=404)
        return
    headers = {"Content-Security-Policy": POLICY}
    route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix], headers=headers)


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """The Chromium of all tests here; each test has a context of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    yield from shown(browser, width=1280)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    yield from shown(browser, width=360)


def shown(browser: Browser, width: int) -> Iterator[Page]:
    """The page, loaded; whatever it logs as an error fails the test."""
    context = browser.new_context(viewport={"width": width, "height": 740})
    context.set_default_timeout(5000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    page.route("**/*", serve)
    page.goto(f"{ORIGIN}/")
    yield page
    context.close()
    assert wrong == []

"""The page in a real Chromium, with a scripted client in place of the one that makes sound."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

pytestmark = pytest.mark.browser

CLIENT = Path(__file__).parents[2] / "transports" / "client"
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
WORD_SAMPLES = 1000


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
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with sync_playwright() as playwright:
        if path is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("no Chromium here: install one with apt, or with `playwright install`")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    yield from shown(chromium, width=1280)


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    yield from shown(chromium, width=360)


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


# --- what was heard --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("played", "expected"),
    [
        (0, ["ahead", "ahead", "ahead"]),
        (1, ["now", "ahead", "ahead"]),
        (999, ["now", "ahead", "ahead"]),
        (1000, ["heard", "now", "ahead"]),
        (1999, ["heard", "now", "ahead"]),
        (2500, ["heard", "heard", "now"]),
        (3000, ["heard", "heard", "heard"]),
    ],
)
def test_words_are_marked_as_playout_passes_them(
    page: Page, played: int, expected: list[str]
) -> None:
    start(page)
    say(page, "one two three")
    play(page, played)
    assert states(page) == expected


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        (0, ["unheard", "unheard", "unheard"]),
        (499, ["unheard", "unheard", "unheard"]),
        (500, ["heard", "unheard", "unheard"]),
        (1499, ["heard", "unheard", "unheard"]),
        (1500, ["heard", "heard", "unheard"]),
    ],
)
def test_a_cut_word_counts_as_heard_from_its_middle_on(
    page: Page, cut: int, expected: list[str]
) -> None:
    start(page)
    say(page, "one two three")
    play(page, cut)
    barge_in(page, "contested", cut)
    barge_in(page, "accepted", cut, cutSamples=cut)
    assert states(page) == expected


def test_an_interrupted_utterance_says_so_and_reads_its_unheard_words_as_not_heard(
    page: Page,
) -> None:
    start(page)
    say(page, "one two three")
    play(page, 1600)
    barge_in(page, "accepted", 1600, cutSamples=1600, heardText="one two", unheardText="three")
    assert texts(page) == ["one two interrupted not heard: three"]
    assert page.locator(".turn del").text_content() == "not heard: three"
    assert "line-through" in page.locator(".turn .unheard").evaluate(
        "word => getComputedStyle(word).textDecoration"
    )


def test_words_that_come_late_or_again_stand_in_their_place(page: Page) -> None:
    start(page)
    say(page, "three", first=2)
    say(page, "one too")
    say(page, "two", first=1)
    assert texts(page) == ["one two three"]


def test_playout_does_not_bring_a_cut_utterance_back(page: Page) -> None:
    start(page)
    say(page, "one two three")
    play(page, 1000)
    barge_in(page, "accepted", 1000, cutSamples=1000)
    play(page, 3000, finished=True)
    assert states(page) == ["heard", "unheard", "unheard"]


def test_an_accepted_barge_in_cuts_what_was_to_follow_too(page: Page) -> None:
    start(page)
    say(page, "one")
    say(page, "two", utterance=2)
    play(page, 600)
    barge_in(page, "accepted", 600, cutSamples=600)
    assert marks(page) == [("one", "heard"), ("two", "unheard")]


def test_a_rejected_barge_in_leaves_a_note_and_drops_the_half_words(page: Page) -> None:
    start(page)
    say(page, "one two three")
    play(page, 1600)
    barge_in(page, "contested", 1600)
    emit(page, "transcript", text="uh", final=False)
    assert page.locator(".turn.held").count() == 1
    barge_in(page, "rejected", 1600, reason="no_speech")
    barge_in(page, "rejected", 1600, reason="no_speech")
    play(page, 2600)
    assert states(page) == ["heard", "heard", "now"]
    assert texts(page) == ["one two three"]
    assert page.locator(".note").all_inner_texts() == ["after “two”: A cough? Went on."]
    assert page.locator(".turn.held").count() == 0


def test_partial_words_become_a_turn_before_the_reply_that_was_not_begun(page: Page) -> None:
    start(page)
    emit(page, "transcript", text="a flat", final=False)
    assert page.locator(".user .partial").inner_text() == "a flat"
    say(page, "Sure.")
    emit(page, "transcript", text="A flat white.", final=True)
    assert texts(page) == ["A flat white.", "Sure."]
    assert page.locator(".user .partial").count() == 0


def test_what_is_said_is_text_and_never_markup(page: Page) -> None:
    start(page, examples=["<img src=x>"], bot="<i>Bot</i>")
    say(page, "<b>bold</b>")
    emit(page, "transcript", text="<script>alert(1)</script>", final=True)
    assert texts(page) == ["<script>alert(1)</script>", "<b>bold</b>"]
    assert page.locator("main b, main img, main script, header i").count() == 0


def test_a_new_session_begins_with_an_empty_page_and_the_same_one_goes_on(page: Page) -> None:
    start(page)
    say(page, "one two")
    play(page, 1000)
    page.get_by_role("button", name="Stop").click()
    assert states(page) == ["heard", "unheard"]
    start(page)
    play(page, 1100)
    assert states(page) == ["heard", "now"]
    page.get_by_role("button", name="Stop").click()
    start(page, session="another")
    assert texts(page) == []


# --- the stage -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "sentence", "button"),
    [
        ("no_permission", "may not use the microphone", "Try again"),
        ("no_device", "no microphone", "Try again"),
        ("device_busy", "Another program", "Try again"),
        ("insecure_page", "secure pages", None),
        ("no_worklet", "sound engine", None),
        ("server_gone", "server is gone", "Reconnect"),
        ("room_full", "Somebody else", "Try again"),
        ("version_mismatch", "different versions", "Try again"),
        ("new_code", "What the server said.", "Try again"),
    ],
)
def test_each_trouble_is_a_sentence_with_its_way_out(
    page: Page, code: str, sentence: str, button: str | None
) -> None:
    page.get_by_role("button", name="Start").click()
    error = {"code": code, "message": "What the server said.", "wayOut": "Do it.", "final": True}
    page.evaluate("error => scripted.fail(error)", error)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(sentence)
    expect(alert.locator("p")).to_have_count(2)
    assert alert.get_by_role("button").all_inner_texts() == ([button] if button else [])


def test_the_button_of_a_trouble_tries_again_and_the_trouble_goes(page: Page) -> None:
    start(page)
    gone = {"code": "server_gone", "message": "", "wayOut": "", "final": True}
    page.evaluate("error => scripted.move('closed', {error})", gone)
    page.get_by_role("button", name="Reconnect").click()
    assert page.evaluate("scripted.state") == "connecting"
    expect(page.get_by_role("alert")).to_be_empty()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()


@pytest.mark.parametrize(
    ("floor", "words"),
    [
        ("idle", "Your turn"),
        ("listening", "Listening"),
        ("processing", "Thinking"),
        ("speaking", "Speaking"),
        ("contested", "Paused"),
    ],
)
def test_the_floor_is_shown_in_words_and_as_a_shape_of_its_own(
    page: Page, floor: str, words: str
) -> None:
    start(page)
    emit(page, "floor", state=floor)
    expect(page.locator("#floor-words")).to_have_text(words)
    shapes = page.locator(".floor-shape g").evaluate_all(
        "all => all.filter(g => getComputedStyle(g).display !== 'none').map(g => g.dataset.for)"
    )
    assert shapes == [floor]


def test_the_last_barge_in_shows_its_figures_and_the_earlier_ones_a_list(page: Page) -> None:
    start(page)
    ms = {"onsetToMute": 58.2, "toContested": 4.25, "toVerdict": 312.4}
    barge_in(page, "rejected", 10, reason="echo", ms=ms)
    barge_in(page, "accepted", 20, id=2, heardText="one", unheardText="two", ms=ms)
    values = page.locator(".figures strong").all_inner_texts()
    assert values == ["58 ms", "0 quanta", "4.3 ms", "312 ms"]
    expect(page.locator(".outcome")).to_have_text("The floor is yours")
    expect(page.locator(".quotes")).to_contain_text("two")
    expect(page.locator("#interruptions-count")).to_have_text("1 taken, 1 went on")
    page.get_by_text("Earlier ones").click()
    expect(page.locator("#history li")).to_contain_text("the bot’s own echo")


def test_settings_reach_the_client_and_are_remembered(page: Page) -> None:
    page.get_by_label("Automatic").uncheck()
    page.get_by_role("slider").fill("0.8")
    page.get_by_text("More settings").click()
    page.get_by_label("duck it").check()
    asked = dict(page.evaluate("scripted.asked"))
    assert asked == {"setThreshold": 0.8, "setOverlap": "duck"}
    page.reload()
    options = page.evaluate("scripted.options")
    assert (options["threshold"], options["overlap"]) == (0.8, "duck")


def test_automatic_follows_the_server(page: Page) -> None:
    start(page, threshold=0.7)
    expect(page.locator("#threshold-words")).to_have_text("70 %")
    emit(page, "vadsettings", threshold=0.55, noiseFloorDb=-52.4)
    expect(page.locator("#threshold-words")).to_have_text("55 %")
    expect(page.get_by_role("slider")).to_be_disabled()


# --- for everybody ---------------------------------------------------------------------


def test_the_keyboard_does_everything(page: Page) -> None:
    page.locator("#main-button").focus()
    page.keyboard.press("Space")
    page.evaluate("scripted.open()")
    page.keyboard.press("m")
    expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("scripted.asked.at(-1)") == ["setMicrophoneMuted", True]
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.locator("#main-button").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("scripted.state") == "closed"


def test_tab_reaches_every_control_that_is_shown(page: Page) -> None:
    start(page)
    page.locator("body").focus()
    reached = []
    for _ in range(10):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    wanted = {"help-open", "main-button", "mute", "conversation", "automatic", "SUMMARY"}
    assert wanted <= set(reached)


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_scrolls_sideways(chromium: Browser, width: int) -> None:
    for page in shown(chromium, width):
        start(page, bot="A bot with a rather long name for such a page", examples=["x" * 90])
        say(page, "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen " * 3)
        barge_in(page, "rejected", 10, reason="a_reason_that_nobody_knows_yet_" * 3)
        page.get_by_text("More settings").click()
        inner, scroll = page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
        assert scroll <= inner


def test_every_control_has_a_name_and_the_live_regions_are_there(phone: Page) -> None:
    start(phone)
    phone.get_by_text("More settings").click()
    snapshot = phone.locator("body").aria_snapshot()
    for role in ("button", "slider", "checkbox", "radio", "meter", "img"):
        lines = [line for line in snapshot.splitlines() if line.lstrip(" -'").startswith(role)]
        assert lines, role
        assert all('"' in line for line in lines), lines
    for region in ("banner", "main", "alert", "status", "log"):
        assert phone.get_by_role(region).count() >= 1, region
    assert phone.locator("main h1").count() == 1


def test_a_screen_reader_hears_finished_turns_and_not_each_word(page: Page) -> None:
    start(page)
    emit(page, "transcript", text="hel", final=False)
    emit(page, "transcript", text="Hello.", final=True)
    say(page, "one two")
    play(page, 700)
    play(page, 1200)
    play(page, 2000, finished=True)
    said = page.get_by_role("log").locator("p").all_inner_texts()
    assert said == ["Connected. You can talk.", "You: Hello.", "Bot: one two"]


def test_little_motion_is_respected(chromium: Browser) -> None:
    for page in shown(chromium, 1280):
        page.emulate_media(reduced_motion="reduce")
        start(page)
        emit(page, "levels", microphoneDb=-20, botDb=-20, probability=0.9, speech=True)
        assert (
            page.locator("#main-button").evaluate(
                "button => getComputedStyle(button).transitionDuration"
            )
            == "0s"
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(
    chromium: Browser, scheme: Literal["light", "dark"]
) -> None:
    for page in shown(chromium, 1280):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        start(page)
        say(page, "one two three four")
        emit(page, "transcript", text="half", final=False)
        play(page, 1200)
        barge_in(page, "rejected", 1200, reason="echo")
        assert pale(page) == []
        barge_in(page, "accepted", 1300, id=2, heardText="one", unheardText="two")
        gone = {"code": "server_gone", "message": "", "wayOut": "", "final": True}
        page.evaluate("error => scripted.move('closed', {error})", gone)
        page.evaluate("scripted.emit('warning', {code: 'x', message: 'Something small.'})")
        assert pale(page) == []


def pale(page: Page) -> list[str]:
    """Texts with less than the 4.5 : 1 that WCAG AA asks for."""
    found: list[str] = page.evaluate(
        """() => {
          const numbers = css => css.match(/[\\d.]+/g).map(Number);
          const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
          const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
          const ground = node => {
            for (; node; node = node.parentElement) {
              const colour = numbers(getComputedStyle(node).backgroundColor);
              if (colour.length === 3 || colour[3] === 1) return colour;
            }
            return [255, 255, 255];
          };
          const own = node => [...node.childNodes].some(n => n.nodeType === 3 && n.data.trim());
          return [...document.querySelectorAll('body *')]
            .filter(node => own(node) && node.getClientRects().length && !node.closest('.unseen'))
            .map(node => {
              const pair = [numbers(getComputedStyle(node).color), ground(node)].map(light).sort();
              return [(Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05), node.textContent];
            })
            .filter(([ratio]) => ratio < 4.5)
            .map(([ratio, text]) => `${ratio.toFixed(2)} ${text}`);
        }"""
    )
    return found

"""The page's button, troubles, floor, figures and settings."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .script import barge_in, emit, start

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("code", "sentence", "button"),
    [
        ("no_permission", "may not use the microphone", "Try again"),
        ("no_device", "no microphone", "Try again"),
        ("device_busy", "Another program", "Try again"),
        ("insecure_page", "secure pages", None),
        ("no_worklet", "sound engine", None),
        ("server_gone", "server cannot be reached", "Reconnect"),
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


def test_a_conversation_that_breaks_off_blames_nobody(page: Page) -> None:
    start(page)
    gone = {"code": "server_gone", "message": "", "wayOut": "", "final": False}
    page.evaluate("error => scripted.move('closed', {error})", gone)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The connection was lost.")
    expect(alert.get_by_role("button", name="Reconnect")).to_be_visible()


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        ("bot_failed", "See the server’s log and mend it there."),
        ("budget", "Come back later."),
    ],
)
def test_what_a_visitor_can_not_mend_is_told_with_its_reason(
    page: Page, code: str, way_out: str
) -> None:
    page.get_by_role("button", name="Start").click()
    page.evaluate(
        """async message => {
          const {serverError} = await import('/client_error.js');
          scripted.fail(serverError(message).detail);
        }""",
        {"code": code, "message": "There is no voice.", "final": True},
    )
    expect(page.get_by_role("alert").locator("p")).to_have_text(["There is no voice.", way_out])


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
    page.get_by_label("first hint").uncheck()
    asked = dict(page.evaluate("scripted.asked"))
    assert asked == {"setThreshold": 0.8, "setOverlap": "duck", "setDuckOnHint": False}
    page.reload()
    options = page.evaluate("scripted.options")
    assert (options["threshold"], options["overlap"]) == (0.8, "duck")
    assert not options["duckOnHint"]


def test_automatic_follows_the_server(page: Page) -> None:
    start(page, threshold=0.7)
    expect(page.locator("#threshold-words")).to_have_text("70 %")
    emit(page, "vadsettings", threshold=0.55, noiseFloorDb=-52.4, gateDb=-41.6, why="voices")
    expect(page.locator("#threshold-words")).to_have_text("55 %")
    expect(page.get_by_role("slider")).to_be_disabled()
    expect(page.locator("#why")).to_contain_text("louder than they are")
    page.get_by_text("More settings").click()
    expect(page.locator("#noise-floor")).to_have_text("−52 dBFS")
    expect(page.locator("#level-gate")).to_have_text("−42 dBFS")
    page.get_by_label("Automatic").uncheck()
    expect(page.locator("#why")).to_contain_text("You have chosen")
    expect(page.locator("#level-gate")).to_have_text("none")

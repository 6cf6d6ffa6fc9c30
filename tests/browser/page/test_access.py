"""The page by keyboard, on a phone, by ear, and with little motion or contrast."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from .script import barge_in, emit, play, say, start

pytestmark = pytest.mark.browser


def test_the_keyboard_does_everything(page: Page) -> None:
    page.locator("#main-button").focus()
    page.keyboard.press("Space")
    page.evaluate("scripted.open()")
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="Unmute microphone")).to_be_visible()
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


@pytest.mark.parametrize("width", [320, 360, 844, 1280])
def test_nothing_scrolls_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    start(page, bot="A bot with a rather long name for such a page", examples=["x" * 90])
    emit(page, "rtt", ms=1234.5, offsetMs=0)
    say(page, "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen " * 3)
    barge_in(page, "rejected", 10, reason="a_reason_that_nobody_knows_yet_" * 3)
    page.get_by_text("More settings").click()
    inner, scroll = page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
    assert scroll <= inner


@pytest.mark.parametrize("width", [320, 360, 844, 1280])
def test_a_long_conversation_does_not_make_the_page_longer_than_what_it_shows(
    page: Page, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    start(page)
    for utterance in range(1, 13):
        emit(page, "transcript", text="Another question, please.", final=True)
        say(page, "An answer of some words.", utterance=utterance)
        play(page, 2000, utterance=utterance)
        barge_in(page, "accepted", 2000, utterance=utterance, id=utterance, cutSamples=2000)
    document, main = page.evaluate(
        "[document.documentElement.scrollHeight,"
        " document.querySelector('main').getBoundingClientRect().bottom + scrollY]"
    )
    assert document <= max(740, main + 40)


def test_the_name_stands_on_one_line_of_a_narrow_phone(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    start(page)
    emit(page, "rtt", ms=1234.5, offsetMs=0)
    lines = page.locator(".mark span").evaluate("name => name.getClientRects().length")
    assert lines == 1
    height = page.locator(".mark span").evaluate("name => name.offsetHeight")
    assert height < 40


@pytest.mark.parametrize(("width", "height"), [(667, 375), (844, 390), (932, 430)])
def test_a_phone_held_sideways_shows_the_conversation_beside_the_stage(
    page: Page, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    start(page)
    talk_long(page)
    boxes = [page.locator(part).bounding_box() for part in (".stage", "#conversation")]
    stage, talk = (box for box in boxes if box)
    assert stage["x"] + stage["width"] <= talk["x"]
    assert max(box["y"] + box["height"] for box in (stage, talk)) <= height
    assert talk["height"] >= 200
    expect(page.get_by_role("button", name="Stop")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Mute microphone")).to_be_in_viewport(ratio=1)


def below(page: Page) -> int:
    """How far the end of the conversation is below what is shown of it, in px."""
    found: int = page.locator("#conversation").evaluate(
        "scroll => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight"
    )
    return found


def talk_long(page: Page) -> None:
    for turn in range(30):
        emit(page, "transcript", text=f"Number {turn} of many words in a row.", final=True)
        say(page, "An answer of some words.", utterance=turn + 1)
        play(page, 5000, utterance=turn + 1, finished=True)


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1000, 600)])
def test_the_newest_words_stay_in_sight_when_the_window_changes(
    page: Page, width: int, height: int
) -> None:
    start(page)
    talk_long(page)
    for size in ((width, height), (height, width), (width, height)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.wait_for_function(
            "([width]) => innerWidth === width && new Promise(done =>"
            " requestAnimationFrame(() => requestAnimationFrame(() => done(true))))",
            arg=list(size),
        )
        assert below(page) <= 1
    say(page, "And one more, of many more words. " * 5, utterance=99)
    assert below(page) <= 1


def test_a_reader_who_went_back_stays_there(page: Page) -> None:
    start(page)
    talk_long(page)
    page.locator("#conversation").hover()
    page.mouse.wheel(0, -600)
    page.wait_for_function(
        "() => { const s = document.getElementById('conversation');"
        " return s.scrollHeight - s.scrollTop - s.clientHeight > 500; }"
    )
    say(page, "And one more.", utterance=99)
    assert below(page) > 500


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


def test_little_motion_is_respected(page: Page) -> None:
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
def test_text_stands_out_from_its_ground(page: Page, scheme: Literal["light", "dark"]) -> None:
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

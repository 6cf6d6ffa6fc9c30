"""What the page shows as heard, as being said, and as never heard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .script import barge_in, emit, marks, play, say, start, states, texts

pytestmark = pytest.mark.browser


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
        (500, ["unheard", "unheard", "unheard"]),
        (501, ["heard", "unheard", "unheard"]),
        (1500, ["heard", "unheard", "unheard"]),
        (1501, ["heard", "heard", "unheard"]),
    ],
)
def test_a_cut_word_counts_as_heard_when_more_than_half_of_it_was_played(
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


@pytest.mark.parametrize("floor", ["idle", "processing", "speaking"])
def test_a_partial_that_gets_no_final_goes_with_the_floor_and_the_next_words_stand_at_the_end(
    page: Page, floor: str
) -> None:
    start(page)
    emit(page, "floor", state="listening")
    emit(page, "transcript", text="on the", final=False)
    emit(page, "floor", state=floor)
    assert texts(page) == []
    emit(page, "floor", state="speaking")
    say(page, "Good day.")
    play(page, 2000, finished=True)
    emit(page, "floor", state="listening")
    emit(page, "transcript", text="what", final=False)
    emit(page, "transcript", text="What's on the menu?", final=True)
    emit(page, "floor", state="processing")
    assert texts(page) == ["Good day.", "What's on the menu?"]


def test_a_final_without_words_drops_the_partial_and_keeps_what_was_said_before(
    page: Page,
) -> None:
    start(page)
    emit(page, "floor", state="listening")
    emit(page, "transcript", text="A tea.", final=True)
    emit(page, "transcript", text="uh", final=False)
    emit(page, "transcript", text="", final=True)
    assert texts(page) == ["A tea."]
    assert page.locator(".user .partial").count() == 0


def test_words_of_a_rejected_barge_in_are_no_turn_and_are_not_announced(page: Page) -> None:
    start(page)
    emit(page, "floor", state="speaking")
    say(page, "one two three")
    play(page, 1600)
    emit(page, "floor", state="contested")
    emit(page, "transcript", text="Mhm.", final=True)
    assert texts(page) == ["one two three", "Mhm."]
    emit(page, "floor", state="speaking")
    barge_in(page, "rejected", 1600, reason="backchannel")
    assert texts(page) == ["one two three"]
    assert page.get_by_role("log").locator("p", has_text="You:").count() == 0


def test_words_of_an_accepted_barge_in_are_a_turn(page: Page) -> None:
    start(page)
    emit(page, "floor", state="speaking")
    say(page, "one two three")
    play(page, 1600)
    emit(page, "floor", state="contested")
    emit(page, "transcript", text="No, wait.", final=True)
    emit(page, "floor", state="listening")
    barge_in(page, "accepted", 1600, cutSamples=1600)
    emit(page, "floor", state="processing")
    assert texts(page)[1:] == ["No, wait."]
    expect(page.get_by_role("log")).to_contain_text("You: No, wait.")


def test_what_is_said_is_text_and_never_markup(page: Page) -> None:
    start(page, examples=["<img src=x>"], bot="<i>Bot</i>")
    say(page, "<b>bold</b>")
    emit(page, "transcript", text="<script>alert(1)</script>", final=True)
    assert texts(page) == ["<script>alert(1)</script>", "<b>bold</b>"]
    assert page.locator("main b, main img, main script, header i").count() == 0


def test_a_new_session_begins_below_a_divider_and_the_same_one_goes_on(page: Page) -> None:
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
    expect(page.locator(".divider")).to_have_text("A new conversation")
    expect(page.get_by_role("log")).to_contain_text("A new conversation.")
    say(page, "three")
    play(page, 600)
    emit(page, "transcript", text="Hello.", final=True)
    assert texts(page) == ["one stopped not heard: two", "three", "Hello."]
    page.get_by_role("button", name="Stop").click()
    start(page, session="another")
    assert marks(page) == [("one", "heard"), ("two", "unheard"), ("three", "now")]
    assert page.locator(".divider").count() == 1


def test_two_sessions_in_which_nothing_was_said_need_one_divider(page: Page) -> None:
    start(page)
    say(page, "one")
    for session in ("second", "third"):
        page.get_by_role("button", name="Stop").click()
        start(page, session=session)
    assert page.locator(".turns li").all_inner_texts()[1:] == ["A new conversation"]


def test_what_sounds_on_after_the_server_is_gone_still_counts_as_heard(page: Page) -> None:
    start(page)
    say(page, "one two three")
    play(page, 1000)
    gone = {"code": "server_gone", "message": "", "wayOut": "", "final": False}
    page.evaluate("error => scripted.move('closed', {error})", gone)
    play(page, 1700)
    assert states(page) == ["heard", "heard", "unheard"]
    start(page)
    assert states(page) == ["heard", "now", "ahead"]


def test_a_cut_among_interpolated_words_says_that_its_place_is_an_estimate(page: Page) -> None:
    start(page)
    words = [{"text": "one", "start": 0, "end": 1000, "estimate": True}]
    emit(page, "words", utterance=1, first=0, words=words)
    play(page, 600)
    barge_in(page, "accepted", 600, cutSamples=600)
    expect(page.locator(".cut")).to_have_text("interrupted about here")

"""A reply that may not be said yet: what comes of it is kept in order, or forgotten."""

from __future__ import annotations

from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InterruptionFrame,
    TextFrame,
    TTSAudioRawFrame,
)

from bargein.processors.held_reply import DROPPED, DROPPED_WITHIN_MS, HeldReply

SOUND = TTSAudioRawFrame(bytes(2), 24_000, 1)


def dropped() -> InterruptionFrame:
    """What ends a provisional reply."""
    frame = InterruptionFrame()
    frame.metadata[DROPPED] = True
    return frame


def given(held: HeldReply) -> list[Frame]:
    """All that may be said now."""
    frames = []
    while frame := held.next():
        frames.append(frame)
    return frames


def test_without_a_provisional_reply_everything_goes_on() -> None:
    held = HeldReply()
    assert not held.take(SOUND, 0)
    assert given(held) == []


def test_what_is_held_is_given_in_order_and_what_follows_goes_on_behind_it() -> None:
    held, first, second = HeldReply(), TextFrame("a"), TextFrame("b")
    held.hold()
    assert held.take(first, 0)
    assert held.take(SOUND, 7)
    assert given(held) == []
    held.let_go()
    # What comes before all was given waits behind it.
    assert held.take(second, 9)
    assert given(held) == [first, SOUND, second]
    assert not held.take(first, 10)
    assert held.first_audio_ms == 7


def test_what_is_dropped_is_forgotten_until_its_interruption_has_passed() -> None:
    held = HeldReply()
    held.hold()
    held.take(SOUND, 0)
    held.drop(0)
    # The next reply is on its way already.
    held.hold()
    assert held.take(SOUND, 10)
    assert held.interrupted(dropped())
    kept = TextFrame("of the next")
    assert held.take(kept, 20)
    held.let_go()
    assert given(held) == [kept]


def test_an_interruption_of_somebody_elses_ends_it_and_goes_on() -> None:
    held = HeldReply()
    held.hold()
    held.take(SOUND, 0)
    assert not held.interrupted(InterruptionFrame())
    held.let_go()
    assert given(held) == []
    assert not held.take(SOUND, 0)


def test_an_interruption_ends_what_was_let_go_and_not_said_yet() -> None:
    held = HeldReply()
    held.hold()
    held.take(SOUND, 0)
    held.let_go()
    assert not held.interrupted(InterruptionFrame())
    assert given(held) == []
    assert not held.take(SOUND, 0)


def test_an_interruption_that_was_on_its_way_before_leaves_the_reply_held() -> None:
    held, kept = HeldReply(), TextFrame("of the reply")
    held.hold()
    assert not held.interrupted(InterruptionFrame())
    assert held.take(kept, 0)
    assert given(held) == []
    held.let_go()
    assert given(held) == [kept]


def test_a_lost_interruption_does_not_silence_the_bot_for_good() -> None:
    held = HeldReply()
    held.hold()
    held.drop(0)
    assert held.take(SOUND, DROPPED_WITHIN_MS - 1)
    assert not held.take(SOUND, DROPPED_WITHIN_MS)


def test_an_interruption_that_was_slow_still_ends_all_that_came_before_it() -> None:
    held, kept = HeldReply(), TextFrame("of the next")
    held.hold()
    held.drop(0)
    held.hold()
    # The voice was long at its end, and said more of the dropped reply.
    assert held.take(SOUND, DROPPED_WITHIN_MS)
    assert held.interrupted(dropped())
    assert held.first_audio_ms is None
    assert held.take(kept, DROPPED_WITHIN_MS + 10)
    held.let_go()
    assert given(held) == [kept]


def test_what_must_not_be_lost_does_not_wait() -> None:
    held = HeldReply()
    held.hold()
    assert not held.take(EndFrame(), 0)
    held.drop(0)
    assert not held.take(EndFrame(), 0)

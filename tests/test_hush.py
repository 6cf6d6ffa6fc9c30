"""Where the sound ends: by its level, where the room is quiet enough."""

from __future__ import annotations

from bargein.hush import DROP_DB, Hush
from bargein.voice_activity import WINDOW_MS, Change, VoiceActivity, VoiceRules

SPEECH_DB = -26.0


def test_sound_far_below_the_speech_is_its_end() -> None:
    hush = Hush()
    assert not hush.window(SPEECH_DB, speech=True)
    # A soft consonant is not.
    assert not hush.window(SPEECH_DB - DROP_DB + 3, speech=True)
    assert hush.window(SPEECH_DB - DROP_DB - 1, speech=True)


def test_in_a_noisy_room_it_never_says_so() -> None:
    hush = Hush()
    hush.window(SPEECH_DB, speech=True)
    assert not any(hush.window(-45.0, speech=False) for _ in range(100))


def test_who_speaks_softly_after_a_shout_is_heard_again_soon() -> None:
    hush = Hush()
    hush.window(-5.0, speech=True)
    softly = [hush.window(-35.0, speech=True) for _ in range(40)]
    assert softly[0]
    assert not softly[-1]


def test_before_anybody_spoke_nothing_is_over() -> None:
    assert not any(Hush().window(level, speech=False) for level in (-100.0, -60.0, -20.0))


def test_a_score_that_hangs_on_in_silence_ends_the_speech_no_later() -> None:
    rules = VoiceRules(min_speech_duration_ms=64, pause_ms=128)
    voice = VoiceActivity(rules)
    assert [voice.window(0.9) for _ in range(3)] == [None, Change.STARTED, None]
    # The first two score as speech, and the third hangs between.
    hung = [voice.window(p, hushed=True) for p in (0.9, 0.9, 0.6, 0.1)]
    assert hung == [None, None, None, Change.STOPPED]
    assert voice.pause_so_far_ms == 4 * WINDOW_MS


def test_for_a_verdict_it_counts_as_what_it_scores() -> None:
    voice = VoiceActivity(VoiceRules(min_speech_duration_ms=64, pause_ms=200))
    for _ in range(3):
        voice.window(0.9)
    voice.window(0.9, hushed=True)
    assert (voice.speech_ms, voice.silence_ms) == (4 * WINDOW_MS, 0)
    # And a sound that is too short so far becomes speech as it would.
    short = VoiceActivity(VoiceRules(min_speech_duration_ms=64, pause_ms=200))
    assert [short.window(0.9), short.window(0.9, hushed=True)] == [None, Change.STARTED]

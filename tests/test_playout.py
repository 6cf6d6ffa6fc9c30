"""The bot's voice: every sample is heard once and in order, and the books agree with the listener.

The listener here is the client of the protocol at its simplest: it keeps what arrives in
order, trims what it has already, plays as time passes, and tells how far it has come.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bargein.playout import (
    ASSUME_OVER_AFTER_MS,
    ASSUME_PLAYED_AFTER_MS,
    KEPT_BEHIND_S,
    Chunk,
    Playout,
)

RATE_HZ = 8000
PER_MS = RATE_HZ // 1000
LEAD_MS = 200


def tone(samples: int) -> bytes:
    """Sound without a silent block."""
    return b"\x00\x40" * samples


def ramp(samples: int, start: int = 0) -> bytes:
    """Samples that tell their own number."""
    return (np.arange(start, start + samples) % 30_011).astype("<i2").tobytes()


def playout() -> Playout[str]:
    """A playout with nothing to say."""
    return Playout(rate_hz=RATE_HZ, lead_ms=LEAD_MS)


def sent(out: Playout[str], now_ms: float) -> list[Chunk]:
    """All that is due."""
    chunks = []
    while chunk := out.take(now_ms):
        chunks.append(chunk)
    return chunks


def speaking(*words: tuple[str, int], samples: int, all_sent: bool = True) -> Playout[str]:
    """A playout with one finished utterance of these words, sent whole."""
    out = playout()
    out.append(tone(samples))
    for text, start in words:
        out.add_word(text, start)
    out.finish()
    if all_sent:
        for ms in range(0, samples // PER_MS + 20, 20):
            sent(out, ms)
    return out


# --- pacing -------------------------------------------------------------------------------


def test_audio_runs_ahead_by_the_lead_and_no_further() -> None:
    out = playout()
    out.append(tone(RATE_HZ))
    first = sent(out, 0)
    assert sum(len(chunk.pcm) for chunk in first) // 2 == (LEAD_MS + 20) * PER_MS
    assert sent(out, 10) == []
    assert [len(chunk.pcm) // 2 for chunk in sent(out, 20)] == [20 * PER_MS]


def test_the_last_chunk_says_so_even_if_the_end_is_known_only_later() -> None:
    out = playout()
    out.append(tone(100))
    assert [chunk.last for chunk in sent(out, 0)] == [False]
    out.finish()
    assert sent(out, 1) == [Chunk(1, 100, b"", last=True)]


def test_the_end_is_told_even_if_all_was_played_before_it_was_known() -> None:
    out = playout()
    out.append(tone(100))
    sent(out, 0)
    out.acknowledge(1, 100)
    out.finish()
    out.acknowledge(1, 100)
    assert sent(out, 50) == [Chunk(1, 100, b"", last=True)]
    assert not out.pending


def test_nothing_is_sent_while_paused() -> None:
    out = playout()
    out.append(tone(RATE_HZ))
    out.pause()
    assert out.take(0) is None
    assert out.wait_ms(0) is None
    assert not out.assume_played(1e9)


def test_an_utterance_without_audio_is_over_at_once() -> None:
    out = playout()
    out.begin()
    out.hold("stopped")
    out.finish()
    assert out.take(0) is None
    assert list(out.released()) == ["stopped"]
    assert not out.pending


def test_an_utterance_without_audio_waits_for_the_one_before() -> None:
    out = speaking(samples=100)
    out.begin()
    out.finish()
    out.hold("end")
    assert list(out.released()) == []
    out.acknowledge(1, 100)
    assert list(out.released()) == ["end"]
    assert not out.pending


# --- a listener who says nothing ------------------------------------------------------------


def test_a_silent_listener_is_waited_for_within_a_bound() -> None:
    out = speaking(samples=100)
    out.hold("end")
    due_ms = 100 / PER_MS + ASSUME_PLAYED_AFTER_MS
    assert not out.assume_played(due_ms - 1)
    assert out.wait_ms(due_ms - 1) == pytest.approx(1)
    assert out.assume_played(due_ms)
    assert list(out.released()) == ["end"]


def test_a_listener_who_falters_is_waited_for_as_long_as_it_tells_of_progress() -> None:
    out = speaking(samples=100)
    due_ms = 100 / PER_MS + ASSUME_PLAYED_AFTER_MS
    for told in range(1, 8):
        out.acknowledge(1, told * 10)
        assert not out.assume_played(told * due_ms)
        assert out.wait_ms(told * due_ms) == ASSUME_PLAYED_AFTER_MS
    assert not out.assume_played(8 * due_ms - 100 / PER_MS - 1)
    assert out.assume_played(8 * due_ms)


def test_a_listener_who_never_gets_there_is_not_waited_for_for_ever() -> None:
    out = speaking(samples=100)
    late_ms = 100 / PER_MS + ASSUME_OVER_AFTER_MS
    for told in range(1, 11):
        out.acknowledge(1, told)
        assert out.assume_played(told * late_ms / 10) == (told == 10)


def test_an_utterance_whose_end_never_comes_is_over_within_a_bound() -> None:
    out = playout()
    out.append(tone(200))
    sent(out, 0)
    horizon_ms = 200 * 1000 / RATE_HZ
    out.acknowledge(1, 200)
    wait_ms = out.wait_ms(horizon_ms)
    assert wait_ms == ASSUME_OVER_AFTER_MS
    assert not out.assume_played(horizon_ms + wait_ms - 1)
    assert out.assume_played(horizon_ms + wait_ms)
    assert [each.last for each in sent(out, horizon_ms + wait_ms)] == [True]
    assert out.current == 0


def test_an_utterance_that_has_not_begun_is_waited_for() -> None:
    out = playout()
    out.begin()
    assert out.wait_ms(1_000_000) is None
    assert not out.assume_played(1_000_000)


def test_a_silent_listener_is_not_asked_in_a_loop_while_the_next_utterance_is_made() -> None:
    out = speaking(samples=100)
    out.begin()
    assert out.assume_played(1e6)
    assert out.wait_ms(1e6) is None
    assert out.current == 2


# --- items ----------------------------------------------------------------------------------


def test_an_item_waits_for_its_sample() -> None:
    out = playout()
    out.append(tone(1000))
    out.hold("word", 400)
    out.hold("end")
    sent(out, 0)
    out.acknowledge(1, 399)
    assert list(out.released()) == []
    out.acknowledge(1, 400)
    assert list(out.released()) == ["word"]
    out.acknowledge(1, 1000)
    assert list(out.released()) == ["end"]


def test_items_keep_their_order_even_if_their_samples_do_not() -> None:
    out = playout()
    out.append(tone(1000))
    out.hold("late", 900)
    out.hold("early", 10)
    sent(out, 0)
    out.acknowledge(1, 500)
    assert list(out.released()) == []
    out.acknowledge(1, 900)
    assert list(out.released()) == ["late", "early"]


def test_an_item_beyond_the_end_is_released_at_the_end() -> None:
    out = speaking(samples=100)
    out.hold("word", 5000)
    out.acknowledge(1, 100)
    assert list(out.released()) == ["word"]


def test_dropped_items_are_given_back_once() -> None:
    out = speaking(samples=100)
    out.hold("a")
    out.hold("b")
    assert out.drop_items() == ["a", "b"]
    assert out.drop_items() == []


# --- what the listener says -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("positions", "played"),
    [
        ([(1, 50), (1, 20)], 50),  # an older position comes late
        ([(1, 10_000)], 100),  # more than there is
        ([(9, 3)], 100),  # an utterance that never was: all before it is over
        ([(0, 70)], 0),  # an utterance before the first
    ],
)
def test_stale_and_impossible_positions_are_harmless(
    positions: list[tuple[int, int]], played: int
) -> None:
    out = playout()
    out.append(tone(100))
    sent(out, 0)
    for utterance, samples in positions:
        out.acknowledge(utterance, samples)
    assert out.cut(1, 0, 0).cut_samples == played


def test_what_was_not_sent_was_not_played() -> None:
    out = playout()
    out.append(tone(RATE_HZ))
    first = sum(len(chunk.pcm) // 2 for chunk in sent(out, 0))
    assert out.cut(1, RATE_HZ, 0).cut_samples == first


def test_audio_that_was_played_is_let_go() -> None:
    out = playout()
    for second in range(60):
        out.append(tone(RATE_HZ))
        for ms in range(0, 1000, 20):
            sent(out, second * 1000 + ms)
        out.acknowledge(1, second * RATE_HZ)
        assert out.kept_samples <= (KEPT_BEHIND_S + 2) * RATE_HZ


def test_the_position_is_estimated_between_two_reports() -> None:
    out = playout()
    out.append(tone(RATE_HZ))
    sent(out, 0)
    assert out.position(0) == 0
    assert out.position(100) == 100 * PER_MS
    assert out.position(10_000) == (LEAD_MS + 20) * PER_MS
    out.acknowledge(1, 150 * PER_MS)
    assert out.position(100) == 150 * PER_MS


# --- resume ---------------------------------------------------------------------------------


def test_a_resumed_utterance_goes_on_at_the_listeners_sample() -> None:
    out = playout()
    out.append(ramp(RATE_HZ))
    sent(out, 0)
    out.pause()
    assert out.resume(1, 300, 50) == 300
    chunk = out.take(50)
    assert chunk is not None
    assert (chunk.start_sample, chunk.pcm) == (300, ramp(20 * PER_MS, 300))


def test_a_resumed_utterance_never_goes_back_behind_what_was_acknowledged() -> None:
    out = playout()
    out.append(ramp(RATE_HZ))
    sent(out, 0)
    out.acknowledge(1, 800)
    assert out.resume(1, 300, 50) == 800


def test_resuming_an_older_utterance_does_not_repeat_what_was_heard_of_a_later_one() -> None:
    out = playout()
    out.append(ramp(3 * RATE_HZ))
    for ms in range(0, 3000, 20):
        sent(out, ms)
    out.acknowledge(1, 2 * RATE_HZ)
    out.resume(0, 0, 3000)
    chunk = out.take(3000)
    assert chunk is not None
    assert (chunk.start_sample, chunk.pcm) == (2 * RATE_HZ, ramp(20 * PER_MS, 2 * RATE_HZ))


# --- cut ------------------------------------------------------------------------------------

WORDS = (("One,", 0), ("two.", 1000), ("Three", 2000), ("four.", 3000))


@pytest.mark.parametrize(
    ("at_sample", "heard", "unheard", "remainder"),
    [
        (0, "", "One, two. Three four.", "One, two. Three four."),
        (500, "", "One, two. Three four.", "One, two. Three four."),
        (501, "One,", "two. Three four.", "One, two. Three four."),
        (1501, "One, two.", "Three four.", "Three four."),
        (2000, "One, two.", "Three four.", "Three four."),
        (3400, "One, two. Three", "four.", "Three four."),
        (3501, "One, two. Three four.", "", ""),
        (4000, "One, two. Three four.", "", ""),
    ],
)
def test_a_word_is_heard_when_more_than_half_of_it_was_played(
    at_sample: int, heard: str, unheard: str, remainder: str
) -> None:
    cut = speaking(*WORDS, samples=4000).cut(1, at_sample, 0)
    assert (cut.heard, cut.unheard, cut.remainder) == (heard, unheard, remainder)
    assert (cut.utterance, cut.cut_samples) == (1, at_sample)


def test_what_waited_behind_the_cut_utterance_was_not_heard() -> None:
    out = speaking(*WORDS, samples=4000)
    out.append(tone(500))
    out.add_sentence("And five.")
    cut = out.cut(1, 2600, 0)
    assert cut.unheard == "four. And five."
    assert cut.remainder == "Three four. And five."
    assert not out.pending


def test_what_was_heard_before_in_the_same_reply_counts() -> None:
    out = speaking(("First.", 0), samples=100)
    out.append(tone(1000))
    out.add_word("Second.", 0)
    sent(out, 1000)
    cut = out.cut(2, 900, 1000)
    assert (cut.heard, cut.heard_in_reply) == ("Second.", "First. Second.")


def test_a_reply_that_was_committed_does_not_count_again() -> None:
    out = speaking(("First.", 0), samples=100)
    out.acknowledge(1, 100)
    out.commit()
    out.append(tone(1000))
    out.add_word("Second.", 0)
    sent(out, 1000)
    assert out.cut(2, 900, 1000).heard_in_reply == "Second."


def test_a_cut_tells_the_last_messages_that_were_committed() -> None:
    out = speaking(*WORDS, samples=4000)
    out.acknowledge(1, 4000)
    assert out.commit() == 1
    assert out.cut(0, 0, 0).committed == ((1, "One, two. Three four."),)


def test_what_is_said_aside_is_no_part_of_any_message() -> None:
    out = playout()
    for text, aside in (("Hm.", True), ("Yes.", False), ("Wait.", True)):
        out.begin(aside=aside)
        out.append(tone(100))
        out.add_word(text, 0)
        out.finish()
    sent(out, 1000)
    cut = out.cut(2, 10, 1000)
    assert (cut.heard_in_reply, cut.remainder, cut.unheard) == ("", "Yes.", "Yes. Wait.")


def test_a_cut_at_the_very_end_names_the_utterance_and_leaves_nothing_unheard() -> None:
    cut = speaking(*WORDS, samples=4000).cut(1, 4000, 0)
    assert (cut.utterance, cut.cut_samples, cut.unheard) == (1, 4000, "")
    assert cut.heard_in_reply == "One, two. Three four."


def test_a_cut_of_nothing_is_harmless() -> None:
    cut = playout().cut(7, 100, 0)
    assert (cut.utterance, cut.cut_samples, cut.heard, cut.unheard) == (7, 0, "", "")


def test_the_pause_behind_a_word_does_not_belong_to_it() -> None:
    out = playout()
    out.append(tone(800) + bytes(2 * 3200))
    out.add_word("One,", 0)
    out.add_word("two.", 4000)
    sent(out, 0)
    assert out.cut(1, 401, 0).heard == "One,"


def test_the_end_of_the_word_in_the_making_is_what_is_there_of_it_at_the_cut() -> None:
    out = playout()
    out.add_word("Word", 0)
    out.append(tone(1000))
    sent(out, 0)
    assert out.cut(1, 100, 0).heard == ""


def test_a_word_whose_beginning_was_let_go_ends_where_it_ends() -> None:
    out = playout()
    out.append(tone(3 * RATE_HZ))
    out.add_word("Looong", 0)
    for ms in range(0, 3000, 20):
        sent(out, ms)
    out.acknowledge(1, 2 * RATE_HZ)
    out.finish()
    assert out.cut(1, 0, 0).heard == "Looong"
    out = playout()
    out.append(tone(3 * RATE_HZ))
    out.add_word("Looong", 0)
    for ms in range(0, 3000, 20):
        sent(out, ms)
    out.acknowledge(1, 2 * RATE_HZ)
    _, _, words = out.add_word("end", 3 * RATE_HZ)
    assert words[0].end_sample == 3 * RATE_HZ


def test_words_that_come_after_the_end_belong_to_the_utterance_that_ended() -> None:
    out = speaking(("One", 0), samples=2000)
    assert out.add_word("two", 1000)[0] == 1
    assert out.cut(1, 1100, 0).unheard == "two"


# --- the listener's last word ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimate", "later", "corrected"),
    [
        (True, [600], "One,"),  # less was heard than estimated
        (True, [1600], None),  # other samples, the same words
        (True, [3600], "One, two. Three four."),
        (False, [600], None),  # a position from before the cut comes late
        (False, [2600], "One, two. Three"),
        (True, [2600, 600], "One, two. Three"),  # the second one was overtaken
    ],
)
def test_a_position_after_the_cut_corrects_what_was_heard(
    estimate: bool, later: list[int], corrected: str | None
) -> None:
    out = speaking(*WORDS, samples=4000)
    out.cut(1, 1700, 0, estimate=estimate)
    told = [out.correct(1, position) for position in later]
    heard = [cut.heard_in_reply for cut in told if cut is not None]
    assert heard == ([corrected] if corrected else [])


def heard_after(out: Playout[str], utterance: int, position: int) -> str | None:
    """What was heard of the reply by this later position; None if it says nothing new."""
    cut = out.correct(utterance, position)
    return cut.heard_in_reply if cut else None


def test_the_listener_may_have_come_to_another_utterance_than_estimated() -> None:
    out = speaking(("First.", 0), samples=100)
    out.append(tone(100))
    out.add_word("Second.", 0)
    sent(out, 1000)
    assert out.cut(1, 80, 1000).heard_in_reply == "First."
    assert heard_after(out, 2, 90) == "First. Second."


def test_an_estimate_of_the_very_end_can_be_corrected_too() -> None:
    out = speaking(*WORDS, samples=4000)
    assert out.cut(1, 4000, 0).unheard == ""
    assert heard_after(out, 1, 1600) == "One, two."


def test_what_is_left_to_say_follows_the_correction() -> None:
    out = speaking(*WORDS, samples=4000)
    first = out.cut(1, 600, 0)
    assert first.remainder == "One, two. Three four."
    cut = out.correct(1, 2600)
    assert cut is not None
    assert (cut.number, cut.cut_samples, cut.heard) == (first.number, 2600, "One, two. Three")
    assert cut.remainder == "Three four."


def test_each_cut_has_a_number_of_its_own_and_keeps_no_samples() -> None:
    out = speaking(*WORDS, samples=4000)
    assert out.cut(1, 600, 0).number == 1
    assert out.kept_samples == 0
    out.append(tone(100))
    assert out.cut(2, 0, 0).number == 2


@pytest.mark.parametrize(
    ("final", "estimate", "heard"),
    [
        (False, True, None),  # it may have been said before anything of it was heard
        (True, True, ""),
        (True, False, None),  # the listener has said itself where the cut is
    ],
)
def test_who_knows_of_the_cut_and_stopped_before_it_heard_nothing_of_it(
    final: bool, estimate: bool, heard: str | None
) -> None:
    out = playout()
    assert out.begin() == 1
    out.append(tone(100))
    out.finish()
    sent(out, 0)
    out.acknowledge(1, 100)
    out.append(tone(1600))
    out.add_word("One,", 0)
    sent(out, 1000)
    assert out.cut(2, 1500, 1000, estimate=estimate).heard == "One,"
    cut = out.correct(1, 100, final=final)
    assert (cut and cut.heard) == heard


def test_what_was_sent_to_nobody_is_sent_again_from_what_was_heard() -> None:
    out = speaking(*WORDS, samples=4000)
    out.acknowledge(1, 800)
    out.rewind(1000)
    assert [chunk.start_sample for chunk in sent(out, 1000)][:2] == [800, 960]


def test_what_was_heard_of_it_before_it_is_sent_again_is_believed() -> None:
    out = speaking(*WORDS, samples=1600)
    assert out.resume(1, 400, 1000) == 400
    out.acknowledge(1, 1500)
    assert [chunk.start_sample for chunk in sent(out, 1000)] == [1500]


def test_a_cut_counts_what_was_heard_before_it_was_sent_again() -> None:
    out = speaking(*WORDS[:2], samples=1600)
    out.resume(1, 400, 1000)
    assert out.cut(1, 400, 1000).heard == ""
    assert heard_after(out, 1, 1500) == "One, two."


def test_nothing_is_sent_again_of_an_utterance_that_was_heard_to_its_end() -> None:
    out = speaking(*WORDS, samples=1600)
    out.finish()
    out.begin()
    out.append(tone(1600))
    sent(out, 300)
    out.rewind(300)
    out.acknowledge(2, 160)
    again = [(each.utterance, each.start_sample, len(each.pcm)) for each in sent(out, 300)]
    assert again[:2] == [(1, 1600, 0), (2, 160, 320)]  # the first's end, which was not told yet


def test_a_paused_bot_that_is_to_send_again_stays_paused() -> None:
    out = speaking(*WORDS, samples=4000)
    out.pause()
    out.rewind(1000)
    assert sent(out, 1000) == []


def test_a_position_of_another_reply_corrects_nothing() -> None:
    out = speaking(*WORDS, samples=4000)
    out.cut(1, 1700, 0)
    assert out.correct(2, 50) is None
    assert playout().correct(1, 50) is None


# --- properties -----------------------------------------------------------------------------


@given(
    lengths=st.lists(st.integers(1, 900), min_size=1, max_size=12),
    share=st.floats(0, 1),
    first=st.integers(0, 500),
)
def test_a_cut_at_any_sample_gives_exactly_the_words_of_which_more_than_half_was_played(
    lengths: list[int], share: float, first: int
) -> None:
    starts = [first + sum(lengths[:index]) for index in range(len(lengths))]
    total = first + sum(lengths)
    words = [(str(index), start) for index, start in enumerate(starts)]
    at_sample = round(share * total)
    cut = speaking(*words, samples=total).cut(1, at_sample, 0)
    heard = [
        text
        for (text, start), length in zip(words, lengths, strict=True)
        if at_sample > start + length / 2
    ]
    if at_sample == total:
        heard = [text for text, _ in words]
    assert cut.heard.split() == heard
    assert [*cut.heard.split(), *cut.unheard.split()] == [text for text, _ in words]


@dataclass
class Listener:
    """A client that trims what it has, and plays it in order."""

    here: dict[int, bytearray] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    utterance: int = 1
    played: int = 0
    heard: list[tuple[int, bytes]] = field(default_factory=list)

    def receive(self, chunk: Chunk) -> None:
        """Keep what is new of a chunk; there is never a gap."""
        have = self.here.setdefault(chunk.utterance, bytearray())
        known = len(have) - 2 * chunk.start_sample
        assert known >= 0, "a gap in the audio"
        have += chunk.pcm[known:]
        if chunk.last:
            self.ended.add(chunk.utterance)

    def play(self, samples: int) -> None:
        """Play so many samples, if they are here."""
        while True:
            have = self.here.get(self.utterance, bytearray())
            now = have[2 * self.played : 2 * (self.played + samples)]
            self.heard.append((self.utterance, bytes(now)))
            self.played += len(now) // 2
            samples -= len(now) // 2
            if self.utterance not in self.ended or 2 * self.played < len(have):
                return
            self.utterance, self.played = self.utterance + 1, 0

    def voice(self, utterance: int) -> bytes:
        """All that was heard of an utterance."""
        return b"".join(pcm for each, pcm in self.heard if each == utterance)


class AnyInterleaving(RuleBasedStateMachine):
    """Whatever is made, sent, played, told, paused and resumed in whatever order."""

    @initialize()
    def begin(self) -> None:
        self.out = playout()
        self.listener = Listener()
        self.now_ms = 0.0
        self.made: dict[int, bytes] = {}
        self.open = 0
        self.held: list[tuple[str, int, int]] = []
        self.released: list[str] = []
        self.items = 0

    def position(self) -> tuple[int, int]:
        """What the listener would say."""
        return self.listener.utterance, self.listener.played

    @rule(samples=st.sampled_from([1, 7, 160, 161, 1000, 20_000]))
    def make(self, samples: int) -> None:
        if not self.open:
            self.open = len(self.made) + 1
            self.made[self.open] = b""
        pcm = ramp(samples, len(self.made[self.open]) // 2)
        self.made[self.open] += pcm
        self.out.append(pcm)

    @precondition(lambda self: self.open)
    @rule()
    def finish(self) -> None:
        self.out.finish()
        self.open = 0

    @rule()
    def hold(self) -> None:
        item = str(self.items)
        self.items += 1
        last = len(self.made)
        self.held.append((item, last, len(self.made.get(last, b"")) // 2))
        self.out.hold(item)

    @rule(ms=st.sampled_from([1, 20, 90, 400, 1900]))
    def time_passes(self, ms: int) -> None:
        for _ in range(ms // 20 or 1):
            step_ms = min(20, ms)
            self.now_ms += step_ms
            for chunk in sent(self.out, self.now_ms):
                self.listener.receive(chunk)
            if not self.out.paused:
                self.listener.play(step_ms * PER_MS)

    @rule()
    def tell(self) -> None:
        self.out.acknowledge(*self.position())

    @rule(utterance=st.integers(0, 3), samples=st.integers(0, 400))
    def tell_something_old(self, utterance: int, samples: int) -> None:
        self.out.acknowledge(*min((utterance, samples), self.position()))

    @precondition(lambda self: not self.out.paused)
    @rule()
    def pause(self) -> None:
        self.out.pause()
        assert self.out.take(self.now_ms) is None

    @precondition(lambda self: self.out.paused)
    @rule(old=st.booleans())
    def resume(self, old: bool) -> None:
        utterance, played = self.position()
        self.out.resume(utterance, 0 if old else played, self.now_ms)

    @rule()
    def release(self) -> None:
        for item in self.out.released():
            name, utterance, total = self.held[len(self.released)]
            assert item == name
            assert (utterance, total) <= self.position() or not total
            self.released.append(item)

    @rule()
    def the_pacing_task_never_spins(self) -> None:
        if self.out.wait_ms(self.now_ms) == 0:
            chunk = self.out.take(self.now_ms)
            if chunk:
                self.listener.receive(chunk)
            assert chunk or self.out.assume_played(self.now_ms)

    @invariant()
    def every_sample_is_heard_once_and_in_order(self) -> None:
        for utterance, pcm in self.made.items():
            assert pcm.startswith(self.listener.voice(utterance))

    def teardown(self) -> None:
        """In the end everything is heard, and every item released."""
        if not hasattr(self, "out"):
            return
        self.out.finish()
        self.out.resume(*self.position(), self.now_ms)
        for _ in range(2000):
            self.time_passes(90)
            self.tell()
            self.release()
            if not self.out.pending:
                break
        assert not self.out.pending
        assert len(self.released) == self.items
        assert self.listener.ended == set(self.made)
        for utterance, pcm in self.made.items():
            assert self.listener.voice(utterance) == pcm


TestAnyInterleaving = AnyInterleaving.TestCase
TestAnyInterleaving.settings = settings(max_examples=40, stateful_step_count=30)


# --- a listener who was away ----------------------------------------------------------------


def away(played: int, *, whole_word: bool) -> tuple[Playout[str], tuple[int, int]]:
    """Two words, played up to here when the listener was lost; and where it goes on."""
    out = speaking(("one", 0), ("two", 400), samples=800)
    out.acknowledge(1, played)
    out.away = True
    return out, out.return_to(whole_word=whole_word, now_ms=5000)


@pytest.mark.parametrize(
    ("played", "whole_word", "goes_on"),
    [
        (0, True, 0),
        (500, False, 500),
        (500, True, 400),
        (400, True, 400),  # between two words
    ],
)
def test_a_listener_who_is_back_hears_on_from_where_it_was_or_from_the_word_that_was_cut(
    played: int, whole_word: bool, goes_on: int
) -> None:
    out, at = away(played, whole_word=whole_word)
    assert at == (1, goes_on)
    again = sent(out, 5000)
    assert sum(len(chunk.pcm) // 2 for chunk in again) == 800 - goes_on


def test_while_nobody_listens_nothing_goes_out_and_nothing_counts_as_heard() -> None:
    out = playout()
    out.append(tone(1600))
    sent(out, 0)
    out.finish()
    out.away = True
    assert out.take(10_000) is None
    assert out.wait_ms(10_000) is None
    assert not out.assume_played(1_000_000)


def test_a_word_said_again_goes_on_where_the_listener_is_after_another_loss() -> None:
    out, _ = away(700, whole_word=True)
    out.take(5000)
    out.away = True
    out.acknowledge(1, 450)
    assert out.return_to(whole_word=False, now_ms=5100) == (1, 450)
    out.pause()
    assert out.resume(1, 460, 5200) == 460


def test_a_word_that_is_said_again_was_heard_all_the_same() -> None:
    out, _ = away(700, whole_word=True)
    sent(out, 5000)
    out.acknowledge(1, 500)
    assert out.cut(1, 0, 6000, estimate=True).heard == "one two"
    assert out.correct(1, 450, final=True) is None


def test_a_position_in_a_word_that_is_said_again_does_not_skip_the_rest_of_it() -> None:
    out, _ = away(700, whole_word=True)
    first = out.take(5000)
    assert first
    out.acknowledge(1, first.start_sample + 10)
    following = out.take(5000)
    assert following
    assert following.start_sample == first.start_sample + len(first.pcm) // 2

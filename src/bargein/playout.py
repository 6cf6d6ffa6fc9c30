"""The bot's voice on its way to the listener: what was made, sent and played, to the sample.

Nothing else holds bot audio. Utterances play one after another; everything since the
last acknowledgement is kept, so that a paused utterance goes on from any sample that
the listener names. Frames that must not overtake the audio wait here as opaque items.
It is long because making, sending, playing, resuming and cutting share one queue, and
none of them is right without the others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from bargein.cut import Cut, LastCut
from bargein.pacing import Pacing
from bargein.packet import BYTES_PER_SAMPLE
from bargein.sound import sound_end
from bargein.truncation import Word, WordTrack
from bargein.utterance import Utterance

Item = TypeVar("Item")

CHUNK_MS = 20
ASSUME_PLAYED_AFTER_MS = 2_000
"""A listener who is silent for so long after the last sample should have been heard is
taken to have heard it: no wait is without a bound."""
ASSUME_OVER_AFTER_MS = 30_000
"""An utterance of which nothing more has come for so long, and no end, is over."""
COMMITS_ON_THEIR_WAY = 3
"""So many messages are remembered in case an interruption overtakes them."""
KEPT_BEHIND_S = 2
"""What was played stays here for so long: a word that a lost connection cut is said again."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Audio that goes out now."""

    utterance: int
    start_sample: int
    pcm: bytes
    last: bool


@dataclass(frozen=True, slots=True)
class Held(Generic[Item]):
    """An item that waits."""

    utterance: int
    at_sample: int
    item: Item
    is_text: bool
    """It is what the utterance says: without any sound nobody heard it."""


class Playout(Generic[Item]):
    """Owns the samples; see the module. Times are milliseconds of any one clock."""

    def __init__(self, *, rate_hz: int, lead_ms: float, first_id: int = 1) -> None:
        """Begin with nothing to say."""
        self.rate_hz = rate_hz
        self.paused = False
        self.away = False
        """Nobody listens: nothing goes out, and nothing counts as heard."""
        self._pacing = Pacing(lead_ms)
        self._queue: deque[Utterance] = deque()
        self._items: deque[Held[Item]] = deque()
        self._said: list[str] = []
        self._committed: deque[tuple[int, str]] = deque(maxlen=COMMITS_ON_THEIR_WAY)
        self._next_id = first_id
        self._last_cut: LastCut | None = None
        self._cuts = 0
        # How often the listener told of more, and when that was noted last.
        self._progress = self._noted = 0
        self._noted_ms = float("-inf")

    # --- what the TTS makes -----------------------------------------------------------

    def begin(self, *, aside: bool = False) -> int:
        """Open the next utterance and give its id; one that is still open is finished.

        What is said `aside` is never counted as part of a message of the context.
        """
        self.finish()
        self._queue.append(Utterance(self._next_id, aside=aside))
        self._next_id += 1
        return self._queue[-1].id

    def append(self, pcm: bytes) -> None:
        """Add audio to the open utterance, opening one if there is none."""
        if not self._open:
            self.begin()
        self._queue[-1].pcm += pcm

    def add_word(self, text: str, start_sample: int) -> tuple[int, int, tuple[Word, ...]]:
        """Add a word with its place; gives utterance, first changed index, changed words.

        A word that comes after the end of its utterance still belongs to it.
        """
        utterance = self._latest()
        track = utterance.words
        if track.words:
            self._end_word(utterance, len(track) - 1, start_sample)
        track.add(text, start_sample, utterance.total)
        first = max(0, len(track) - 2)
        return utterance.id, first, track.words[first:]

    def add_sentence(self, text: str) -> tuple[int, int, tuple[Word, ...]]:
        """Add text without word times; it is spread over the audio since the last such text."""
        utterance = self._latest()
        first = len(utterance.words)
        added = utterance.words.add_sentence(text, utterance.sentence_from, utterance.total)
        utterance.sentence_from = utterance.total
        return utterance.id, first, added

    def add_late(self, text: str) -> None:
        """Add a word whose utterance was played already: it was heard."""
        self._said.append(text)

    def finish(self) -> tuple[int, int, tuple[Word, ...]] | None:
        """Close the open utterance, if any; gives its last word, whose end is now known.

        One without any audio is over at once, and what it should have said is forgotten.
        """
        if not self._open:
            return None
        utterance = self._queue[-1]
        utterance.finished = True
        if not utterance.total:
            self._forget_text(utterance)
        self._end_last_word(utterance)
        self._drop_played()
        track = utterance.words
        if not track.words:
            return None
        return utterance.id, len(track) - 1, track.words[-1:]

    def words(self) -> list[tuple[int, tuple[Word, ...]]]:
        """Each utterance that is not played to its end and has words, with all of them so far."""
        return [(each.id, each.words.words) for each in self._queue if len(each.words)]

    def hold(self, item: Item, at_sample: int | None = None, *, is_text: bool = False) -> None:
        """Keep an item until what is queued before it was played (or up to `at_sample`)."""
        if not self._queue:
            self._items.append(Held(0, 0, item, is_text=False))
            return
        tail = self._queue[-1]
        at = tail.total if at_sample is None else at_sample
        self._items.append(Held(tail.id, at, item, is_text))

    # --- what goes out ----------------------------------------------------------------

    def take(self, now_ms: float) -> Chunk | None:
        """Give the next chunk if it is time for one."""
        utterance = None if self.paused or self.away else self._next_to_send()
        if utterance is None or self._pacing.wait_ms(now_ms) > 0:
            return None
        start = utterance.sent
        size = self.rate_hz * CHUNK_MS // 1000
        last = utterance.send_to(min(start + size, utterance.total))
        pcm = utterance.slice(start, utterance.sent)
        self._pacing.let_out((utterance.sent - start) * 1000 / self.rate_hz, now_ms)
        self._drop_played()
        return Chunk(utterance.id, start, pcm, last)

    def ahead_ms(self, now_ms: float) -> float:
        """How long until all that was sent can have been played: what goes out now sounds then."""
        return self._pacing.unplayed_ms(now_ms)

    def wait_ms(self, now_ms: float) -> float | None:
        """How long until `take` or `assume_played` may have something; None until told more."""
        if self.paused or self.away or not self._queue:
            return None
        if self._next_to_send() is not None:
            return self._pacing.wait_ms(now_ms)
        if not self._queue[0].sent:
            return None
        return max(0.0, self._patience_ms - self._silent_ms(now_ms))

    # --- what was played --------------------------------------------------------------

    def acknowledge(self, utterance: int, played_samples: int) -> None:
        """Note how far playout has come; stale and impossible positions are harmless."""
        for each in self._queue:
            before = each.played
            if each.id < utterance:
                each.play_to(each.reached)
            elif each.id == utterance:
                each.play_to(played_samples)
            self._progress += each.played > before
        self._drop_played()

    def assume_played(self, now_ms: float) -> bool:
        """Take what was sent as played if the listener has been silent for too long after it.

        One who still tells of progress plays on, however late: a bad network makes it falter.
        """
        if self._progress != self._noted:
            self._noted, self._noted_ms = self._progress, now_ms
        if self.paused or self.away or not self._queue or self._next_to_send() is not None:
            return False
        if not self._queue[0].sent or self._silent_ms(now_ms) < self._patience_ms:
            return False
        if not self._queue[0].finished:
            self.finish()
        for each in self._queue:
            each.play_to(each.sent)
        self._drop_played()
        return True

    def released(self) -> Iterator[Item]:
        """Give, and forget, the items whose turn has come."""
        while self._items:
            held = self._items[0]
            head = self._queue[0] if self._queue else None
            if head and (held.utterance, held.at_sample) > (head.id, head.played):
                return
            if head and held.is_text and held.utterance == head.id and not head.total:
                # There may never be any sound of it.
                return
            self._items.popleft()
            yield held.item

    def commit(self) -> int:
        """What was said so far goes to the context: the next reply starts with nothing said.

        Gives the message's number, so that whoever writes the context can say if it is there.
        """
        number = self._committed[-1][0] + 1 if self._committed else 1
        self._committed.append((number, " ".join(self._said)))
        self._said.clear()
        return number

    @property
    def pending(self) -> bool:
        """Whether anything is still to be played or released."""
        return bool(self._queue or self._items)

    @property
    def silent(self) -> bool:
        """Whether no utterance is under way."""
        return not self._queue

    @property
    def speaking(self) -> bool:
        """Whether audio of an utterance went out that may not have been played to its end."""
        return any(each.sent for each in self._queue)

    @property
    def kept_samples(self) -> int:
        """How much audio is kept, in case it has to be sent (again)."""
        return sum(each.total - each.base for each in self._queue)

    @property
    def current(self) -> int:
        """Id of the utterance that is playing, or 0."""
        return self._queue[0].id if self._queue else 0

    def position(self, now_ms: float) -> int:
        """An estimate of how much of the current utterance was played, between acknowledgements."""
        if not self._queue:
            return 0
        head = self._queue[0]
        unplayed = int(self._pacing.unplayed_ms(now_ms) * self.rate_hz / 1000)
        later = sum(each.sent for each in list(self._queue)[1:])
        return max(head.played, min(head.sent, head.sent - unplayed + later))

    # --- pause, and the two ways out --------------------------------------------------

    def pause(self) -> None:
        """Send nothing more, keep everything."""
        self.paused = True

    def resume(self, utterance: int, at_sample: int, now_ms: float) -> int:
        """Play on from this sample, and give it: never before what was acknowledged."""
        self.acknowledge(utterance, at_sample)
        self.paused = False
        self.rewind(now_ms)
        return self._queue[0].sent if self._queue and self._queue[0].id == utterance else at_sample

    def rewind(self, now_ms: float, at: tuple[int, int] | None = None) -> None:
        """Send again from what was acknowledged, as soon as it is not paused.

        One utterance may have been told to begin `at` another sample.
        """
        self._pacing.restart(now_ms)
        for each in self._queue:
            each.begin_again(at[1] if at is not None and at[0] == each.id else each.now)

    def return_to(self, *, whole_word: bool, now_ms: float) -> tuple[int, int]:
        """The listener is back: play on from here, and give utterance and sample.

        A `whole_word` begins with the word that was cut, if one was.
        """
        self.away = False
        self.rewind(now_ms)
        head = next((each for each in self._queue if not each.over), None)
        if head is None:
            return (self._queue[-1].id, self._queue[-1].total) if self._queue else (0, 0)
        if whole_word:
            head.begin_again(head.word_begin)
        return head.id, head.sent

    def cut(self, utterance: int, at_sample: int, now_ms: float, *, estimate: bool = True) -> Cut:
        """Drop everything; say what was heard up to this sample of this utterance.

        An `estimate` gives way to whatever position the listener tells later, even to an
        earlier one; what the listener itself has said is only ever moved on.
        """
        queue = list(self._queue)
        last = LastCut(
            number=self._cuts + 1,
            named=utterance,
            said=tuple(self._said),
            committed=tuple(self._committed),
            utterances=queue,
            estimate=estimate,
        )
        self.acknowledge(utterance, at_sample)
        self.paused = False
        self._pacing.restart(now_ms)
        if self._open:
            self._end_last_word(self._queue[-1])
        for each in queue:
            each.let_go()
        self._queue.clear()
        self._said.clear()
        self._last_cut, self._cuts = last, last.number
        return last.cut()

    def drop_items(self) -> list[Item]:
        """Forget all items, and give them: some may not be dropped."""
        items = [held.item for held in self._items]
        self._items.clear()
        return items

    def correct(self, utterance: int, played_samples: int, *, final: bool = False) -> Cut | None:
        """A position that came after the cut: the cut as it really was, if that differs.

        A `final` one is of a listener who knows of the cut: nothing behind it was heard.
        """
        last = self._last_cut
        if last is None or not last.is_told_by(utterance, final=final):
            return None
        before = last.cut()
        last.move(utterance, played_samples)
        cut = last.cut()
        return None if cut.heard_in_reply == before.heard_in_reply else cut

    # --- inside -----------------------------------------------------------------------

    def _silent_ms(self, now_ms: float) -> float:
        """How long nothing was heard of a listener who should have played it all."""
        overdue_ms = self._pacing.overdue_ms(now_ms)
        if overdue_ms >= ASSUME_OVER_AFTER_MS:
            return overdue_ms
        return min(overdue_ms, now_ms - self._noted_ms)

    @property
    def _patience_ms(self) -> float:
        return ASSUME_PLAYED_AFTER_MS if self._queue[0].finished else ASSUME_OVER_AFTER_MS

    @property
    def _open(self) -> bool:
        return bool(self._queue) and not self._queue[-1].finished

    def _forget_text(self, utterance: Utterance) -> None:
        """Nothing of it sounded: it was not said."""
        utterance.words = WordTrack()
        kept = [each for each in self._items if not each.is_text or each.utterance != utterance.id]
        self._items = deque(kept)

    def _latest(self) -> Utterance:
        if not self._queue:
            self.begin()
        return self._queue[-1]

    def _next_to_send(self) -> Utterance | None:
        for each in self._queue:
            if each.sent < each.total or (each.finished and each.total and not each.end_sent):
                return each
            if not each.finished:
                return None
        return None

    def _end_last_word(self, utterance: Utterance) -> None:
        words = utterance.words.words
        if words and not words[-1].estimate:
            self._end_word(utterance, len(words) - 1, utterance.total)

    def _end_word(self, utterance: Utterance, index: int, limit: int) -> None:
        begin = max(utterance.words.words[index].start_sample, utterance.base)
        pcm = utterance.slice(begin, min(limit, utterance.total))
        utterance.words.end(index, begin + sound_end(pcm, self.rate_hz))

    def _drop_played(self) -> None:
        while self._queue and self._queue[0].done:
            done = self._queue.popleft()
            if not done.aside:
                self._said.append(done.words.text())
        for each in self._queue:
            surplus = min(each.played, each.sent) - each.base - KEPT_BEHIND_S * self.rate_hz
            if surplus > self.rate_hz:
                del each.pcm[: surplus * BYTES_PER_SAMPLE]
                each.base += surplus

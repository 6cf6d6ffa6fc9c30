"""The bot's voice on its way to the listener: what was made, sent and played, to the sample.

Nothing else holds bot audio. Utterances play one after another; everything since the
last acknowledgement is kept, so that a paused utterance goes on from any sample that
the listener names. Frames that must not overtake the audio wait here as opaque items.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bargein.pacing import Pacing
from bargein.packet import BYTES_PER_SAMPLE
from bargein.sound import sound_end
from bargein.truncation import Word, WordTrack

Item = TypeVar("Item")

CHUNK_MS = 20
ASSUME_PLAYED_AFTER_MS = 2_000
"""A listener who is silent for so long after the last sample should have been heard is
taken to have heard it: no wait is without a bound."""


@dataclass(slots=True)
class Utterance:
    """One stretch of speech; `pcm` begins at sample `base`."""

    id: int
    pcm: bytearray = field(default_factory=bytearray)
    base: int = 0
    sent: int = 0
    played: int = 0
    finished: bool = False
    end_sent: bool = False
    words: WordTrack = field(default_factory=WordTrack)
    sentence_from: int = 0

    @property
    def total(self) -> int:
        """How many samples it has so far."""
        return self.base + len(self.pcm) // BYTES_PER_SAMPLE

    @property
    def over(self) -> bool:
        """Whether it was played to its end."""
        return self.finished and self.played >= self.total

    def slice(self, start: int, end: int) -> bytes:
        """The samples `start` to `end`."""
        offset = self.base * BYTES_PER_SAMPLE
        return bytes(self.pcm[start * BYTES_PER_SAMPLE - offset : end * BYTES_PER_SAMPLE - offset])


@dataclass(frozen=True, slots=True)
class Chunk:
    """Audio that goes out now."""

    utterance: int
    start_sample: int
    pcm: bytes
    last: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """What an accepted barge-in left of the bot's speech."""

    utterance: int
    cut_samples: int
    heard: str
    """What was heard of the cut utterance."""
    unheard: str
    """What was not heard of it and of all that waited behind it."""
    remainder: str
    """What to say to go on: from the start of the cut sentence. Empty if all was heard."""
    heard_in_reply: str
    """All that was heard since the last message was committed to the context."""


class Playout(Generic[Item]):
    """Owns the samples; see the module. Times are milliseconds of any one clock."""

    def __init__(self, *, rate_hz: int, lead_ms: float, first_id: int = 1) -> None:
        """Begin with nothing to say."""
        self.rate_hz = rate_hz
        self.paused = False
        self._pacing = Pacing(lead_ms)
        self._queue: deque[Utterance] = deque()
        self._items: deque[tuple[int, int, Item]] = deque()
        self._said: list[str] = []
        self._next_id = first_id
        self._last_cut: tuple[Utterance, tuple[str, ...]] | None = None

    # --- what the TTS makes -----------------------------------------------------------

    def begin(self) -> int:
        """Open the next utterance and give its id; one that is still open is finished."""
        self.finish()
        self._queue.append(Utterance(self._next_id))
        self._next_id += 1
        return self._queue[-1].id

    def append(self, pcm: bytes) -> None:
        """Add audio to the open utterance, opening one if there is none."""
        if not self._open:
            self.begin()
        self._queue[-1].pcm += pcm

    def add_word(self, text: str, start_sample: int) -> tuple[int, int, tuple[Word, ...]]:
        """Add a word with its place; gives utterance, first changed index, changed words."""
        utterance = self._opened()
        track = utterance.words
        if track.words:
            self._end_word(utterance, len(track) - 1, start_sample)
        track.add(text, start_sample, utterance.total)
        first = max(0, len(track) - 2)
        return utterance.id, first, track.words[first:]

    def add_sentence(self, text: str) -> tuple[int, int, tuple[Word, ...]]:
        """Add text without word times; it is spread over the audio since the last such text."""
        utterance = self._opened()
        first = len(utterance.words)
        added = utterance.words.add_sentence(text, utterance.sentence_from, utterance.total)
        utterance.sentence_from = utterance.total
        return utterance.id, first, added

    def finish(self) -> tuple[int, int, tuple[Word, ...]] | None:
        """Close the open utterance, if any; gives its last word, whose end is now known."""
        if not self._open:
            return None
        utterance = self._queue[-1]
        utterance.finished = True
        track = utterance.words
        if not track.words:
            return None
        if not track.words[-1].estimate:
            self._end_word(utterance, len(track) - 1, utterance.total)
        return utterance.id, len(track) - 1, track.words[-1:]

    def hold(self, item: Item, at_sample: int | None = None) -> None:
        """Keep an item until what is queued before it was played (or up to `at_sample`)."""
        if not self._queue:
            self._items.append((0, 0, item))
            return
        tail = self._queue[-1]
        self._items.append((tail.id, tail.total if at_sample is None else at_sample, item))

    # --- what goes out ----------------------------------------------------------------

    def take(self, now_ms: float) -> Chunk | None:
        """Give the next chunk if it is time for one."""
        utterance = None if self.paused else self._next_to_send()
        if utterance is None or self._pacing.wait_ms(now_ms) > 0:
            return None
        start = utterance.sent
        size = self.rate_hz * CHUNK_MS // 1000
        utterance.sent = min(start + size, utterance.total)
        last = utterance.finished and utterance.sent == utterance.total
        utterance.end_sent = last
        pcm = utterance.slice(start, utterance.sent)
        self._pacing.let_out((utterance.sent - start) * 1000 / self.rate_hz, now_ms)
        return Chunk(utterance.id, start, pcm, last)

    def wait_ms(self, now_ms: float) -> float | None:
        """How long until `take` or `assume_played` may have something; None until told more."""
        if self.paused or not self._queue:
            return None
        if self._next_to_send() is not None:
            return self._pacing.wait_ms(now_ms)
        if self._queue[0].finished:
            return max(0.0, ASSUME_PLAYED_AFTER_MS - self._pacing.overdue_ms(now_ms))
        return None

    # --- what was played --------------------------------------------------------------

    def acknowledge(self, utterance: int, played_samples: int) -> None:
        """Note how far playout has come; stale and impossible positions are harmless."""
        for each in self._queue:
            if each.id < utterance:
                each.played = max(each.played, min(each.sent, each.total))
            elif each.id == utterance:
                each.played = max(each.played, min(played_samples, each.sent))
        self._drop_played()

    def assume_played(self, now_ms: float) -> bool:
        """Take everything as played if the listener has been silent for too long after it."""
        if self.paused or not self._queue or self._next_to_send() is not None:
            return False
        if not all(each.finished for each in self._queue):
            return False
        if self._pacing.overdue_ms(now_ms) < ASSUME_PLAYED_AFTER_MS:
            return False
        for each in self._queue:
            each.played = each.total
        self._drop_played()
        return True

    def released(self) -> Iterator[Item]:
        """Give, and forget, the items whose turn has come."""
        while self._items:
            utterance, at_sample, item = self._items[0]
            head = self._queue[0] if self._queue else None
            if head and (utterance > head.id or (utterance == head.id and at_sample > head.played)):
                return
            self._items.popleft()
            yield item

    def commit(self) -> None:
        """What was said so far stands in the context: the next reply starts with nothing said."""
        self._said.clear()

    @property
    def pending(self) -> bool:
        """Whether anything is still to be played or released."""
        return bool(self._queue or self._items)

    @property
    def speaking(self) -> bool:
        """Whether audio of an utterance went out that may not have been played to its end."""
        return any(each.sent for each in self._queue)

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
        self._pacing.restart(now_ms)
        for each in self._queue:
            each.sent = each.played if each.id <= utterance else 0
            each.end_sent = False
        return self._queue[0].sent if self._queue and self._queue[0].id == utterance else at_sample

    def cut(self, utterance: int, at_sample: int, now_ms: float) -> Cut:
        """Drop everything; say what was heard up to this sample of this utterance."""
        self.acknowledge(utterance, at_sample)
        self.paused = False
        self._pacing.restart(now_ms)
        head = self._queue.popleft() if self._queue else Utterance(utterance)
        rest = [text for each in self._queue if (text := each.words.text())]
        count = head.words.count_heard(head.played)
        heard, unheard = head.words.text(0, count), head.words.text(count)
        remainder = ""
        if unheard:
            remainder = head.words.text(head.words.sentence_start(count))
        cut = Cut(
            utterance=head.id,
            cut_samples=head.played,
            heard=heard,
            unheard=" ".join(filter(None, [unheard, *rest])),
            remainder=" ".join(filter(None, [remainder, *rest])),
            heard_in_reply=" ".join(filter(None, [*self._said, heard])),
        )
        self._queue.clear()
        self._last_cut = head, tuple(self._said)
        self._said.clear()
        return cut

    def drop_items(self) -> list[Item]:
        """Forget all items, and give them: some may not be dropped."""
        items = [item for _, _, item in self._items]
        self._items.clear()
        return items

    def correct(self, utterance: int, played_samples: int) -> str | None:
        """A position that came after the cut: what was really heard in the reply, if it differs."""
        if self._last_cut is None or self._last_cut[0].id != utterance:
            return None
        cut, said = self._last_cut
        before = cut.words.count_heard(cut.played)
        cut.played = min(played_samples, cut.sent)
        count = cut.words.count_heard(cut.played)
        if count == before:
            return None
        return " ".join(filter(None, [*said, cut.words.text(0, count)]))

    # --- inside -----------------------------------------------------------------------

    @property
    def _open(self) -> bool:
        return bool(self._queue) and not self._queue[-1].finished

    def _opened(self) -> Utterance:
        if not self._open:
            self.begin()
        return self._queue[-1]

    def _next_to_send(self) -> Utterance | None:
        for each in self._queue:
            if each.sent < each.total or (each.finished and not each.end_sent):
                return each
            if not each.finished:
                return None
        return None

    def _end_word(self, utterance: Utterance, index: int, limit: int) -> None:
        start = utterance.words.words[index].start_sample
        pcm = utterance.slice(max(start, utterance.base), min(limit, utterance.total))
        utterance.words.end(index, start + sound_end(pcm, self.rate_hz))

    def _drop_played(self) -> None:
        while self._queue and self._queue[0].over:
            done = self._queue.popleft()
            self._said.append(done.words.text())
        for each in self._queue:
            surplus = each.played - each.base
            if surplus > self.rate_hz:
                del each.pcm[: surplus * BYTES_PER_SAMPLE]
                each.base = each.played

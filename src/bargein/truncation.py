"""Words with their places in the audio, and the cut between heard and unheard."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

SENTENCE_ENDS = (".", "!", "?", "…")
CLOSING_MARKS = "\"'”’)]»"


@dataclass(frozen=True, slots=True)
class Word:
    """A word of an utterance; samples count from the utterance's first one."""

    text: str
    start_sample: int
    end_sample: int
    estimate: bool = False

    def heard(self, played_samples: int) -> bool:
        """Whether more than half of it was played."""
        return 2 * played_samples > self.start_sample + self.end_sample

    @property
    def ends_sentence(self) -> bool:
        """Whether a sentence ends with it."""
        return self.text.rstrip(CLOSING_MARKS).endswith(SENTENCE_ENDS)


class WordTrack:
    """The words of one utterance in order; starts never run backwards."""

    def __init__(self) -> None:
        """Begin with no words."""
        self._words: list[Word] = []

    def __len__(self) -> int:
        """How many words are known."""
        return len(self._words)

    @property
    def words(self) -> tuple[Word, ...]:
        """All words so far."""
        return tuple(self._words)

    def add(self, text: str, start_sample: int, end_sample: int) -> Word:
        """Add a word whose start is known; its end is corrected when more is known."""
        start = max(start_sample, self._words[-1].start_sample if self._words else 0)
        word = Word(text, start, max(end_sample, start))
        self._words.append(word)
        return word

    def end(self, index: int, end_sample: int) -> Word:
        """Set where a word ends: at the next one's start, or where its sound died away."""
        word = self._words[index]
        ended = Word(
            word.text, word.start_sample, max(end_sample, word.start_sample), word.estimate
        )
        self._words[index] = ended
        return ended

    def add_sentence(self, text: str, start_sample: int, end_sample: int) -> tuple[Word, ...]:
        """Spread a sentence without word times over its audio, by characters: estimates."""
        tokens = text.split()
        letters = sum(len(token) + 1 for token in tokens) or 1
        first = max(start_sample, self._words[-1].start_sample if self._words else 0)
        span, at, added = max(end_sample - first, 0), 0, []
        for token in tokens:
            begin = first + span * at // letters
            at += len(token) + 1
            added.append(Word(token, begin, first + span * at // letters, estimate=True))
        self._words.extend(added)
        return tuple(added)

    def count_heard(self, played_samples: int) -> int:
        """How many words, from the first one on, were heard."""
        starts = [word.start_sample for word in self._words]
        last = bisect_right(starts, played_samples)
        while last and not self._words[last - 1].heard(played_samples):
            last -= 1
        return last

    def text(self, first: int = 0, last: int | None = None) -> str:
        """The words `first` to `last` as text."""
        return " ".join(word.text for word in self._words[first:last])

    def sentence_start(self, index: int) -> int:
        """Index of the first word of the sentence that holds word `index`."""
        while index > 0 and not self._words[index - 1].ends_sentence:
            index -= 1
        return index

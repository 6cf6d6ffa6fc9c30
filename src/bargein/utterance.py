"""One stretch of the bot's speech with its words."""

from __future__ import annotations

from dataclasses import dataclass, field

from bargein.packet import BYTES_PER_SAMPLE
from bargein.truncation import WordTrack


@dataclass(slots=True)
class Utterance:
    """One stretch of speech; `pcm` begins at sample `base`."""

    id: int
    aside: bool = False
    """It is said, but belongs to no message of the context."""
    pcm: bytearray = field(default_factory=bytearray)
    base: int = 0
    sent: int = 0
    """How far it was sent, since it was last begun to be sent again."""
    reached: int = 0
    """How far it was ever sent: the listener may have played so much."""
    played: int = 0
    now: int = 0
    """Where the listener is: behind `played` while a word is said again."""
    said_before: int = 0
    """So much was heard before it was said again from an earlier sample: nobody unhears it."""
    finished: bool = False
    end_sent: bool = False
    words: WordTrack = field(default_factory=WordTrack)
    sentence_from: int = 0

    def send_to(self, sample: int) -> bool:
        """Count it as sent up to here; True if that was its end."""
        self.sent = sample
        self.reached = max(self.reached, sample)
        self.end_sent = self.finished and sample == self.total
        return self.end_sent

    def play_to(self, sample: int) -> None:
        """The listener has played up to here; what it can't have is not believed."""
        heard = min(sample, self.reached)
        self.played = max(self.played, heard)
        self.now = max(self.now, heard)
        self.sent = max(self.sent, heard)

    def begin_again(self, sample: int) -> None:
        """Send it again from here on, which may be before what was played."""
        self.sent = self.now = sample
        self.end_sent = False
        self.said_before = max(self.said_before, self.played if sample < self.played else 0)

    @property
    def word_begin(self) -> int:
        """Where the word begins in which it was stopped; between two words just there."""
        for word in self.words.words:
            if word.start_sample < self.now < word.end_sample:
                return max(word.start_sample, self.base)
        return self.now

    @property
    def total(self) -> int:
        """How many samples it has so far."""
        return self.base + len(self.pcm) // BYTES_PER_SAMPLE

    @property
    def over(self) -> bool:
        """Whether it was played to its end."""
        return self.finished and self.played >= self.total

    @property
    def done(self) -> bool:
        """Whether nothing is left to do for it: it is over, and the listener was told its end."""
        return self.over and (self.end_sent or not self.total)

    @property
    def count_heard(self) -> int:
        """How many of its words were heard."""
        return len(self.words) if self.over else self.words.count_heard(self.played)

    def slice(self, start: int, end: int) -> bytes:
        """The samples `start` to `end`."""
        offset = self.base * BYTES_PER_SAMPLE
        return bytes(self.pcm[start * BYTES_PER_SAMPLE - offset : end * BYTES_PER_SAMPLE - offset])

    def let_go(self) -> None:
        """Forget the samples, but not how many they were."""
        self.base = self.total
        self.pcm.clear()

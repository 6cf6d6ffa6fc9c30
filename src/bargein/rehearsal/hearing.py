"""The user's own ear: which samples of which utterance sounded, and so which words were heard.

It rests on what left the loudspeaker and on nothing that the server says about it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bargein.client.events import Finished, Sounded, WordsShown
from bargein.protocol import SpokenWord
from bargein.rehearsal.moments import Moment, What


@dataclass(slots=True)
class Heard:
    """One utterance as it sounded."""

    reached: int = 0
    """The sample behind the furthest one that sounded."""
    at: int = 0
    """The sample behind the last one: a word that a lost connection cut is said again."""
    lost: int = 0
    """Samples that never sounded although later ones did."""
    repeated: int = 0
    """Samples that sounded again."""
    words: dict[int, SpokenWord] = field(default_factory=dict)
    told: int = 0
    """So many words have begun to sound."""
    over: bool = False

    def hear(self, start_sample: int, samples: int) -> None:
        """A stretch of it sounded."""
        self.lost += max(0, start_sample - self.at)
        self.repeated += max(0, self.at - start_sample)
        self.at = start_sample + samples
        self.reached = max(self.reached, self.at)

    @property
    def in_order(self) -> list[SpokenWord]:
        """Its words, in order."""
        return [self.words[number] for number in sorted(self.words)]


class Hearing:
    """All that was heard of the bot."""

    def __init__(self, rate_hz: int) -> None:
        """`rate_hz` is the rate of the bot's voice."""
        self._rate_hz = rate_hz
        self._utterances: dict[int, Heard] = {}
        self._last = 0

    def show(self, words: WordsShown) -> None:
        """The bot is about to say these words."""
        known = self._of(words.utterance).words
        known.update(enumerate(words.words, start=words.first_word))

    def sounded(self, event: Sounded) -> list[Moment]:
        """A stretch of an utterance left the loudspeaker; gives what begins with it."""
        known = self._utterances.get(event.utterance)
        moments = []
        if known is None or known.reached == 0:
            moments.append(Moment(event.at_ms, What.BOT_STARTED, event.utterance, 0))
        self._last = event.utterance
        utterance = self._of(event.utterance)
        utterance.hear(event.start_sample, event.samples)
        return moments + self._begun_words(event, utterance)

    def finished(self, event: Finished) -> list[Moment]:
        """An utterance was played to its end; it is told once."""
        utterance = self._of(event.utterance)
        if utterance.over:
            return []
        utterance.over = True
        return [Moment(event.at_ms, What.BOT_STOPPED, event.utterance, event.played_samples)]

    def cut(self) -> None:
        """Whatever was not played to its end is over all the same."""
        for each in self._utterances.values():
            each.over = True

    def says(self, utterance: int) -> str:
        """What the bot meant to say, as far as it was told."""
        return _text(self._of(utterance).in_order)

    def heard(self, utterance: int) -> str:
        """The words of which more than half sounded."""
        return _text(self._split(utterance)[0])

    def unheard(self, utterance: int) -> str:
        """The words of which half or less sounded; empty as long as it is not over."""
        return _text(self._split(utterance)[1]) if self._of(utterance).over else ""

    def is_over(self, utterance: int) -> bool:
        """Whether nothing of it will sound any more."""
        return utterance in self._utterances and self._utterances[utterance].over

    @property
    def utterances(self) -> tuple[int, ...]:
        """All that were told of, in order."""
        return tuple(sorted(self._utterances))

    @property
    def lost_samples(self) -> int:
        """Samples that were skipped."""
        return sum(each.lost for each in self._utterances.values())

    @property
    def repeated_samples(self) -> int:
        """Samples that sounded again."""
        return sum(each.repeated for each in self._utterances.values())

    def _split(self, utterance: int) -> tuple[list[SpokenWord], list[SpokenWord]]:
        at = self._of(utterance)
        words = at.in_order
        count = sum(2 * at.reached > word.start_sample + word.end_sample for word in words)
        return words[:count], words[count:]

    def _begun_words(self, event: Sounded, utterance: Heard) -> list[Moment]:
        moments = []
        words = utterance.in_order
        while utterance.told < len(words):
            word = words[utterance.told]
            if word.start_sample >= utterance.reached:
                break
            utterance.told += 1
            since = max(0, word.start_sample - event.start_sample)
            at_ms = event.at_ms + since * 1000 / self._rate_hz
            sample = word.start_sample
            moments.append(Moment(at_ms, What.BOT_WORD, event.utterance, sample, word.text))
        return moments

    def _of(self, utterance: int) -> Heard:
        return self._utterances.setdefault(utterance, Heard())


def _text(words: list[SpokenWord]) -> str:
    return " ".join(word.text for word in words)

"""Whether two transcripts say the same, so that a reply to one is a reply to the other."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

FILLERS = ("um", "uh", "uhm", "erm", "er", "hmm", "mm")
"""Sounds that recognisers write or leave out as they like."""
APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})
WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
GROUPED = re.compile(r"(?<=\d),(?=\d{3}\b)")
"""The comma in 1,200."""

ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBERS = {word: number for number, word in enumerate(ONES)} | {
    word: 10 * (2 + place) for place, word in enumerate(TENS)
}
LAST_ONE = 9


class Match(StrEnum):
    """How much alike two transcripts must be."""

    EXACT = "exact"
    """Character by character."""
    NORMALISED = "normalised"
    """Word by word: case, punctuation, fillers, and how a number is written, do not count."""


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """When a reply to one transcript may stand as the reply to another."""

    match: Match = Match.NORMALISED
    ignored_words: tuple[str, ...] = FILLERS
    """Left out before the words are compared."""

    def same(self, predicted: str, told: str) -> bool:
        """Whether they say the same."""
        if self.match is Match.EXACT:
            return predicted == told
        return self.words(predicted) == self.words(told)

    def begins(self, told: str, with_this: str) -> bool:
        """Whether what was told begins with this."""
        if self.match is Match.EXACT:
            return told.startswith(with_this)
        head = self.words(with_this)
        return self.words(told)[: len(head)] == head

    def words(self, text: str) -> tuple[str, ...]:
        """The words that count, in one spelling."""
        plain = unicodedata.normalize("NFKC", text).translate(APOSTROPHES).casefold()
        found = WORD.findall(GROUPED.sub("", plain))
        ignored = {word.casefold() for word in self.ignored_words}
        return _figures([word for word in found if word not in ignored])


def _figures(words: list[str]) -> tuple[str, ...]:
    """Write numbers below a hundred as figures, as some recognisers do."""
    written: list[str] = []
    tens = False
    for word in words:
        number = NUMBERS.get(word)
        if number is None:
            written.append(word)
        elif tens and 0 < number <= LAST_ONE:
            written[-1] = str(int(written[-1]) + number)
        else:
            written.append(str(number))
        tens = word in TENS
    return tuple(written)

"""Where a text may be cut so that a voice can say the parts one after another.

Most places are certain only when the first letter of the word behind is known: "3." may be followed
by "5", and "Dr." by "Smith". Behind a comma that follows a letter nothing else can come.
Cuts lie where whitespace is, so that joining the parts with a space gives the text again; only the
sentence marks of scripts without spaces end a part by themselves. In "1,200", "7:30" and a URL
there is no whitespace, and no cut.

The lists of words are English. Of a language that they do not know, punctuation and length remain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise

WIDE_MARKS = "。！？｡।"
"""They end a sentence without whitespace behind them: CJK and Devanagari."""
CLOSERS = "\"'”’»)]}*_`」』）"
OPENERS = "\"'“‘«([{*_`「『（"
BRACKETS = {"(": ")", "[": "]", "{": "}", "“": "”", "«": "»"}
LETTERS_A_WORD = 5
"""A word of ten letters takes as long to say as two."""
WIDE_LETTERS_A_WORD = 2
TOGGLES = ('"', "`", "**")
"""What opens and closes alike."""
DASHES = ("-", "–", "—")

TOKEN = re.compile(rf"[^\s{WIDE_MARKS}]*[{WIDE_MARKS}]+[{re.escape(CLOSERS)}]*|[^\s{WIDE_MARKS}]+")
TAG = re.compile(r"<(/?)[A-Za-z][^<>]*?(/?)>")
AT_ONCE = re.compile(r"(?:^|\s)((?:[^\W\d_]['’-]?)+(?:,|(?<=[^\W\d_]{3}):))\s*$")
"""A last word that ends a clause, whatever comes behind it: letters and a comma, or a colon."""
SCHEMES = ("http:", "https:", "mailto:", "tel:", "ftp:")
"""Behind these a colon ends nothing."""
INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
"""One letter, or letters with a full stop between them: "J", "U.S", "e.g"."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ABBREVIATIONS = _words(
    """mr mrs ms dr prof st jr sr no nos vs etc approx dept fig inc ltd co corp gen gov sen rep
    capt col lt sgt rev hon ave blvd rd apt tel ext est min max vol pp ed al ca cf
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun"""
)
"""A full stop behind one of these ends nothing; if it did, the next sentence joins this one."""

CONJUNCTIONS = _words(
    """and but or nor so yet because although though while whereas whenever unless until when where
    which who whose if since"""
)
PREPOSITIONS = _words(
    """about above across after against along among around as at before behind below between by
    during for from in inside into near of on onto over per through to toward towards under
    upon with within without than"""
)
BINDING = (
    CONJUNCTIONS
    | PREPOSITIONS
    | _words(
        """a an the this these those my your his her its our their some any no every each very too
        i you he she it we they there is are was were be been am do does did have has had will
        would can could may might must shall should not more most less
        long soon much many such"""
    )
)
"""Words that belong to the one behind them."""
ADVERB = "ly"
"""So do words that end like this: "mostly sunny"."""


class Kind(IntEnum):
    """How well a voice may stop at a place; more is better."""

    ANYWHERE = 0
    """Between two words that belong together."""
    GAP = 1
    """Between two words that do not."""
    PHRASE = 2
    """Before a preposition."""
    CONJUNCTION = 3
    """Before "and", "because" and the like."""
    CLAUSE = 4
    """Behind a comma, a semicolon, a colon or a dash."""
    SENTENCE = 5
    """Behind a sentence, or at the end of a line."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A place at which a text may be cut."""

    at: int
    """The index behind the last character of the part before it."""
    kind: Kind
    words: int
    """How many words stand before it; a long one counts for several."""


@dataclass(slots=True)
class _Wrapping:
    """Which brackets, quotes and tags are open; a line's end closes all of them."""

    brackets: list[str] = field(default_factory=list)
    quotes: set[str] = field(default_factory=set)
    tags: int = 0

    @property
    def is_open(self) -> bool:
        return bool(self.brackets or self.quotes or self.tags)

    def read(self, text: str) -> None:
        for tag in TAG.finditer(text):
            if not tag[2]:
                self.tags = max(0, self.tags - 1) if tag[1] else self.tags + 1
        for quote in TOGGLES:
            if text.count(quote) % 2:
                self.quotes ^= {quote}
        for letter in text:
            if letter in BRACKETS:
                self.brackets.append(BRACKETS[letter])
            elif self.brackets and letter == self.brackets[-1]:
                self.brackets.pop()


def cuts(text: str) -> Iterator[Cut]:
    """Give the places at which a text that may still grow can be cut, in order."""
    wrapping, read, in_line, words = _Wrapping(), 0, 0, 0
    last = _ended_at_once(text)
    for word, behind in pairwise(TOKEN.finditer(text)):
        words += _size(word[0])
        gap = text[word.end() : behind.start()]
        wrapping.read(text[read : behind.start()])
        read, in_line = behind.start(), in_line + 1
        whole = behind.end() < len(text) or last is not None
        if "\n" in gap and "`" not in wrapping.quotes:
            wrapping, kind = _Wrapping(), Kind.SENTENCE
        elif wrapping.is_open:
            kind = Kind.ANYWHERE
        else:
            found = _kind(word[0], behind[0], first=in_line == 1, whole=whole)
            if found is None:
                continue
            kind = found
        in_line = 0 if "\n" in gap else in_line
        if gap or kind is Kind.SENTENCE:
            yield Cut(word.end(), kind, words)
    if last and not wrapping.is_open:
        yield Cut(last.end(1), Kind.CLAUSE, words + _size(last[1]))


def _ended_at_once(text: str) -> re.Match[str] | None:
    found = AT_ONCE.search(text)
    return None if found is None or found[1].lower() in SCHEMES else found


def _size(token: str) -> int:
    wide = token.rstrip(CLOSERS).endswith(tuple(WIDE_MARKS))
    return max(1, len(token) // (WIDE_LETTERS_A_WORD if wide else LETTERS_A_WORD))


def _kind(word: str, behind: str, *, first: bool, whole: bool) -> Kind | None:
    """Judge the place between two words; None while that cannot be known.

    `first` is the first of its line, which may be the mark of a list; `whole` says that the word
    behind is complete.
    """
    begins = behind.lstrip(OPENERS)[:1]
    core = word.rstrip(CLOSERS)
    if not begins and not whole:
        return None
    digits = core[:-1][-1:].isdigit() and begins.isdigit()
    if core.endswith((*"!?…", *WIDE_MARKS)) or core.endswith(".."):
        return Kind.CLAUSE if begins.islower() else Kind.SENTENCE
    if core.endswith("."):
        return Kind.ANYWHERE if _goes_on(core[:-1], begins, first=first) else Kind.SENTENCE
    if core.endswith((",", ";", ":")):
        return Kind.ANYWHERE if digits else Kind.CLAUSE
    if core in DASHES or core.endswith(("–", "—")):
        return Kind.ANYWHERE if first or begins.isdigit() else Kind.CLAUSE
    return _between_words(core.lower(), behind, begins) if whole else None


def _goes_on(stem: str, begins: str, *, first: bool) -> bool:
    """Whether a sentence goes on behind a full stop."""
    return (
        begins.islower()
        or stem.lstrip(OPENERS).lower() in ABBREVIATIONS
        or INITIALS.fullmatch(stem.lstrip(OPENERS)) is not None
        or (stem.isdigit() and (first or begins.isdigit()))
    )


def _between_words(word: str, behind: str, begins: str) -> Kind:
    """Judge a place without punctuation."""
    if behind in DASHES:
        return Kind.ANYWHERE
    if word in BINDING or word.endswith(ADVERB) or word[-1:].isdigit() or begins.isdigit():
        return Kind.ANYWHERE
    then = behind.strip(OPENERS + CLOSERS + ",;:.!?").lower()
    if then in CONJUNCTIONS:
        return Kind.CONJUNCTION
    return Kind.PHRASE if then in PREPOSITIONS else Kind.GAP

"""Whether words sound as if more will come: what a polite listener would wait for.

English, from the lists of `unfinished_words.py`; of other languages only what is written in
digits and signs. Words come as a recogniser tells them, with punctuation or without.
"""

from __future__ import annotations

import re
from enum import StrEnum

from bargein import unfinished_words as en
from bargein.told_names import (
    being_spelled,
    ends_in_initialism,
    unfinished_address,
    unfinished_email,
)
from bargein.told_numbers import all_told, being_told


class Ending(StrEnum):
    """How a text ends."""

    SENTENCE = "sentence"
    """The recogniser put the end of a sentence behind it."""
    ASKED = "asked"
    """It is a question with all its words, or a request that ends with "please"."""
    TOLD = "told"
    """A number has been told to its last digit."""
    OPEN = "open"
    """Nothing says that it is over, nothing that it is not."""
    LEANING = "leaning"
    """Few people end on the last word."""
    WORD = "word"
    """Nobody ends on the last words: "and", "the", "I'd like"."""
    NUMBER = "number"
    """A number is being told."""
    SPELLING = "spelling"
    """A name or a code is being spelled."""
    ADDRESS = "address"
    """An e-mail address, or that of a house."""
    DATE = "date"
    """A date or a span of time."""

    @property
    def waits(self) -> bool:
        """A person would wait for more."""
        return self not in (*WHOLE, Ending.ASKED, Ending.OPEN, Ending.LEANING)


WHOLE = (Ending.SENTENCE, Ending.TOLD)
"""The words alone say that it is over."""


ENDS_SENTENCE = (".", "?", "!", "。", "？", "！", "।", "؟")
GOES_ON = (",", "-", "–", "—", "…", "...", ":", ";", "、", "，")
EDGES = '.,;:!?"()[]…。？！、，¿¡“”'
HYPHENED_LETTERS = re.compile(r"^\w(-\w)+$")
DOTTED_LETTERS = re.compile(r"^(\w\.)+\w\.?$")
DAY = re.compile(r"^\d{1,2}(st|nd|rd|th)$")
BETWEEN_WORDS = 3
"""So far back a "between" still waits for its "and"."""


def ending(text: str, *, language: str = "en", before: str = "") -> Ending:
    """Say how the words so far end; of no words nothing is known.

    `before` is what was said in the turn before. `language` is a code such as "en" or "de-AT".
    It does not know what was asked: a telephone number that is told without "my number is"
    counts from its third digit.
    """
    english = language.lower().startswith("en")
    tokens = _tokens(text, english=english)
    if being_told(tokens):
        return Ending.NUMBER
    if tokens and english and (found := _english(tokens, _tokens(before, english=english))):
        return found
    bare = text.rstrip("\"')”’ ")
    if bare.endswith(GOES_ON):
        return Ending.LEANING
    if bare.endswith(ENDS_SENTENCE):
        return Ending.SENTENCE
    return _without_sign(tokens) if english else Ending.OPEN


def _tokens(text: str, *, english: bool) -> list[str]:
    tokens: list[str] = []
    for raw in text.lower().replace("’", "'").split():
        token = raw.strip('"()[]')
        if english and DOTTED_LETTERS.match(token):
            token = token.replace(".", "")
        token = token.strip(EDGES)
        if english and HYPHENED_LETTERS.match(token):
            tokens += token.split("-")
        elif token:
            tokens.append(token)
    return tokens


def _english(tokens: list[str], known: list[str]) -> Ending | None:
    """What holds with whatever sign behind it."""
    if ends_in_initialism(tokens):
        return None
    if being_spelled(tokens, known):
        return Ending.SPELLING
    if unfinished_email(tokens) or unfinished_address(tokens):
        return Ending.ADDRESS
    if _in_a_date(tokens):
        return Ending.DATE
    return Ending.WORD if _never_last(tokens) else None


def _without_sign(tokens: list[str]) -> Ending:
    """How words end behind which the recogniser has put nothing, as behind most partial ones."""
    if _leans(tokens):
        return Ending.LEANING
    if all_told(tokens):
        return Ending.TOLD
    return Ending.ASKED if _asked(tokens) else Ending.OPEN


def _asked(tokens: list[str]) -> bool:
    start = 0
    while start < len(tokens) and tokens[start] in en.FILLERS | en.CALLS:
        start += 1
    said = tokens[start:]
    if len(said) >= en.REQUESTS_LEAST_WORDS and said[-1] == "please":
        return True
    asks = bool(said) and said[0] in en.QUESTION_WORDS | en.AUXILIARIES
    return asks and len(said) >= en.ASKS_LEAST_WORDS and said[-1] not in en.QUESTION_WORDS


def _in_a_date(tokens: list[str]) -> bool:
    of_month = tokens[-1] == "of" and len(tokens) > 1
    if of_month and (tokens[-2] in en.ORDINALS or DAY.match(tokens[-2])):
        return True
    tail = tokens[-BETWEEN_WORDS:]
    return "between" in tail and "and" not in tail and len(tokens) > 1


def _never_last(tokens: list[str]) -> bool:
    last = tokens[-1]
    if last == "i":
        return len(tokens) < 3 or tokens[-3] not in en.SO_DO
    if last in ("is", "are") and len(tokens) > 1 and tokens[-2] in en.ANNOUNCES:
        return not _asks(tokens)
    return last in en.NEVER_LAST or _only_opens(tokens)


def _only_opens(tokens: list[str]) -> bool:
    start = 0
    while start < len(tokens) and tokens[start] in en.FILLERS:
        start += 1
    return tuple(tokens[start:]) in en.OPENINGS


def _leans(tokens: list[str]) -> bool:
    """Few end on the last word, and none of the ways to do so is taken here."""
    if not tokens:
        return False
    last, before = tokens[-1], tokens[-2] if len(tokens) > 1 else ""
    if last in en.SUBJECTS and last != "i":
        return not (_asks(tokens) and before in en.AUXILIARIES)
    if last not in en.SELDOM_LAST:
        return False
    bare_question = len(tokens) == 1 and last in en.QUESTION_WORDS
    particle = last in en.PARTICLES and before in en.TAKE_PARTICLES
    answers = before in en.ANSWERS and (_asks(tokens) or _answers_shortly(tokens))
    thought = last in en.THOUGHT and before in en.THINKS
    return not (bare_question or _strands(tokens) or particle or answers or thought)


def _asks(tokens: list[str]) -> bool:
    return len(tokens) > 2 and any(token in en.QUESTION_WORDS for token in tokens[:-2])


def _strands(tokens: list[str]) -> bool:
    """A question that leaves its preposition behind: "what is it for"."""
    said = [token for token in tokens if token not in en.FILLERS]
    short = 2 < len(said) <= en.STRANDS_MOST_WORDS
    return short and said[0] in en.STRANDS and tokens[-1] in en.STRANDED


def _answers_shortly(tokens: list[str]) -> bool:
    return len(tokens) <= en.SHORT_ANSWER_MOST_WORDS and tokens[0] in en.SAYS_YES_OR_NO

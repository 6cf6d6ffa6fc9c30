"""What the user's words mean where the bot has asked whether it may: yes, no, or something else.

In doubt it is no yes. A yes is nothing but words of consent: with one word more it may be a
condition. One word of refusal makes it a no, whatever stands beside. English.
"""

from __future__ import annotations

from enum import StrEnum

from bargein.matching import FILLERS, MatchPolicy


class Answer(StrEnum):
    """What was understood."""

    YES = "yes"
    NO = "no"
    AGAIN = "again"
    """The question was not understood, or the answer said neither: it may be asked again."""
    OTHER = "other"
    """Something else, which the LLM answers."""


def _phrases(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(line.split()) for line in text.split("\n") for line in line.split(","))


YES = _phrases(
    "yes, yeah, yep, yup, yea, aye, sure, sure thing, okay, ok, fine, alright, all right,"
    "of course, certainly, absolutely, definitely, exactly, correct, confirm, confirmed,"
    "i confirm, go ahead, go for it, do it, do that, do so, please do, let's do it,"
    "let's do that, by all means, that's right, that is right, that's correct, that is correct,"
    "that's fine, that is fine, that's good, that works, works for me, sounds good,"
    "that sounds good, i agree, i'd like that, i would like that, i'd love that,"
    "that would be great, that would be nice, that would be lovely, that would be good, you may,"
    "you can"
)
"""Consent, each by itself."""
BESIDE = _phrases(
    "please, thanks, thank you, thank you very much, very much, now, then, and, so, well, oh,"
    "ah, right, great, perfect, good, lovely, i do, i would, do, it, that, with that, right now,"
    "just, no problem, no worries, not a problem, why not, can't wait"
)
"""What may stand beside it, and is none alone."""
REFUSALS = _phrases(
    "no, nope, nah, naw, not, never, cancel, stop, wait, hold on, hang on, later, instead,"
    "rather, forget it, never mind, nevermind, negative, wrong, abort, quit, neither, nothing,"
    "none, refuse"
)
"""Each makes it a no, wherever it stands."""
AGAIN = _phrases(
    "what, sorry, pardon, pardon me, excuse me, i'm sorry, i beg your pardon, come again, huh,"
    "what's that, say again, say that again, say it again, again, repeat, repeat that,"
    "repeat it, repeat the question, can you repeat that, could you repeat that,"
    "can you say that again, could you say that again, what was that, what did you say,"
    "what did you ask, what was the question, i didn't hear, i didn't hear you,"
    "i didn't hear that, i didn't catch that, i didn't get that, hello, are you there, mhm,"
    "mm-hm, mmhm, uh huh, uhhuh, hm, mm, mmm, hmm, oh, ah, right, well"
)
"""Nothing but this: not heard, or a murmur of which nobody knows what it means."""
NEGATIONS = ("n't",)
_READS = MatchPolicy(ignored_words=tuple(word for word in FILLERS if word not in ("hmm", "mm")))


def understood(text: str) -> Answer:
    """Say what the words mean."""
    words = _READS.words(text)
    if not words or _is_made_of(words, AGAIN | {("please",)}):
        return Answer.AGAIN
    if _is_made_of(words, YES | BESIDE) and _holds(words, YES):
        return Answer.YES
    left = _without(words, BESIDE)
    refuses = _holds(left, REFUSALS) or any(word.endswith(NEGATIONS) for word in left)
    return Answer.NO if refuses else Answer.OTHER


def _is_made_of(words: tuple[str, ...], phrases: frozenset[tuple[str, ...]]) -> bool:
    """Whether the words are phrases of these, one behind the other, in any way."""
    longest = max(map(len, phrases))
    reached = {0}
    for end in range(1, len(words) + 1):
        starts = range(max(0, end - longest), end)
        if any(start in reached and words[start:end] in phrases for start in starts):
            reached.add(end)
    return len(words) in reached


def _holds(words: tuple[str, ...], phrases: frozenset[tuple[str, ...]]) -> bool:
    spans = range(1, max(map(len, phrases)) + 1)
    return any(
        words[start : start + span] in phrases for span in spans for start in range(len(words))
    )


def _without(words: tuple[str, ...], phrases: frozenset[tuple[str, ...]]) -> tuple[str, ...]:
    """Leave out phrases of several words, like `no problem`, which are no refusal."""
    left: list[str] = []
    at = 0
    while at < len(words):
        longer = [each for each in phrases if len(each) > 1 and words[at : at + len(each)] == each]
        if longer:
            at += max(map(len, longer))
        else:
            left.append(words[at])
            at += 1
    return tuple(left)

"""Numbers that are told digit by digit: telephones, cards, codes; and whether all was told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bargein import unfinished_words as en

NUMERAL = re.compile(r"^\+?[\d(][\d()/-]*$")
FEW_SINGLES, FEW_GROUPS = 3, 3
"""So many digits, or groups of them, in a row are no amount, year or time."""
BARE_SINGLES = 2
"""The same where nothing else is said."""
LONG_NUMERAL, LONG_GROUP = 8, 3
"""Digits of a numeral that are no amount; digits of each of two groups that are none."""
CUE_WORDS = 5
"""So far before the number it is announced."""
LEADS_IN = frozenset({"is", "are", "was", "be", "it's", "in", "to", "uh", "um", "er"})
"""Between what announces a number and the number."""


@dataclass(slots=True)
class _Run:
    """The number at the end of a text."""

    groups: list[str] = field(default_factory=list)
    amount: bool = False
    """It has a "hundred" or a "point"."""
    broken_off: bool = False
    """It ends on "double" or "dash"."""

    @property
    def digits(self) -> int:
        return sum(len(group.removeprefix("+")) for group in self.groups)

    @property
    def all_single(self) -> bool:
        return all(len(group) == 1 for group in self.groups)

    @property
    def told_singly(self) -> bool:
        """Nobody says an amount, a year or a time like this."""
        singles = sum(len(group) == 1 for group in self.groups)
        first = self.groups[0]
        return (
            singles >= FEW_SINGLES
            or len(self.groups) >= FEW_GROUPS
            or (first.startswith(("0", "+")) and self.digits > 1)
            or any(len(group) >= LONG_NUMERAL for group in self.groups)
            or (len(self.groups) > 1 and min(map(len, self.groups)) >= LONG_GROUP)
        )


def being_told(tokens: list[str]) -> bool:
    """Whether the text ends within a number that is told in digits.

    A number of a known length is complete: 7, 10, 11, 15 or 16 digits, 5 of a zip code.
    """
    start = _start(tokens)
    run = _read(tokens[start:])
    if run.broken_off and (run.groups or tokens[-1] in en.REPEATS):
        return True
    if not run.groups or tokens[start:] in (["oh"], ["o"]):
        return False
    lengths = _announced(tokens[:start])
    if lengths is not None:
        return run.digits not in lengths
    bare = start == 0 and len(run.groups) >= BARE_SINGLES and run.all_single
    return not run.amount and (run.told_singly or bare) and run.digits not in en.LENGTHS


def all_told(tokens: list[str]) -> bool:
    """Whether the text ends with a number told in digits that has no more of them.

    Of seven digits nobody knows: a telephone number may have three more.
    """
    start = _start(tokens)
    run = _read(tokens[start:])
    if not run.groups or run.broken_off or run.amount or not run.told_singly:
        return False
    lengths = _announced(tokens[:start])
    known = en.LENGTHS if lengths is None else lengths
    return run.digits in known - en.MAY_GO_ON


def _start(tokens: list[str]) -> int:
    start = len(tokens)
    while start and _belongs(tokens[start - 1]):
        start -= 1
    return start


def _belongs(token: str) -> bool:
    words = (en.DIGITS, en.TEENS, en.TENS, en.MAGNITUDES, en.REPEATS, en.JOINTS)
    return any(token in kind for kind in words) or bool(NUMERAL.match(token))


def _read(tokens: list[str]) -> _Run:
    run, times, in_tens = _Run(), 1, False
    for token in tokens:
        run.broken_off = token in en.REPEATS or token in en.JOINTS
        run.amount = run.amount or token in en.MAGNITUDES or token == "point"
        digit = en.DIGITS.get(token)
        if digit and in_tens and digit != "0":
            run.groups[-1] = run.groups[-1][:-1] + digit
        elif digit:
            run.groups += [digit] * times
        elif NUMERAL.match(token):
            run.groups.append(re.sub(r"[^\d+]", "", token))
        elif number := en.TEENS.get(token) or en.TENS.get(token):
            run.groups.append(number)
        times, in_tens = en.REPEATS.get(token, 1), token in en.TENS
    return run


def _announced(before: list[str]) -> frozenset[int] | None:
    """How many digits the number has that these words announce; None if they announce none."""
    if not before or not (before[-1] in LEADS_IN or before[-1] in en.TOLD_LENGTHS):
        return None
    near = before[-CUE_WORDS:]
    if "number" in near and _counts(near):
        return None
    cues = [token for token in near if token in en.TOLD_LENGTHS]
    named = [cue for cue in cues if cue != "number"] or cues
    return en.TOLD_LENGTHS[named[0]] if named else None


def _counts(near: list[str]) -> bool:
    """The number of a room or of guests, not one of many digits."""
    at = near.index("number")
    return (near[at - 1 : at] and near[at - 1] in en.COUNTED) or near[at + 1 : at + 2] == ["of"]

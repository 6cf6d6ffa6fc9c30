"""Names, codes and addresses that are told in parts, and whether more of them must come."""

from __future__ import annotations

from bargein import unfinished_words as en

SPELLING_WORDS = 3
"""So far before its first letter it is said that a name is spelled."""
CODE_PARTS = 3
"""So many letters and digits in a row are a code, and no "gate B twelve"."""
EMAIL_WORDS = 8
"""So far back a "dot" or an "e-mail" still speaks of the same address."""


def being_spelled(tokens: list[str], known: list[str] | None = None) -> bool:
    """Whether the text ends within letters: "S M I", "S as in Sam", "Sierra Mike".

    A name that was said before, here or among the words `known`, is complete when its letters are.
    """
    if tokens[-1] in en.NATO and tokens[-2:-1] and tokens[-2] in en.NATO:
        return True
    before, letters = _letters(tokens)
    if not letters or "".join(letters) in [*before, *(known or ())]:
        return False
    by_words = len(tokens) - len(before) > len(letters)
    return len(letters) > 1 or by_words or _begins_to_spell(letters[0], before)


def _begins_to_spell(letter: str, before: list[str]) -> bool:
    """One letter does, behind "spelled" and behind the name itself: "Smith, S"."""
    if en.SPELLING_CUES & set(before[-SPELLING_WORDS:]):
        return True
    return bool(before) and len(before[-1]) > 1 and before[-1][0] == letter not in "ai"


def _letters(tokens: list[str]) -> tuple[list[str], list[str]]:
    """The text before the letters at its end, and these letters."""
    rest, letters = list(tokens), []
    digits = 0
    while rest:
        if _as_in(rest):
            at = max(n for n, token in enumerate(rest) if _is_letter(token) and n < len(rest) - 1)
            letters.append(rest[at])
            rest = rest[:at]
        elif _is_letter(rest[-1]):
            letters.append(rest.pop())
        elif rest[-1] in en.DIGITS or rest[-1].isdigit():
            digits += 1
            letters.append(rest.pop())
        else:
            break
    if digits and (digits == len(letters) or len(letters) < CODE_PARTS):
        return tokens, []
    return rest, letters[::-1]


def _as_in(tokens: list[str]) -> bool:
    """It ends on a letter told by a word: "s as in", "s as in sam", "b for", "b for boy"."""
    for length, link in ((3, ["as", "in"]), (2, ["for"]), (2, ["as"])):
        for word in (0, 1):
            tail = tokens[-length - word :]
            told = len(tail) == length + word and tail[1:length] == link
            if told and _is_letter(tail[0]) and (link != ["for"] or tail[0] not in "ai"):
                return True
    return False


def _is_letter(token: str) -> bool:
    return len(token) == 1 and token.isalpha()


def ends_in_initialism(tokens: list[str]) -> bool:
    """Whether the letters at the end are a word: "p m", "t v", and with an article "a t v"."""
    start = len(tokens)
    while start and _is_letter(tokens[start - 1]):
        start -= 1
    word = "".join(tokens[start:])
    bare = word[1:] if word[:1] in ("a", "i") else ""
    return len(word) > 1 and (word in en.INITIALISMS or bare in en.INITIALISMS)


def unfinished_email(tokens: list[str]) -> bool:
    """Whether the text ends within an e-mail address, as it is said or written."""
    last, tail = tokens[-1], tokens[-EMAIL_WORDS:]
    if "@" in last:
        return "." not in last.split("@")[-1]
    if last == "dot":
        return True
    if last in en.TOP_DOMAINS and tokens[-2:-1] == ["dot"]:
        return False
    announced = en.EMAIL_CUES & set(tail) and "is" in tail and last != "is"
    if announced and any("@" in token for token in tail):
        return False
    return bool(announced) or ("dot" in tail and tail[-1] != "dot")


def unfinished_address(tokens: list[str]) -> bool:
    """Whether it is a house's number with no street yet: "I live at twelve Oak"."""
    for cue in en.HOME_CUES:
        for start in range(len(tokens) - len(cue)):
            if tuple(tokens[start : start + len(cue)]) == cue:
                told = tokens[start + len(cue) :]
                return (
                    _numbered(told[0])
                    and len(told) <= en.STREET_MOST_WORDS
                    and not (en.STREETS & set(told))
                )
    return False


def _numbered(token: str) -> bool:
    return token.isdigit() or any(token in kind for kind in (en.ONES, en.TEENS, en.TENS))

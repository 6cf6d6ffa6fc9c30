"""What is wrong in a configuration: problems are gathered, and reported all at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bargein.errors import ConfigError, Place


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it stands, what it is, and the way out."""

    place: Place
    message: str
    cause: BaseException | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """Give the one line that a user reads."""
        return f"{self.place}: {' '.join(self.message.split())}"


class InvalidConfigError(ConfigError):
    """Every mistake that one load found; its text has one line for each, in order of place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Sort the problems by place and keep the first as the error's own place."""
        # A --set has no line; it sorts behind the files.
        ordered = sorted(
            dict.fromkeys(problems),
            key=lambda problem: (
                problem.place.line == 0,
                problem.place.file,
                problem.place.line,
                problem.place.column,
            ),
        )
        super().__init__("\n".join(str(problem) for problem in ordered))
        self.problems = tuple(ordered)
        self.place = ordered[0].place


def problems_of(error: ConfigError, elsewhere: Place) -> tuple[Problem, ...]:
    """Give the problems that an error is about; one without a place stands `elsewhere`."""
    if isinstance(error, InvalidConfigError):
        return error.problems
    message = str(error).removeprefix(f"{error.place}: ")
    return (Problem(error.place or elsewhere, message, error.__cause__),)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that a word is most like, if it is like one."""
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


def guess(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?`, or nothing when no known name is near."""
    near = nearest(word, known)
    return f" Did you mean {near!r}?" if near else ""


def did_you_mean(word: str, known: Iterable[str], *, most: int = 16) -> str:
    """Return ` Did you mean 'x'? Known: a, b.`, with at most `most` known names, or nothing."""
    names = list(dict.fromkeys(known))
    rest = ", ..." if len(names) > most else "."
    known_names = f" Known: {', '.join(names[:most])}{rest}" if names else ""
    return guess(word, names) + known_names

"""What the recogniser still says of a sound that was rejected; pure.

Words are late: those of a sound may come when the next one is judged already. What was told of
the rejected sound is known, so it is struck from what comes next, until the recogniser is done
with that sound. Words that are told for the first time in the next contest can't be told from
the words of its own sound, and count.
"""

from __future__ import annotations

from dataclasses import dataclass

from bargein.verdict import normal


@dataclass(slots=True)
class Leftover:
    """The words of rejected sounds that the recogniser is not done with."""

    _told: tuple[str, ...] = ()
    """Of what the recogniser has under way."""
    _void: tuple[str, ...] = ()
    """So much of it was rejected."""

    def strike(self, text: str, *, final: bool) -> str:
        """Give the words of a transcript that were not rejected; a final one is the last."""
        words = tuple(text.split())
        void = len(self._void) if _begins(words, self._void) else 0
        self._told = () if final else words
        if final:
            self._void = ()
        return " ".join(words[void:]) if void else text

    def reject(self) -> None:
        """What was told so far belongs to no turn."""
        self._void = self._told

    def forget(self) -> None:
        """A turn is open, or the recogniser has nothing more to say: all that comes counts."""
        self._told = self._void = ()


def _begins(words: tuple[str, ...], with_these: tuple[str, ...]) -> bool:
    """Whether they do, whatever the case and the marks around them."""
    begun = words[: len(with_these)]
    return tuple(map(normal, begun)) == tuple(map(normal, with_these))

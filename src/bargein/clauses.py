"""When a piece of a reply goes to the voice: the first clause at once, then whole sentences.

Until something was handed over the listener hears nothing, so the first piece is the first clause
that can stand alone. While the voice still has enough to say, whole sentences are waited for, for
a sentence said as one sounds best. Where the voice would run dry before the sentence ends (a slow
model, a long sentence), the next clause goes out as the first one did.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bargein.clause_ends import Cut, Kind, cuts

MS_PER_CHARACTER = 60.0
"""Speech of 165 words a minute, at six characters a word with its space."""
UNPUNCTUATED = 3
"""Before a conjunction there must be so many times `min_words`: "bread and butter" is one piece."""
LONGEST_WORDS = 60
"""A sentence of more words is cut at its last clause, even while the voice has enough to say."""


@dataclass(frozen=True, slots=True)
class ClauseRules:
    """How small and how large the first piece may be."""

    min_words: int = 2
    """A shorter clause is joined with what follows: so little is over before more can be said."""
    max_words: int = 8
    """The first piece has no more; it is cut at the best place there is."""
    bridge_ms: float = 600
    """The voice runs dry when it has no more than this to say: what is handed over now takes about
    so long to be heard."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What the voice is to say next."""

    text: str
    """Without whitespace around it."""
    goes_on: bool
    """Its sentence is not over: the voice may not fall."""


@dataclass(slots=True)
class Clauses:
    """Makes pieces of the tokens of one reply after another.

    Joined with spaces the pieces of a reply are its text, whatever its tokens were (a comma that
    was glued to the next word may get one); whitespace other than one space is kept only inside a
    piece. Times are milliseconds of any one clock.
    """

    rules: ClauseRules = field(default_factory=ClauseRules)
    _text: str = ""
    _spoken_until_ms: float = float("-inf")

    def add(self, token: str, now_ms: float) -> list[Piece]:
        """Take more of the reply; gives what can be said by now, which often is nothing."""
        self._text += token
        pieces: list[Piece] = []
        while cut := self._choose(now_ms):
            pieces.append(self._take(cut, now_ms))
        return pieces

    def end(self) -> list[Piece]:
        """The reply is over: gives the rest of it, if there is one."""
        rest = self._text.strip()
        self.clear()
        return [Piece(rest, goes_on=False)] if rest else []

    def clear(self) -> None:
        """Forget the reply; the next token begins another one."""
        self._text, self._spoken_until_ms = "", float("-inf")

    def _take(self, cut: Cut, now_ms: float) -> Piece:
        text, self._text = self._text[: cut.at].strip(), self._text[cut.at :]
        lasts_ms = len(text) * MS_PER_CHARACTER
        self._spoken_until_ms = max(self._spoken_until_ms, now_ms) + lasts_ms
        return Piece(text, goes_on=cut.kind is not Kind.SENTENCE)

    def _choose(self, now_ms: float) -> Cut | None:
        """The place at which the next piece ends, if that can be said by now."""
        dry = self._spoken_until_ms - now_ms <= self.rules.bridge_ms
        most_words = self.rules.max_words if dry else LONGEST_WORDS
        found: list[Cut] = []
        for cut in cuts(self._text):
            if self._will_do(cut, dry=dry) and (cut.words <= most_words or not found):
                return cut
            found.append(cut)
            if cut.words >= most_words:
                return self._best(found, most_words)
        return None

    def _will_do(self, cut: Cut, *, dry: bool) -> bool:
        times = UNPUNCTUATED if cut.kind is Kind.CONJUNCTION else 1
        least = Kind.CONJUNCTION if dry else Kind.SENTENCE
        return cut.kind >= least and cut.words >= times * self.rules.min_words

    def _best(self, found: list[Cut], most_words: int) -> Cut | None:
        """The best place in a text that is as long as it may be."""
        long = [cut for cut in found if cut.words >= self.rules.min_words]
        fitting = [cut for cut in long if most_words / 2 < cut.words <= most_words]
        return max(fitting or long[:1], key=lambda cut: (cut.kind, cut.words), default=None)

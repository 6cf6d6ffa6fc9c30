"""What an act of the user's waits for: `bot_started`, `bot_word("farms")`, `floor("listening")`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bargein.config.problems import did_you_mean
from bargein.rehearsal.moments import Moment, What

CUES = (
    What.CONNECTED,
    What.WELCOMED,
    What.BOT_STARTED,
    What.BOT_STOPPED,
    What.BOT_WORD,
    What.FLOOR,
    What.USER_STOPPED,
    What.MUTED,
    What.UNMUTED,
    What.CONTESTED,
    What.ACCEPTED,
    What.REJECTED,
    What.TRANSCRIPT,
    What.SENT,
    What.DISREGARDED,
    What.MADE,
    What.PREDICTED,
    What.CONFIRMED,
    What.DROPPED,
    What.ASKED,
    What.ERROR,
)
WITH_TEXT = {What.BOT_WORD: "coffee", What.FLOOR: "listening"}
"""These are about a text, which is written behind them; with an example of one."""
TEXT_CUE = re.compile(r"""(\w+)\(\s*(?:"([^"]+)"|'([^']+)'|([^"')]+?))\s*\)""")
NOT_LETTERS = re.compile(r"[^\w']+")


@dataclass(frozen=True, slots=True)
class Cue:
    """A kind of moment, and the text of those that are about one."""

    what: What
    text: str = ""

    def fits(self, moment: Moment) -> bool:
        """Whether this is what was waited for."""
        return moment.what is self.what and (not self.text or bare(moment.text) == bare(self.text))

    def __str__(self) -> str:
        """Give it as a scenario writes it."""
        return f'{self.what}("{self.text}")' if self.text else self.what


def read_cue(written: str) -> Cue:
    """Read a cue; ValueError says what it might have meant."""
    found = TEXT_CUE.fullmatch(written.strip())
    name, text = (found[1], found[2] or found[3] or found[4]) if found else (written.strip(), "")
    what = next((cue for cue in CUES if cue == name), None)
    if what is None:
        known = [f'{cue}("...")' if cue in WITH_TEXT else str(cue) for cue in CUES]
        raise ValueError(f"nothing is called {name!r}.{did_you_mean(name, known)}")
    if (what in WITH_TEXT) != bool(text):
        raise ValueError(f"write {Cue(what, WITH_TEXT.get(what, ''))}.")
    return Cue(what, text)


def bare(word: str) -> str:
    """Drop case and punctuation."""
    return NOT_LETTERS.sub("", word).lower()

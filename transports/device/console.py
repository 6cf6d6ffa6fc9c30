"""What a talk at this machine shows: a line for each thing that was said, and who has the floor."""

from __future__ import annotations

import sys
from typing import TextIO

from bargein.floor import Floor
from bargein.protocol import (
    Accepted,
    Contested,
    Error,
    Message,
    Reason,
    Rejected,
    State,
    Transcript,
    Words,
)

SHOWN = {
    Floor.IDLE: "quiet",
    Floor.LISTENING: "listening",
    Floor.PROCESSING: "thinking",
    Floor.SPEAKING: "speaking",
    Floor.CONTESTED: "speaking: was that you?",
}
BECAUSE = {
    Reason.NO_SPEECH: "a noise",
    Reason.ECHO: "its own voice",
    Reason.BACKCHANNEL: "a murmur",
    Reason.TIMEOUT: "nothing clear",
}
BOT_HAS_IT = frozenset({Floor.SPEAKING, Floor.CONTESTED})
CLEAR_LINE = "\r\x1b[K"


class Narrator:
    """Remembers what was said last; gives the lines that each message adds."""

    def __init__(self) -> None:
        """Begin in silence."""
        self.floor = Floor.IDLE
        self._words: dict[int, dict[int, str]] = {}
        self._you = ""

    def take(self, message: Message) -> list[str]:
        """Give what a message of the server's adds; nothing for most."""
        match message:
            case State(state=floor):
                return self._move(floor)
            case Contested():
                self.floor = Floor.CONTESTED
            case Accepted(heard_text=heard):
                self._words.clear()
                self.floor = Floor.LISTENING
                return [f"bot  {heard} ... (interrupted)" if heard else "bot  (interrupted)"]
            case Rejected(reason=reason):
                self.floor = Floor.SPEAKING
                return [f"     ({BECAUSE[reason]}: the bot went on)"]
            case Words(utterance=utterance, first_word=first, words=words):
                held = self._words.setdefault(utterance, {})
                held.update((first + i, each.text) for i, each in enumerate(words))
            case Transcript(text=text, final=True) if text and text != self._you:
                self._you = text
                return [f"you  {text}"]
            case Error(message=text):
                return [f"     {text}"]
        return []

    def _move(self, floor: Floor) -> list[str]:
        before, self.floor = self.floor, floor
        if floor is Floor.LISTENING:
            self._you = ""
        if before not in BOT_HAS_IT or floor in BOT_HAS_IT:
            return []
        said, self._words = self._words, {}
        return [f"bot  {' '.join(held[i] for i in sorted(held))}" for held in said.values()]


class Console:
    """Writes the lines; on a terminal, the last one says who has the floor."""

    def __init__(self, to: TextIO | None = None) -> None:
        """Write to standard output, if to nothing else."""
        self._to = to or sys.stdout
        self._live = self._to.isatty()
        self._narrator = Narrator()

    def note(self, message: Message) -> None:
        """A message goes to the client."""
        before = self._narrator.floor
        lines = self._narrator.take(message)
        if lines or self._narrator.floor is not before:
            self.say(*lines)

    def say(self, *lines: str) -> None:
        """Write these lines, and who has the floor behind them."""
        clear = CLEAR_LINE if self._live else ""
        state = f"     ({SHOWN[self._narrator.floor]})" if self._live else ""
        text = "".join(f"{line}\n" for line in lines)
        self._to.write(f"{clear}{text}{state}")
        self._to.flush()

    def end(self) -> None:
        """Nothing more will be said: leave no half line behind."""
        if self._live:
            self._to.write(CLEAR_LINE)
            self._to.flush()

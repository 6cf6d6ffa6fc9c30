"""What an accepted barge-in left of the bot's speech, and how a later position corrects it."""

from __future__ import annotations

from dataclasses import dataclass

from bargein.utterance import Utterance


@dataclass(frozen=True, slots=True)
class Cut:
    """What was heard, what was not, and what to say to go on."""

    utterance: int
    cut_samples: int
    heard: str
    """What was heard of the cut utterance."""
    unheard: str
    """What was not heard of it and of all that waited behind it."""
    remainder: str
    """What to say to go on: from the start of the cut sentence. Empty if all was heard."""
    heard_in_reply: str
    """All that was heard since the last message was committed to the context."""
    committed: tuple[tuple[int, str], ...] = ()
    """The last messages that were committed, by number: one of them may still be on its way."""
    number: int = 0
    """Counts the cuts of a session: a correction has the number of the cut that it corrects."""


@dataclass(slots=True)
class LastCut:
    """What was cut, in case the listener's last word tells another place."""

    number: int
    named: int
    """The utterance at which the cut was made."""
    said: tuple[str, ...]
    committed: tuple[tuple[int, str], ...]
    utterances: list[Utterance]
    estimate: bool

    def cut(self) -> Cut:
        """The cut, by what is known of the listener's position."""
        waiting = [each for each in self.utterances if not each.done]
        played = self.utterances[-1] if self.utterances else Utterance(self.named)
        head, behind = (waiting[0], waiting[1:]) if waiting else (played, [])
        rest = [text for each in behind if (text := each.words.text())]
        count = head.count_heard
        unheard = head.words.text(count)
        remainder = head.words.text(head.words.sentence_start(count)) if unheard else ""
        left = [remainder] if not head.aside else []
        left += [each.words.text() for each in behind if not each.aside]
        return Cut(
            utterance=head.id,
            cut_samples=head.played,
            heard=head.words.text(0, count),
            unheard=" ".join(filter(None, [unheard, *rest])),
            remainder=" ".join(filter(None, left)),
            heard_in_reply=self._heard(),
            committed=self.committed,
            number=self.number,
        )

    def is_told_by(self, utterance: int, *, final: bool) -> bool:
        """Whether a position in this utterance says anything about the cut."""
        ids = [each.id for each in self.utterances]
        return utterance in ids or (final and self.estimate and utterance < min(ids, default=0))

    def move(self, utterance: int, played_samples: int) -> None:
        """Take the listener's position: it replaces an estimate, and then only grows."""
        for each in self.utterances:
            known = each.said_before if self.estimate else each.played
            if each.id < utterance:
                each.played = each.reached
            elif each.id == utterance:
                each.played = max(known, min(played_samples, each.reached))
            else:
                each.played = known
        self.estimate = False

    def _heard(self) -> str:
        """All that was heard of the reply."""
        said = (each for each in self.utterances if not each.aside)
        cut = (each.words.text(0, each.count_heard) for each in said)
        return " ".join(filter(None, [*self.said, *cut]))

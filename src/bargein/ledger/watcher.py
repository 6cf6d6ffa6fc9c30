"""What the plugs tell a ledger, and who hears it where none is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bargein.cut import Cut
from bargein.endpointing import EndedBy
from bargein.failover import FailedOver
from bargein.latency import Stage
from bargein.protocol import Message
from bargein.speculation import Prediction, Resolved


class Watcher:
    """Hears of everything and decides nothing; this one forgets it at once.

    The methods of one that is built on it may neither raise nor take long.
    """

    @property
    def needs_standing(self) -> bool:
        """Whether `told` is to be given the arbiter's state."""
        return False

    def told(
        self,
        name: str,
        facts: Mapping[str, Any],
        standing: Mapping[str, Any],
        orders: Sequence[Any],
    ) -> None:
        """The arbiter was told something; see `witness.py`."""

    def window(self, **seen: float) -> None:
        """What the next window is like that the arbiter is told of: probability, level_db, ..."""

    def received(self, message: Message) -> None:
        """A valid message came from the client."""

    def sent(self, message: Message) -> None:
        """A message goes to the client."""

    def sent_audio(self, utterance: int) -> None:
        """A packet of the bot's voice goes to the client."""

    def sounds(self, utterance: int, at_sample: int) -> None:
        """Of this utterance, which is on its way, the first sample that can be heard is this."""

    def cut(self, cut: Cut) -> None:
        """The bot was cut off here; or, for a known number, the cut was really here."""

    def resumed(self) -> None:
        """The bot takes up what was cut off."""

    def stage(self, stage: Stage) -> None:
        """The reply has reached this stage, as frames in the pipeline tell."""

    def words_stand(self) -> None:
        """The turn ends on words that are not final yet; they are told as if they were, next."""

    def turn_over(self, ended_by: EndedBy) -> None:
        """The user's turn is about to be called complete, for this reason."""

    def predicted(self, prediction: Prediction) -> None:
        """A reply is begun while the turn is still open; its stages belong to the prediction."""

    def resolved(self, resolved: Resolved) -> None:
        """A prediction is over; of all but the confirmed one, the stages never were."""

    def client_lost(self) -> None:
        """The client's connection is lost; the session waits for it."""

    def client_returned(self) -> None:
        """Another connection has taken the session up."""

    def failed_over(self, failed_over: FailedOver) -> None:
        """A part has failed, and another one has taken over."""

    def close(self) -> None:
        """The session is over."""


NOBODY = Watcher()

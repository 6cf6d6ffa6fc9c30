"""Keeps a ledger that fails from harming the conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from loguru import logger

from bargein.cut import Cut
from bargein.endpointing import EndedBy
from bargein.failover import FailedOver
from bargein.latency import Stage
from bargein.ledger.watcher import Watcher
from bargein.protocol import Message
from bargein.speculation import Prediction, Resolved


class LedgerGuard(Watcher):
    """Passes on what is heard; if the ledger raises, it is logged once and hears no more."""

    def __init__(self, watcher: Watcher) -> None:
        """Guard this one."""
        self._watcher: Watcher | None = watcher
        self._needs_standing = watcher.needs_standing

    @property
    def needs_standing(self) -> bool:
        """Whether the one that is guarded wants to know the arbiter's state."""
        return self._needs_standing

    def told(
        self,
        name: str,
        facts: Mapping[str, Any],
        standing: Mapping[str, Any],
        orders: Sequence[Any],
    ) -> None:
        """The arbiter was told something."""
        self._pass_on(lambda to: to.told(name, facts, standing, orders))

    def window(self, **seen: float) -> None:
        """What the next window is like."""
        self._pass_on(lambda to: to.window(**seen))

    def received(self, message: Message) -> None:
        """A message came from the client."""
        self._pass_on(lambda to: to.received(message))

    def sent(self, message: Message) -> None:
        """A message goes to the client."""
        self._pass_on(lambda to: to.sent(message))

    def sent_audio(self, utterance: int) -> None:
        """A packet of the bot's voice goes to the client."""
        self._pass_on(lambda to: to.sent_audio(utterance))

    def sounds(self, utterance: int, at_sample: int) -> None:
        """Where the utterance can be heard first."""
        self._pass_on(lambda to: to.sounds(utterance, at_sample))

    def cut(self, cut: Cut) -> None:
        """The bot was cut off here."""
        self._pass_on(lambda to: to.cut(cut))

    def resumed(self) -> None:
        """The bot takes up what was cut off."""
        self._pass_on(lambda to: to.resumed())

    def stage(self, stage: Stage) -> None:
        """The reply has reached this stage."""
        self._pass_on(lambda to: to.stage(stage))

    def words_stand(self) -> None:
        """The words that are told next are not the recogniser's final ones."""
        self._pass_on(lambda to: to.words_stand())

    def turn_over(self, ended_by: EndedBy) -> None:
        """Why the turn is about to end."""
        self._pass_on(lambda to: to.turn_over(ended_by))

    def predicted(self, prediction: Prediction) -> None:
        """A reply is begun while the turn is still open."""
        self._pass_on(lambda to: to.predicted(prediction))

    def resolved(self, resolved: Resolved) -> None:
        """A prediction is over."""
        self._pass_on(lambda to: to.resolved(resolved))

    def client_lost(self) -> None:
        """The client's connection is lost."""
        self._pass_on(lambda to: to.client_lost())

    def client_returned(self) -> None:
        """The client is back."""
        self._pass_on(lambda to: to.client_returned())

    def failed_over(self, failed_over: FailedOver) -> None:
        """Another part has taken over."""
        self._pass_on(lambda to: to.failed_over(failed_over))

    def close(self) -> None:
        """The session is over."""
        self._pass_on(lambda to: to.close())

    def _pass_on(self, tell: Callable[[Watcher], None]) -> None:
        if self._watcher is None:
            return
        try:
            tell(self._watcher)
        except Exception:  # the outermost plug: nothing may stop the voice
            self._watcher = None
            logger.exception("the ledger of this session has failed and ends here")

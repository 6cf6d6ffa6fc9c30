"""Decides when a transcript is taken for complete before the turn is over, and when no more.

It is told of words, of silence and of the turn; it answers with orders. One prediction at
a time: it is dropped before the next is made. No clock, no I/O.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bargein.matching import MatchPolicy
from bargein.recogniser_lag import RecogniserLag
from bargein.speculation import Because, Outcome, Prediction

MINUTE_MS = 60_000
THRIFTY_SHARE = 0.5
"""Of what a turn or a minute may cost: once so much is gone, only those words are answered that
most likely are all."""
THRIFTY_PAUSE_MS = 128
"""No word has a silence inside that lasts so long."""
SENTENCE_ENDS = (".", "?", "!", "\u3002", "\uff1f", "\uff01")
"""Also the full-width ones of Chinese and Japanese."""


@dataclass(frozen=True, slots=True)
class SpeculationRules:
    """What a prediction needs, and what it may cost."""

    pause_ms: float = 32
    """With so much silence, words are answered at once; short ones are inside words, too."""
    stable_ms: float = 700
    """Words that have not changed for so long are answered even in mid-speech."""
    sentence_ms: float = 250
    """And so long, if the recogniser has ended a sentence behind them."""
    min_words: int = 1
    max_predictions: int = 12
    """In one turn."""
    max_wasted_tokens_per_minute: int = 30_000
    expires_ms: float = 10_000
    """A turn that is not over by then gets its reply anew."""
    wait_for_final: bool = False
    """Whether a turn may only end on a final transcript."""
    policy: MatchPolicy = field(default_factory=MatchPolicy)


@dataclass(frozen=True, slots=True)
class Predict:
    """Begin a reply to these words, and hold it."""

    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Drop:
    """Cancel the reply; nothing of it was ever there."""

    prediction: Prediction
    outcome: Outcome


Order = Predict | Drop


@dataclass(slots=True)
class Predictor:
    """See the module; times are milliseconds of the caller's monotonic clock."""

    rules: SpeculationRules = field(default_factory=SpeculationRules)
    live: Prediction | None = None
    """The reply that is held."""
    lag: RecogniserLag = field(default_factory=RecogniserLag)
    bot_busy: bool = False
    """Whether another reply is being made or said: what came of this one would mix with it."""
    _open: bool = False
    _text: str = ""
    _changed_ms: float = 0
    _grown_ms: float = 0
    """When the number of words changed last: a word that is corrected later was there."""
    _last_speech_ms: float | None = None
    """None while the user speaks."""
    _made: int = 0
    """Predictions in this turn."""
    _count: int = 0
    _hopeless: str | None = None
    """Words to which no reply could be made, or whose reply waited for too long."""
    _wasted: deque[tuple[float, int]] = field(default_factory=deque)

    # --- what it is told --------------------------------------------------------------

    def turn_opened(self, now_ms: float) -> None:
        """The user has the floor; the words of the turn are told next."""
        self._open, self._made, self._hopeless = True, 0, None
        self._text, self._changed_ms, self._grown_ms = "", now_ms, now_ms

    def words(self, text: str, now_ms: float) -> list[Order]:
        """The words of the turn so far, all of them."""
        same = self._policy.same(self._text, text)
        if len(self._policy.words(self._text)) != len(self._policy.words(text)):
            self._grown_ms = now_ms
        self._text = text
        if not same:
            self._changed_ms = now_ms
        if self.live and not self._policy.same(self.live.text, text):
            return [*self.void(Outcome.OTHER_WORDS), *self._consider(now_ms)]
        return self._consider(now_ms)

    def silence(self, silence_ms: float, now_ms: float) -> list[Order]:
        """The user has been silent for so long; 0 while there is speech."""
        self._last_speech_ms = now_ms - silence_ms if silence_ms else None
        return self._consider(now_ms)

    def eager(self, text: str, now_ms: float) -> list[Order]:
        """The recogniser itself takes this, the whole turn, for complete."""
        orders = self.words(text, now_ms)
        return orders if self.live else orders + self._predict(Because.EAGER, now_ms)

    def tick(self, now_ms: float) -> list[Order]:
        """Time has passed."""
        if self.live and now_ms - self.live.at_ms >= self.rules.expires_ms:
            return self.void(Outcome.EXPIRED)
        return self._consider(now_ms)

    def wasted(self, tokens: int, now_ms: float) -> None:
        """A dropped reply has cost so many tokens."""
        self._wasted.append((now_ms, tokens))

    # --- what it answers --------------------------------------------------------------

    def may_stand(self, now_ms: float) -> bool:
        """Whether the partial words may stand for the final ones: all that was said is there."""
        if self.rules.wait_for_final or self.live is None or self._last_speech_ms is None:
            return False
        if not self._policy.same(self.live.text, self._text):
            return False
        return now_ms - self._last_speech_ms >= self.lag.settled_ms

    def confirm(self, text: str) -> Prediction | None:
        """The turn is over with these words: the reply that is there already, if it answers them.

        Whatever is live then is over; one that does not answer them is left for `void`.
        """
        if self.live is None or not self._policy.same(self.live.text, text):
            return None
        confirmed, self.live = self.live, None
        return confirmed

    def turn_over(self) -> None:
        """The turn is over, with or without a reply; its final transcript may still come."""
        self._open = False

    def void(self, outcome: Outcome) -> list[Order]:
        """What is live is of no use any more."""
        if self.live is None:
            return []
        live, self.live = self.live, None
        if outcome in (Outcome.EXPIRED, Outcome.FAILED):
            self._hopeless = live.text
        return [Drop(live, outcome)]

    def learn(self, final: str, now_ms: float) -> None:
        """This was the final transcript of what was said last.

        A word that it only corrects was there: to wait for it would be to wait for the final.
        """
        if self._last_speech_ms is None:
            return
        complete = len(self._policy.words(self._text)) == len(self._policy.words(final))
        self.lag.note((self._grown_ms if complete else now_ms) - self._last_speech_ms)

    # --- inside -----------------------------------------------------------------------

    @property
    def _policy(self) -> MatchPolicy:
        return self.rules.policy

    @property
    def _stable_ms(self) -> float:
        ended = self._text.rstrip().endswith(SENTENCE_ENDS)
        return self.rules.sentence_ms if ended else self.rules.stable_ms

    def _consider(self, now_ms: float) -> list[Order]:
        because = self._because(now_ms)
        return self._predict(because, now_ms) if because and not self.live else []

    def _because(self, now_ms: float) -> Because | None:
        silent_since = self._last_speech_ms
        thrifty = self._thrifty(now_ms)
        pause_ms = max(self.rules.pause_ms, THRIFTY_PAUSE_MS) if thrifty else self.rules.pause_ms
        if silent_since is not None and now_ms - silent_since >= pause_ms:
            return Because.PAUSE
        if thrifty or now_ms - self._changed_ms < self._stable_ms:
            return None
        ended = self._text.rstrip().endswith(SENTENCE_ENDS)
        return Because.PUNCTUATION if ended else Because.STABLE

    def _thrifty(self, now_ms: float) -> bool:
        return (
            self._made >= THRIFTY_SHARE * self.rules.max_predictions
            or self._spent(now_ms) >= THRIFTY_SHARE * self.rules.max_wasted_tokens_per_minute
        )

    def _predict(self, because: Because, now_ms: float) -> list[Order]:
        if not self._worth_a_try(now_ms):
            return []
        self._made += 1
        self._count += 1
        self.live = Prediction(self._count, self._text, now_ms, because)
        return [Predict(self.live)]

    def _worth_a_try(self, now_ms: float) -> bool:
        if (
            not self._open
            or self.bot_busy
            or len(self._policy.words(self._text)) < self.rules.min_words
        ):
            return False
        if self._hopeless is not None and self._policy.same(self._hopeless, self._text):
            return False
        affordable = self._spent(now_ms) < self.rules.max_wasted_tokens_per_minute
        return self._made < self.rules.max_predictions and affordable

    def _spent(self, now_ms: float) -> int:
        """The tokens wasted in the last minute."""
        while self._wasted and now_ms - self._wasted[0][0] > MINUTE_MS:
            self._wasted.popleft()
        return sum(tokens for _, tokens in self._wasted)

"""What a script answers, turn by turn.

The whole state follows from what the user said and what the tools gave back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bargein import pattern
from bargein.script import Question, Script, Topic
from bargein.script_calls import (
    OTHER_ERROR,
    Call,
    Failed,
    Filled,
    Outcome,
    Returned,
    call_with,
    in_words,
    slots_from,
)

DID_NOT_WORK = "Sorry, that did not work."
"""Said of an error for which the script has no words."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A topic whose answer waits until its items are complete."""

    topic: Topic
    items: tuple[pattern.Item, ...]

    def question(self) -> tuple[int, Question] | None:
        """Give the first thing to ask, with the number of the item that lacks it."""
        for number, item in enumerate(self.items):
            for question in self.topic.asks:
                concerned = question.if_slot is None or question.if_slot in item
                if concerned and question.slot not in item:
                    return number, question
        return None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A topic whose answer waits until its calls have returned."""

    topic: Topic
    texts: pattern.Item
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said, maybe nothing, and what is called then."""

    text: str
    waiting: Waiting | None = None

    @property
    def calls(self) -> tuple[Call, ...]:
        """The tools to call."""
        return self.waiting.calls if self.waiting else ()


@dataclass(slots=True)
class Conversation:
    """One user's talk with a script: feed it what the user says, in order."""

    script: Script
    ordered: list[str] = field(default_factory=list)
    pending: Pending | None = None
    open_question: str | None = None
    last_answer: str = ""
    answered: Counter[str] = field(default_factory=Counter)

    def answer(self, user_text: str) -> Reply:
        """Answer what the user said."""
        words = pattern.words_of(user_text)
        reply = self._reply(words) or self._topic(words) or self._fallback()
        self.last_answer = reply.text
        return reply

    def finish(self, waiting: Waiting, outcomes: Sequence[Outcome]) -> str:
        """Say what the calls of a topic came to; `outcomes` has one for each, in their order."""
        if all(isinstance(each, Returned) for each in outcomes):
            self.last_answer = self._then_asking(self._with_results(waiting, outcomes))
            return self.last_answer
        failed = next((each for each in outcomes if isinstance(each, Failed)), None)
        if failed is None:  # taken back, by the user or for the user
            return ""
        self.last_answer = self._then_asking(self._of_error(waiting, failed.code))
        return self.last_answer

    def _reply(self, words: tuple[str, ...]) -> Reply | None:
        asking = self.pending and self.pending.question()
        if not self.pending or not asking:
            return None
        number, question = asking
        for node in self.script.replies[question.slot]:
            heard = pattern.match(self.script.polite(node), words, self.script.rules)
            if heard:
                items = list(self.pending.items)
                items[number] = {**items[number], **heard[0]}
                return self._go_on(replace(self.pending, items=tuple(items)))
        return None

    def _topic(self, words: tuple[str, ...]) -> Reply | None:
        answering = [topic for topic in self.script.topics if topic.after == self.open_question]
        always = [topic for topic in self.script.topics if topic.after is None]
        for topic in (*answering, *always):
            for node in self.script.heard[topic.name]:
                items = pattern.match(self.script.polite(node), words, self.script.rules)
                if items is not None:
                    return self._take_up(topic, items)
        return None

    def _take_up(self, topic: Topic, items: tuple[pattern.Item, ...]) -> Reply:
        if topic.repeats:
            return Reply(self.last_answer or self.script.greeting)
        if topic.asks or topic.adds:
            return self._go_on(self._joined(Pending(topic, items)))
        if topic.calls:
            return self._said_or_called(topic, items[0], added=())
        self._clear(topic)
        reply = self._said_or_called(topic, items[0], added=())
        return replace(reply, text=self._then_asking(reply.text))

    def _clear(self, topic: Topic) -> None:
        if topic.clears:
            self.ordered.clear()
        if topic.clears or topic.drops_question:
            self.pending = None

    def _then_asking(self, text: str) -> str:
        """Ask again what is still open."""
        asking = self.pending and self.pending.question()
        return f"{text} {asking[1].say}".strip() if asking else text

    def _joined(self, new: Pending) -> Pending:
        """Keep the items still asked about, unless what is said now takes their place."""
        old = self.pending
        if old is None or old.topic is not new.topic or old.items[-1].keys() & new.items[0].keys():
            return new
        return Pending(new.topic, old.items + new.items)

    def _go_on(self, pending: Pending) -> Reply:
        asking = pending.question()
        if asking:
            self.pending = pending
            return Reply(asking[1].say)
        self.pending = None
        added = [self._added(pending.topic, item) for item in pending.items]
        texts = [text for text in added if text]
        self.ordered += texts
        return self._said_or_called(pending.topic, pending.items[0], texts)

    def _added(self, topic: Topic, item: pattern.Item) -> str | None:
        return pattern.fill(pattern.parse(topic.adds), item) if topic.adds else None

    def _said_or_called(self, topic: Topic, item: pattern.Item, added: Sequence[str]) -> Reply:
        if topic.say_if_list_empty is not None and not self.ordered:
            self.open_question = None
            return Reply(topic.say_if_list_empty)
        texts = {**item, "list": in_words(self.ordered), "added": in_words(added)}
        if not topic.calls:
            return Reply(self._say(topic, texts))
        meant = {name: self._meant(name, value) for name, value in item.items()}
        slots = Filled(texts, {**meant, "list": list(self.ordered), "added": list(added)})
        calls = tuple(call_with(call, slots) for call in topic.calls)
        return Reply(_written(topic.say_first, texts), Waiting(topic, texts, calls))

    def _meant(self, slot: str, value: str) -> object:
        return self.script.slots[slot].means.get(value, value)

    def _with_results(self, waiting: Waiting, outcomes: Sequence[Outcome]) -> str:
        topic = waiting.topic
        given: dict[str, str] = {}
        for call, outcome in zip(topic.calls, outcomes, strict=True):
            if isinstance(outcome, Returned):
                given |= slots_from(call, outcome.result)
        texts = {**waiting.texts, **given}
        if not any(_fits(answer, texts) for answer in topic.say):
            return self._of_error(waiting, OTHER_ERROR)
        self._clear(topic)
        return self._say(topic, texts)

    def _of_error(self, waiting: Waiting, code: str) -> str:
        self.open_question = None
        answers = waiting.topic.say_on_error
        text = answers.get(code, answers.get(OTHER_ERROR, DID_NOT_WORK))
        return _written(text, waiting.texts)

    def _say(self, topic: Topic, texts: pattern.Item) -> str:
        self.open_question = topic.leaves_open
        turn = self.answered[topic.name]
        self.answered[topic.name] += 1
        return _written(topic.say[turn % len(topic.say)], texts)

    def _fallback(self) -> Reply:
        asking = self.pending and self.pending.question()
        if asking:
            return Reply(asking[1].say)
        turn = self.answered[""]
        self.answered[""] += 1
        return Reply(self.script.fallback[turn % len(self.script.fallback)])


def _fits(answer: str, texts: pattern.Item) -> bool:
    return pattern.fill(pattern.parse(answer), texts) is not None


def _written(answer: str, texts: pattern.Item) -> str:
    text = pattern.fill(pattern.parse(answer), texts) or ""
    return text[:1].upper() + text[1:]

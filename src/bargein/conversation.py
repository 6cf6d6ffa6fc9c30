"""What a script answers, turn by turn; the whole state follows from what the user said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from bargein import pattern
from bargein.script import Question, Script, Topic


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


@dataclass(slots=True)
class Conversation:
    """One user's talk with a script: feed it what the user says, in order."""

    script: Script
    ordered: list[str] = field(default_factory=list)
    pending: Pending | None = None
    open_question: str | None = None
    last_answer: str = ""
    answered: Counter[str] = field(default_factory=Counter)

    def answer(self, user_text: str) -> str:
        """Answer what the user said; the empty text means that nothing is to be said."""
        words = pattern.words_of(user_text)
        said = self._reply(words) or self._topic(words) or self._fallback()
        self.last_answer = said.text
        return said.text

    def _reply(self, words: tuple[str, ...]) -> _Said | None:
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

    def _topic(self, words: tuple[str, ...]) -> _Said | None:
        answering = [topic for topic in self.script.topics if topic.after == self.open_question]
        always = [topic for topic in self.script.topics if topic.after is None]
        for topic in (*answering, *always):
            for node in self.script.heard[topic.name]:
                items = pattern.match(self.script.polite(node), words, self.script.rules)
                if items is not None:
                    return self._take_up(topic, items)
        return None

    def _take_up(self, topic: Topic, items: tuple[pattern.Item, ...]) -> _Said:
        if topic.repeats:
            return _Said(self.last_answer or self.script.greeting)
        if topic.asks or topic.adds:
            return self._go_on(self._joined(Pending(topic, items)))
        if topic.clears:
            self.ordered.clear()
        if topic.clears or topic.drops_question:
            self.pending = None
        text = self._say(topic, items[0], added=())
        asking = self.pending and self.pending.question()
        return _Said(f"{text} {asking[1].say}".strip() if asking else text)

    def _joined(self, new: Pending) -> Pending:
        """Keep the items still asked about, unless what is said now takes their place."""
        old = self.pending
        if old is None or old.topic is not new.topic or old.items[-1].keys() & new.items[0].keys():
            return new
        return Pending(new.topic, old.items + new.items)

    def _go_on(self, pending: Pending) -> _Said:
        asking = pending.question()
        if asking:
            self.pending = pending
            return _Said(asking[1].say)
        self.pending = None
        added = [self._added(pending.topic, item) for item in pending.items]
        self.ordered += [text for text in added if text]
        return _Said(self._say(pending.topic, pending.items[0], [text for text in added if text]))

    def _added(self, topic: Topic, item: pattern.Item) -> str | None:
        return pattern.fill(pattern.parse(topic.adds), item) if topic.adds else None

    def _say(self, topic: Topic, item: pattern.Item, added: Iterable[str]) -> str:
        self.open_question = topic.leaves_open
        if topic.say_if_list_empty is not None and not self.ordered:
            self.open_question = None
            return topic.say_if_list_empty
        turn = self.answered[topic.name]
        self.answered[topic.name] += 1
        values = {**item, "list": in_words(self.ordered), "added": in_words(added)}
        text = pattern.fill(pattern.parse(topic.say[turn % len(topic.say)]), values) or ""
        return text[:1].upper() + text[1:]

    def _fallback(self) -> _Said:
        asking = self.pending and self.pending.question()
        if asking:
            return _Said(asking[1].say)
        turn = self.answered[""]
        self.answered[""] += 1
        return _Said(self.script.fallback[turn % len(self.script.fallback)])


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer, which may be empty: that something was understood is not in its text."""

    text: str


def reply_to(script: Script, user_texts: Iterable[str]) -> str:
    """Answer the last of all that the user said; the greeting if that is nothing."""
    conversation = Conversation(script)
    answer = script.greeting
    for text in user_texts:
        answer = conversation.answer(text)
    return answer


def in_words(items: Iterable[str]) -> str:
    """Join items as one says them: `a`, `a and b`, `a, b and c`."""
    *earlier, last = [*items] or [""]
    return f"{', '.join(earlier)} and {last}" if earlier else last

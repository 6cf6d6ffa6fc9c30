"""What keeps a script from working: every mistake is named where it stands, with the way out.

`parse` and `checked` give scripts that work; nobody else builds one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bargein import pattern
from bargein.config.problems import InvalidConfigError, Problem, guess
from bargein.config.tree import Table, to_node
from bargein.config.validate import path_prefix, place_at, validate
from bargein.errors import Place
from bargein.script import BUILT_IN_SLOTS, KeyPath, Script, Topic, patterns_of
from bargein.script_calls import texts_of

PHONES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W"
    " Y Z ZH"
)
"""The ARPAbet phones of the CMU dictionary, whose words PocketSphinx knows."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What keeps a script from working, where it stands in it, and the way out."""

    key_path: KeyPath
    message: str

    def in_table(self, table: Table) -> Problem:
        """Give the mistake at its place in the file that the table was read from."""
        place = place_at(table, self.key_path)
        return Problem(place, path_prefix("", self.key_path) + self.message)


def checked(table: Table, found: list[Problem]) -> Script | None:
    """Build a script of a file's mapping; None, with every mistake in `found`, if it is wrong.

    What the keys mean together is checked once each of them has a value of its type.
    """
    script, _ = validate(Script, table, "", table.place, found)
    if script is None:
        return None
    mistakes = list(mistakes_in(script))
    found += [mistake.in_table(table) for mistake in mistakes]
    return None if mistakes else script


def parse(mapping: Mapping[str, Any]) -> Script:
    """Build a script that stands in no file; raises `InvalidConfigError`."""
    found: list[Problem] = []
    table = to_node(mapping, Place("script"))
    assert isinstance(table, Table)
    script = checked(table, found)
    if script is None:
        raise InvalidConfigError(found)
    return script


def mistakes_in(script: Script) -> Iterator[Mistake]:
    """Find what keeps a script from working: all of it, but what only follows from the rest."""
    parsed: dict[KeyPath, pattern.Node] = {}
    names: list[Mistake] = []
    for path, text in patterns_of(script):
        try:
            parsed[path] = pattern.parse(text)
        except pattern.PatternError as error:
            names.append(Mistake(path, f"{error}; close it or take it out"))
    for path, node in parsed.items():
        names += _names(script, path, node)
    names += _loops(script, parsed)
    yield from names
    for path, node in parsed.items():
        yield from _words(path, node)
    for number, topic in enumerate(script.topics):
        yield from _topic(script, number, topic)
    yield from _means(script)
    yield from _pronunciations(script)
    if names:  # what a pattern takes is not known while a name in it means nothing
        return
    for path, node in parsed.items():
        if path[0] != "phrases" and pattern.takes_nothing(node, script.rules):
            yield Mistake(path, "this takes silence for words; let one word be required")
    for number, topic in enumerate(script.topics):
        yield from _empty_slots(script, number, topic)
    yield from _examples(script)


def _no_such(kind: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = guess(name, names)
    return f"no {kind} is called '{name}'; write one of: {', '.join(names) or 'none'}.{near}"


def _names(script: Script, path: KeyPath, node: pattern.Node) -> Iterator[Mistake]:
    for part in pattern.walk(node):
        if not isinstance(part, pattern.Slot | pattern.Phrase):
            continue
        if "values" in path:
            yield Mistake(path, f"'{part.name}' may not stand in a value; write words only")
        elif path[0] in ("before", "after"):
            yield Mistake(path, f"'{part.name}' may not stand here; write words only")
        elif isinstance(part, pattern.Phrase) and part.name not in script.phrases:
            yield Mistake(path, _no_such("phrase", part.name, script.phrases))
        elif isinstance(part, pattern.Slot) and part.name not in script.slots:
            yield Mistake(path, _no_such("slot", part.name, script.slots))


def _loops(script: Script, parsed: Mapping[KeyPath, pattern.Node]) -> Iterator[Mistake]:
    """Find phrases that contain themselves; each circle is named once, at its first phrase."""
    inside = {
        name: [
            part.name
            for part in pattern.walk(parsed[("phrases", name)])
            if isinstance(part, pattern.Phrase) and ("phrases", part.name) in parsed
        ]
        for name in script.phrases
        if ("phrases", name) in parsed
    }
    done: set[str] = set()

    def follow(name: str, above: tuple[str, ...]) -> Iterator[Mistake]:
        if name in above:
            loop = " -> ".join((*above[above.index(name) :], name))
            yield Mistake(("phrases", name), f"{loop} never ends; take one of them out")
        elif name not in done:
            for inner in dict.fromkeys(inside[name]):
                yield from follow(inner, (*above, name))
            done.add(name)

    for name in inside:
        yield from follow(name, ())


def _words(path: KeyPath, node: pattern.Node) -> Iterator[Mistake]:
    for part in pattern.walk(node):
        if isinstance(part, pattern.Word) and not pattern.HEARD_WORD.match(part.text):
            yield Mistake(
                path,
                f"'{part.text}' is no word; write small letters and apostrophes, numbers spelt out",
            )


def _topic(script: Script, number: int, topic: Topic) -> Iterator[Mistake]:
    path: KeyPath = ("topics", number)
    if topic.name in [earlier.name for earlier in script.topics[:number]]:
        yield Mistake((*path, "name"), f"'{topic.name}' is taken; name it otherwise")
    left_open = sorted({other.leaves_open for other in script.topics if other.leaves_open})
    if topic.after and topic.after not in left_open:
        known = ", ".join(left_open) or "none"
        message = f"nothing leaves '{topic.after}' open; open: {known}."
        yield Mistake((*path, "after"), message + guess(topic.after, left_open))
    for index, question in enumerate(topic.asks):
        for key, slot in (("slot", question.slot), ("if", question.if_slot)):
            if slot is not None and slot not in script.slots:
                message = _no_such("slot", slot, script.slots)
                yield Mistake((*path, "asks", index, key), message)
    yield from _calls(script, number, topic)
    for place, text in _texts(number, topic):
        yield from _slots(place, text, _known_at(place, script, topic))


def _slots(place: KeyPath, text: str, known: Iterable[str]) -> Iterator[Mistake]:
    try:
        node = pattern.parse(text)
    except pattern.PatternError as error:
        yield Mistake(place, f"{error}; close it or take it out")
        return
    for part in pattern.walk(node):
        if isinstance(part, pattern.Slot) and part.name not in known:
            yield Mistake(place, _no_such("slot", part.name, known))


def _known_at(place: KeyPath, script: Script, topic: Topic) -> tuple[str, ...]:
    """Give the slots that an answer may use at this place."""
    of_results = [slot for call in topic.calls for slot in call.gives]
    said = place[2] == "say"
    known = (*script.slots, *sorted(BUILT_IN_SLOTS), *(of_results if said else ()))
    return tuple(dict.fromkeys(known))


def _calls(script: Script, number: int, topic: Topic) -> Iterator[Mistake]:
    path: KeyPath = ("topics", number)
    for key in ("say_first", "say_on_error"):
        if getattr(topic, key) and not topic.calls:
            yield Mistake((*path, key), "this topic calls no tool; write 'calls', or leave it out")
    if topic.calls and topic.repeats:
        yield Mistake(
            (*path, "calls"), "a topic that repeats an answer calls no tool; leave it out"
        )
    taken = {*script.slots, *BUILT_IN_SLOTS}
    for index, call in enumerate(topic.calls):
        for slot in call.gives:
            if slot in taken:
                message = f"'{slot}' is a slot already; write 'another_name: {call.gives[slot]}'"
                yield Mistake((*path, "calls", index, "gives"), message)
            taken.add(slot)


def _means(script: Script) -> Iterator[Mistake]:
    for name, slot in script.slots.items():
        for value in slot.means:
            if value not in slot.values:
                message = _no_such("value", value, slot.values)
                yield Mistake(("slots", name, "means", value), message)


def _texts(number: int, topic: Topic) -> Iterator[tuple[KeyPath, str]]:
    """Give all that may have slots in it; those in a call's argument may be empty."""
    yield from _said(number, topic)
    for index, call in enumerate(topic.calls):
        for path, text in texts_of(call.arguments):
            yield ("topics", number, "calls", index, "arguments", *path), text


def _said(number: int, topic: Topic) -> Iterator[tuple[KeyPath, str]]:
    for index, text in enumerate(topic.say):
        yield ("topics", number, "say", index), text
    yield ("topics", number, "say_first"), topic.say_first
    for code, text in topic.say_on_error.items():
        yield ("topics", number, "say_on_error", code), text
    if topic.adds:
        yield ("topics", number, "adds"), topic.adds


def _empty_slots(script: Script, number: int, topic: Topic) -> Iterator[Mistake]:
    """Find slots that an answer needs and that may be empty when it is given."""
    heard = [pattern.always(node, script.rules) for node in script.heard[topic.name]]
    asked = {question.slot for question in topic.asks if question.if_slot is None}
    filled = frozenset.intersection(*heard) | asked | BUILT_IN_SLOTS
    for path, text in _said(number, topic):
        try:
            needed = pattern.always(pattern.parse(text), script.rules)
        except pattern.PatternError:
            continue  # named already
        known = script.slots.keys() if path[-1] == "adds" else filled
        for name in sorted((needed & script.slots.keys()) - known):
            message = (
                f"'{{{name}}}' may be empty here; put it into [...], or ask for it under 'asks'"
            )
            yield Mistake(path, message)


def _pronunciations(script: Script) -> Iterator[Mistake]:
    for word, phones in script.pronunciations.items():
        unknown = [phone for phone in phones.split() if phone not in PHONES.split()]
        if unknown or not phones.strip():
            yield Mistake(
                ("pronunciations", word),
                f"'{' '.join(unknown)}' is no phone; write some of {PHONES}",
            )


def _examples(script: Script) -> Iterator[Mistake]:
    nodes = [script.polite(node) for nodes in script.heard.values() for node in nodes]
    for index, text in enumerate(script.examples):
        words = pattern.words_of(text)
        if not any(pattern.match(node, words, script.rules) for node in nodes):
            message = f"no topic understands '{text}'; correct it or add a pattern"
            yield Mistake(("examples", index), message)

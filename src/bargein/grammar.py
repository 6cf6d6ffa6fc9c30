"""The recogniser's view of a script: a JSGF grammar that takes just what the script understands."""

from __future__ import annotations

from collections.abc import Iterable

from bargein import pattern
from bargein.script import Script

HEADER = "#JSGF V1.0;"


def jsgf(script: Script) -> str:
    """Print the grammar of a script, one rule a line (JSpeech Grammar Format 1.0).

    It has one public rule, `said`: any topic, or the reply to any question, with the polite words
    around it. Which topic may follow which question is left to the conversation.
    """
    rules = script.rules
    topics = [node for nodes in script.heard.values() for node in nodes]
    replies = [node for nodes in script.replies.values() for node in nodes]
    said = script.polite(pattern.OneOf(tuple(dict.fromkeys((*topics, *replies)))))
    lines = [
        HEADER,
        f"grammar {_identifier(script.name)};",
        f"public <said> = {_expansion(said)};",
        *(f"<slot_{name}> = {_either(values.values())};" for name, values in rules.slots.items()),
        *(f"<phrase_{name}> = {_expansion(node)};" for name, node in rules.phrases.items()),
    ]
    return "\n".join(lines) + "\n"


def _identifier(name: str) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in name.lower())


def _either(nodes: Iterable[pattern.Node]) -> str:
    return " | ".join(_expansion(node) or "<NULL>" for node in nodes)


def _expansion(node: pattern.Node) -> str:
    match node:
        case pattern.Word(text):
            return text
        case pattern.Slot(name):
            return f"<slot_{name}>"
        case pattern.Phrase(name):
            return f"<phrase_{name}>"
        case pattern.NextItem():
            return ""
        case pattern.InOrder(parts):
            return " ".join(filter(None, map(_expansion, parts)))
        case pattern.OneOf(options):
            return f"({_either(options)})"
        case pattern.Repeat(part, least, again):
            if not again:
                return f"[{_expansion(part)}]"
            return f"({_expansion(part)}){'+' if least else '*'}"

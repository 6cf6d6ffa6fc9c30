"""What the bot asks before a call: words of the declaration, with checked arguments in braces."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

from bargein.tools.keywords import Json, mapping
from bargein.tools.schema import Schema

UNSPEAKABLE = ("object", "array", "null")
ANYTHING = "Shall I go ahead?"
"""Asked where nothing is written."""
MAX_SPOKEN_CHARACTERS = 80
NOT_SAID = "something"
"""Stands for an argument that nobody can say."""


def question_problem(question: str, confirm: bool, arguments: Schema | None) -> str:
    """Say what is wrong with a question; empty if nothing is.

    `arguments` are None where they are not known yet: of a server that was not asked.
    """
    if not question:
        return "`confirm: user` needs a `question`, which the bot asks aloud." if confirm else ""
    if not confirm:
        return "a `question` is asked only with `confirm: user`. Add that, or take it out."
    try:
        fields = [each for each in Formatter().parse(question) if each[1] is not None]
    except ValueError as error:
        return f"question: {error}. Write {{name}} for an argument, {{{{ and }}}} for braces."
    for _, name, form, conversion in fields:
        if not str(name).isidentifier() or form or conversion:
            return f"question: {{{name}}} is no argument. Write its name alone in braces."
        if arguments is not None and (problem := _about(str(name), arguments)):
            return f"question: {problem}"
    return ""


def _about(name: str, arguments: Schema) -> str:
    properties = mapping(arguments.json, "properties")
    if name not in properties:
        known = ", ".join(properties) or "none"
        return f"there is no argument {name!r}. Arguments: {known}."
    if name not in arguments.json.get("required", ()):
        return f"{name!r} may be left out of a call, and the question would have a gap."
    if mapping(properties, name).get("type") in UNSPEAKABLE:
        return f"{name!r} is an object or a list, which nobody can say."
    return ""


def asked(question: str, arguments: Mapping[str, Json]) -> str:
    """Give the words that are said: the declaration's, with arguments that were checked before.

    What an LLM has put into an argument is cut short, and stays on one line: it is a value to be
    confirmed, and no speech.
    """
    if not question:
        return ANYTHING
    parts = []
    for text, name, _, _ in Formatter().parse(question):
        parts.append(text + (_spoken(arguments.get(name)) if name is not None else ""))
    return "".join(parts)


def _spoken(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = " ".join(str(value).split()) if isinstance(value, str | int | float) else NOT_SAID
    return text if len(text) <= MAX_SPOKEN_CHARACTERS else f"{text[:MAX_SPOKEN_CHARACTERS]}..."

"""Arguments as an LLM writes them, token by token: text that should be one JSON object.

Services read that text with `json.loads`, each in its own way, and some fail on what is no JSON.
So it is mended before: what can't be read is put in their way as an object that says so.
"""

from __future__ import annotations

import json

from bargein.tools.keywords import Json

MAX_CHARACTERS = 262_144
"""Longer than any arguments that a policy admits; not worth reading."""
MALFORMED = "bargein: these arguments could not be read"
"""The one key of an object that stands for arguments that are no JSON object.

An LLM that writes it itself gets what it asks for: its call is refused.
"""


def mended(text: str) -> str:
    """Give text of which `json.loads` makes an object: the same, or one that `is_malformed`."""
    return text if not text.strip() or _is_object(text) else json.dumps({MALFORMED: len(text)})


def is_malformed(arguments: Json) -> bool:
    """Whether these arguments stand for what could not be read."""
    return not isinstance(arguments, dict) or MALFORMED in arguments


def _is_object(text: str) -> bool:
    if len(text) > MAX_CHARACTERS:
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):  # also a number of over 4,300 digits
        return False

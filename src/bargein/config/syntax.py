"""What a YAML reader complains about, with the place to mend and the way to do it."""

from __future__ import annotations

from ruamel.yaml.error import MarkedYAMLError

from bargein.config.problems import Problem
from bargein.errors import Place

_WAYS_OUT = {
    "mapping values are not allowed": "Quote text with ': ' in it, or mend the indentation.",
    "but got '{'": 'Inside brackets a variable needs quotes: "${VAR}".',
    "stream end": "Close the bracket.",
    "end of stream": "Close the quote.",
    "expected ',' or": "Put a comma here, or close the bracket.",
    "expected <block end>": "Mend the indentation: keys of one level start in one column.",
    "could not find expected ':'": "Write `key: value`.",
    "cannot start any token": "Quote text that begins with this character.",
}


def syntax_problem(error: MarkedYAMLError, text: str, file: str) -> Problem:
    """Turn the reader's error into one line; blame an open bracket where it opens."""
    reason = error.problem or error.context or "it is unreadable"
    is_unclosed = "end of stream" in reason or "stream end" in reason
    mark = error.context_mark if is_unclosed and error.context_mark else error.problem_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    lines = text.splitlines()
    line = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Problem(place, "a tab indents this line. YAML is indented with spaces only.")
    way_out = next((way for part, way in _WAYS_OUT.items() if part in reason), "Mend it here.")
    return Problem(place, f"this is not YAML: {reason}. {way_out}")

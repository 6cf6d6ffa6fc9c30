"""A file's text, or the reason why there is none, told to whoever named the file."""

from __future__ import annotations

from pathlib import Path

from bargein.config.document import decode
from bargein.config.problems import Problem
from bargein.errors import Place


def read_text(path: Path, blamed: Place, prefix: str, found: list[Problem]) -> str | None:
    """Read a file's text; what keeps it from being read is blamed on who named it."""
    try:
        content = path.read_bytes()
    except IsADirectoryError:
        reason = f"{str(path)!r} is a directory. Name the YAML file in it."
    except FileNotFoundError:
        near = sorted(str(other) for other in path.parent.glob("*.y*ml"))[:6]
        known = f" YAML files there: {', '.join(near)}." if near else " Mend the path."
        reason = f"there is no file {str(path)!r}.{known}"
    except OSError as error:
        reason = f"{str(path)!r} can't be read: {error.strerror}. Mend its permissions."
    else:
        return decode(content, str(path), found)
    found.append(Problem(blamed, f"{prefix}{reason}"))
    return None

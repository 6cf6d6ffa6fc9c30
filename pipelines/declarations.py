"""What decorated functions say of themselves: asked in a process without the bot's secrets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from bargein.pipelines.handlers import Found

ASK_S = 20
"""Importing what a handler imports may take its time; then the file is a mistake."""
_PROGRAM = """
import json, os, sys
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
sys.path[:0] = json.loads(sys.argv[3])
from bargein.tools.describing import describe
json.dump(describe(sys.argv[1], json.loads(sys.argv[2])), answer)
answer.flush()
os._exit(0)
"""


@dataclass(frozen=True, slots=True)
class Declared:
    """A function's declaration: the keys as in YAML, or what keeps it from having one."""

    keys: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


def declared_functions(functions: Sequence[Found]) -> dict[tuple[str, str], Declared]:
    """Ask for the declarations, by source and name; one process for each source."""
    asked = sorted({(each.handler.source, each.handler.function) for each in functions})
    declared: dict[tuple[str, str], Declared] = {}
    for source, pairs in groupby(asked, key=lambda pair: pair[0]):
        names = [name for _, name in pairs]
        answer = _asked(source, names)
        declared |= {(source, name): _declared(answer, name) for name in names}
    return declared


def _declared(answer: Any, name: str) -> Declared:
    """Read an answer, which anything may have written."""
    if isinstance(answer, str):
        return Declared(problem=answer)
    said = answer.get(name) if isinstance(answer, dict) else None
    if isinstance(said, dict) and isinstance(said.get("keys"), dict):
        return Declared(keys=said["keys"])
    problem = said.get("problem") if isinstance(said, dict) else None
    return Declared(problem=str(problem or "its declaration could not be read."))


def _asked(source: str, names: list[str]) -> Any:
    """Give the answer of a process that imports the source, or the reason why there is none."""
    command = [sys.executable, "-I", "-c", _PROGRAM, source, json.dumps(names)]
    try:
        done = subprocess.run(
            [*command, json.dumps(sys.path)],
            env={},
            cwd="/",
            capture_output=True,
            timeout=ASK_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return f"importing {source!r} takes longer than {ASK_S} s. Move what is slow into a call."
    except ValueError:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        return f"importing {source!r} failed: {''.join(last) or 'it says nothing'}. Mend it."

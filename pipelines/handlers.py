"""A `handler` becomes a function that is known to be there: found by reading, never by importing.

What a handler does at its import is for the sandbox alone; the bot's process never runs it.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from bargein.config.problems import Problem, did_you_mean
from bargein.config.tree import Scalar
from bargein.pipelines.classes import make_importable
from bargein.tools.tool import PythonHandler

_FORM = re.compile(r"(?P<source>.+):(?P<function>[^:]+)")
DECORATOR = "tool"
WRITE = "Write `./file.py:function` or `package.module:function`."


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a function can be called with, by name."""

    names: tuple[str, ...]
    required: tuple[str, ...]
    takes_any: bool
    """Whether it has `**anything`."""
    by_position: tuple[str, ...] = ()
    """Those that no name reaches."""


@dataclass(frozen=True, slots=True)
class Found:
    """A function in a file."""

    handler: PythonHandler
    path: Path
    parameters: Parameters | None
    """None where it is imported or made there, and what it takes is not written."""
    is_decorated: bool
    doc: str


def find_handler(named: Scalar, name: str, found: list[Problem]) -> Found | None:
    """Find the function that a text names; None with the reason in `found`.

    A path starts at the folder of the file in which the text stands; a module is looked for
    beside it, in the working directory and where Python finds what is installed.
    """

    def report(message: str) -> None:
        found.append(Problem(named.place, f"{name}: {message}"))

    form = _FORM.fullmatch(named.text)
    is_file = (form["source"] if form else named.text).endswith(".py")
    source = form["source"] if form else named.text
    path = _file(source, named.folder) if is_file else _module(source, named.folder)
    if path is None and not form:
        report(f"{named.text!r} names no function. {WRITE}")
    elif path is None:
        report(
            f"there is no module {source!r} beside this YAML, in the working directory or "
            "installed. Mend the name, or name a file: `./file.py:function`."
        )
    elif not path.is_file():
        report(f"there is no file {str(path)!r}. Paths start at this YAML's folder.")
    else:
        return _in_file(named.text, form, path, report_to=(named, name, found))
    return None


def _in_file(
    text: str,
    form: re.Match[str] | None,
    path: Path,
    report_to: tuple[Scalar, str, list[Problem]],
) -> Found | None:
    named, name, found = report_to
    try:
        body = ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError) as error:
        where = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = getattr(error, "msg", None) or getattr(error, "strerror", None) or str(error)
        found.append(Problem(named.place, f"{name}: {path}{where} can't be read: {reason}."))
        return None
    functions = _functions(body)
    public = [each for each in functions if not each.startswith("_")]
    if form is None:
        forms = " or ".join(f"`{text}:{each}`" for each in public[:3]) or f"`{text}:function`"
        found.append(Problem(named.place, f"{name}: {text!r} names no function. Write {forms}."))
        return None
    function = form["function"]
    source = str(path) if form["source"].endswith(".py") else form["source"]
    handler = PythonHandler(source, function)
    if function in functions:
        node = functions[function]
        doc = ast.get_docstring(node) or ""
        return Found(handler, path, _parameters(node), _is_decorated(node), doc)
    if function in _other_names(body):
        return Found(handler, path, None, is_decorated=False, doc="")
    message = f"{form['source']!r} has no function {function!r}.{did_you_mean(function, public)}"
    found.append(Problem(named.place, f"{name}: {message}"))
    return None


def _file(source: str, folder: str) -> Path:
    return (Path(folder) / Path(source).expanduser()).resolve()


def _module(source: str, folder: str) -> Path | None:
    """Find a module's file without importing the packages around it."""
    if not all(part.isidentifier() for part in source.split(".")):
        return None
    make_importable(Path(folder), Path())
    importlib.invalidate_caches()
    search: list[str] = sys.path
    origin = None
    for part in source.split("."):
        spec = PathFinder.find_spec(part, search)
        if spec is None:
            return None
        search = list(spec.submodule_search_locations or ())
        origin = spec.origin if spec.has_location else None
    return Path(origin) if origin else None


def root_of(found: Found) -> Path:
    """Give the folder in which the top package, or the module, lies."""
    depth = found.handler.source.count(".") + (found.path.name == "__init__.py")
    return found.path.parents[depth]


def package_of(found: Found) -> Path:
    """Give what an import needs to read: the file alone, or its whole package."""
    if found.handler.is_file or found.path.parent == root_of(found):
        return found.path
    return root_of(found) / found.handler.source.split(".")[0]


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(body: list[ast.stmt]) -> dict[str, _Function]:
    return {each.name: each for each in body if isinstance(each, _Function)}


def _other_names(body: list[ast.stmt]) -> set[str]:
    """Name what a module imports or assigns at its top."""
    names: set[str] = set()
    for statement in body:
        if isinstance(statement, ast.ImportFrom | ast.Import):
            names |= {each.asname or each.name for each in statement.names}
        elif isinstance(statement, ast.Assign):
            names |= {each.id for each in statement.targets if isinstance(each, ast.Name)}
    return names


def _parameters(node: _Function) -> Parameters:
    plain = node.args.args
    with_default = plain[len(plain) - len(node.args.defaults) :] if node.args.defaults else []
    named = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    required = [each.arg for each in plain if each not in with_default]
    required += [each.arg for each, default in named if default is None]
    return Parameters(
        names=tuple(each.arg for each in (*plain, *node.args.kwonlyargs)),
        required=tuple(required),
        takes_any=node.args.kwarg is not None,
        by_position=tuple(each.arg for each in node.args.posonlyargs),
    )


def _is_decorated(node: _Function) -> bool:
    """Whether `@tool`, `@tool(...)` or `@bargein.tool(...)` stands above it."""
    for each in node.decorator_list:
        called = each.func if isinstance(each, ast.Call) else each
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name == DECORATOR:
            return True
    return False

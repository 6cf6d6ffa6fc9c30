"""A `use` becomes a class: a short name, `package.module:Class`, or `./file.py:Class`.

Naming a class imports its module, and so runs it: a configuration is as trusted as a program.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from bargein.config.problems import Problem, did_you_mean, nearest
from bargein.config.structure import Role
from bargein.config.tree import Scalar
from bargein.pipelines.registry import BuiltIn, Registry

EXTRAS = ("anthropic", "daily", "deepgram", "elevenlabs", "webrtc")
"""Extras of bargein that carry the packages of Pipecat's services of the same name."""

_PIPECAT_ROLES = {
    "pipecat.services.stt_service:STTService": Role.STT,
    "pipecat.services.llm_service:LLMService": Role.LLM,
    "pipecat.services.tts_service:TTSService": Role.TTS,
    "pipecat.processors.audio.vad_processor:VADProcessor": Role.VAD,
}


def find_class(
    named: Scalar, name: str, known: Mapping[str, BuiltIn], found: list[Problem]
) -> type[Any] | None:
    """Import the class that a `use` names; None with the reason in `found`.

    `name` is the path of the `use` in the document, `known` the short names that may stand there.
    """

    def report(message: str, cause: BaseException | None = None) -> None:
        found.append(Problem(named.place, f"{name}: {message}", cause))

    use = str(named.value)
    built_in = known.get(use)
    target = built_in.import_path if built_in else use
    module_name, colon, class_name = target.rpartition(":")
    if not colon:
        report(_without_colon(use, Path(named.folder), known))
        return None
    if not module_name or not class_name.isidentifier():
        report(f"{use!r} names no class. Write `package.module:Class` or `./file.py:Class`.")
        return None
    try:
        if module_name.endswith(".py"):
            module = _module_from_file(Path(named.folder) / module_name)
        else:
            make_importable(Path(named.folder), Path())
            module = importlib.import_module(module_name)
    except FileNotFoundError as error:
        report(f"there is no file {error.filename!r}. Paths start at this YAML's folder.", error)
        return None
    except Exception as error:  # a module runs at import, and may raise anything
        report(_import_failure(use, module_name, built_in, error), error)
        return None
    cls = getattr(module, class_name, None)
    if cls is None:
        classes = _classes_of(module)
        report(f"{module_name!r} has no {class_name!r}.{did_you_mean(class_name, classes)}")
        return None
    if not isinstance(cls, type):
        report(f"{use!r} is a {type(cls).__name__}, not a class. Name the class itself.")
        return None
    return cls


def check_processor(cls: type[Any], named: Scalar, name: str, found: list[Problem]) -> bool:
    """Make sure that a class can stand in a pipeline."""
    # Imported here, so that a mistake in the YAML itself is told without waiting for Pipecat.
    from pipecat.processors.frame_processor import FrameProcessor

    if not issubclass(cls, FrameProcessor):
        message = (
            f"{cls.__qualname__} is no FrameProcessor. "
            "Derive it from pipecat.processors.frame_processor.FrameProcessor."
        )
    elif inspect.isabstract(cls):
        methods = ", ".join(sorted(cls.__abstractmethods__))
        message = f"{cls.__qualname__} is abstract. Write its methods: {methods}."
    elif silent := _lacks_on_frame(cls):
        message = silent
    else:
        return True
    found.append(Problem(named.place, f"{name}: {message}"))
    return False


def _lacks_on_frame(cls: type[Any]) -> str:
    """Say why a subclass of bargein's Processor would do nothing, if it would."""
    # What a class derives from is imported by now.
    base = getattr(sys.modules.get("bargein.processors.processor"), "Processor", None)
    if base is None or not issubclass(cls, base):
        return ""
    if cls.process_frame is not base.process_frame:
        return ""  # it takes frames in Pipecat's own way
    if cls.on_frame is base.on_frame:
        own = [name for name, item in vars(cls).items() if inspect.isfunction(item)]
        near = nearest("on_frame", own)
        way_out = f"Rename {near!r} to it." if near else "Write `async def on_frame(self, frame)`."
        return f"{cls.__qualname__} does not define `on_frame`, so it would do nothing. {way_out}"
    if not inspect.iscoroutinefunction(cls.on_frame):
        return f"`on_frame` of {cls.__qualname__} can't be awaited. Write `async def on_frame`."
    return ""


def role_of(use: str, cls: type[Any], registry: Registry) -> Role:
    """Tell a part's role by its short name, or by what its class derives from."""
    if use in registry.parts:
        return registry.parts[use].role
    bases = [(built_in.import_path, built_in.role) for built_in in registry.parts.values()]
    for path, role in [*bases, *_PIPECAT_ROLES.items()]:
        module_name, _, class_name = path.partition(":")
        # What a class derives from is imported by now; what is not imported is no base of it.
        base = getattr(sys.modules.get(module_name), class_name, None)
        if isinstance(base, type) and issubclass(cls, base):
            return role
    return Role.PROCESSOR


def _without_colon(use: str, folder: Path, known: Mapping[str, BuiltIn]) -> str:
    """Say what is meant by a name that is no short name; the colon before the class may lack."""
    module, dot, last = use.rpartition(".")
    if last == "py" and dot:
        classes = _class_names(folder / Path(use).expanduser())
        forms = " or ".join(f"`{use}:{name}`" for name in classes[:3])
        return f"{use!r} is a file and names no class of it. Write {forms or f'`{use}:Class`'}."
    if dot and last[:1].isupper() and use.replace(".", "_").isidentifier():
        return f"{use!r} has no colon before its class. Write `{module}:{last}`."
    return f"nothing is called {use!r}.{_suggestion(use, known)}"


def _class_names(path: Path) -> list[str]:
    """Name the public classes of a file without running it; none if it can't be read."""
    try:
        body = ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return []
    return [
        node.name
        for node in body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]


def _suggestion(use: str, known: Mapping[str, BuiltIn]) -> str:
    """Look for a near name, also among the words that names are made of: 'vda' is like 'vad'."""
    plain = did_you_mean(use, known)
    if plain.startswith(" Did"):
        return plain
    words = {word: name for name in known for word in name.split("_")}
    near = difflib.get_close_matches(use.lower(), words, n=1, cutoff=0.6)
    guess = f" Did you mean {words[near[0]]!r}?" if near else ""
    return f"{guess}{plain} A class of your own is named `./file.py:Class`."


def make_importable(*folders: Path) -> None:
    """Let modules beside the YAML and in the working directory be imported.

    They come last, so that a file of the user's shadows no installed package.
    """
    for folder in folders:
        path = str(folder.resolve())
        if path not in sys.path:
            sys.path.append(path)


def _module_from_file(path: Path) -> ModuleType:
    """Load a file as a module whose name no other module has."""
    resolved = path.expanduser().resolve()
    if not resolved.is_file():
        raise FileNotFoundError(2, "no such file", str(path))
    digest = hashlib.sha256(str(resolved).encode()).hexdigest()[:12]
    name = f"bargein_user_{resolved.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    make_importable(resolved.parent)
    spec = importlib.util.spec_from_file_location(name, resolved)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} can't be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses and pickles look it up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _import_failure(use: str, module_name: str, built_in: BuiltIn | None, error: Exception) -> str:
    """Say why a module could not be imported, and what to install or mend."""
    chain = _causes(error)
    missing = next((cause for cause in chain if isinstance(cause, ModuleNotFoundError)), None)
    absent = missing.name if missing and missing.name else ""
    if built_in and built_in.extra and missing and not absent.startswith("bargein"):
        way_out = f"pip install 'bargein[{built_in.extra}]'"
        return f"{use!r} needs the package {absent!r}. Install it: {way_out}."
    if missing and f"{module_name}.".startswith(f"{absent}."):
        return (
            f"there is no module {absent!r} beside this YAML, in the working directory or "
            "installed. Mend the name, or name a file: `./file.py:Class`."
        )
    if missing and module_name.startswith("pipecat."):
        extra = next((part for part in module_name.split(".")[2:]), "")
        package = "bargein" if extra in EXTRAS else "pipecat-ai"
        return (
            f"{use!r} needs the package {absent!r}. Install it: pip install '{package}[{extra}]'."
        )
    if missing:
        return f"{use!r} needs the module {absent!r}, which is not installed. Install it."
    where = _line_of(error)
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"importing {module_name!r} failed{where}: {reason}. Mend it, or see --debug."


def _causes(error: BaseException) -> Iterable[BaseException]:
    """Go from an error to what caused it."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _line_of(error: Exception) -> str:
    """Name the last place of the traceback, which is where the user's code broke."""
    if isinstance(error, SyntaxError):
        return f" at {error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _classes_of(module: ModuleType) -> list[str]:
    """Name the classes that a module itself defines."""
    return [
        name
        for name, item in vars(module).items()
        if isinstance(item, type) and item.__module__ == module.__name__
    ]

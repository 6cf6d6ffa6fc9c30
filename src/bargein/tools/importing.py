"""How a tool's module is imported, where it runs."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

PREFIX = "tool_"
"""A file may be called calendar.py or json.py: under that name libraries would find it."""


def imported(source: str) -> ModuleType:
    """Import a module by its name, or a file by its path, which ends in .py."""
    if not source.endswith(".py"):
        return importlib.import_module(source)
    name = PREFIX + Path(source).stem
    spec = importlib.util.spec_from_file_location(name, source)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} can't be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module

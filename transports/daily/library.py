"""Daily's library, begun once: it aborts the whole process when it is begun a second time."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any


@cache
def daily_library() -> Any:
    """Give the module `daily`, ready for calls; ImportError if it is not installed."""
    library = importlib.import_module("daily")
    library.Daily.init()
    return library

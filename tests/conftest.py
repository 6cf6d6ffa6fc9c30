"""Settings that hold for all tests."""

from __future__ import annotations

import gc

from hypothesis import settings

# Machines are shared and noisy: a time limit for one example would fail by chance.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


def pytest_sessionfinish() -> None:
    """Let go of what a bot set aside for its whole life: it would be called a leak."""
    gc.unfreeze()

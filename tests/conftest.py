"""Settings that hold for all tests."""

from __future__ import annotations

from hypothesis import settings

# Machines are shared and noisy: a time limit for one example would fail by chance.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")

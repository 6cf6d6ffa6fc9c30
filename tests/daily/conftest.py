"""A fake of Daily's library, and an account at a fake of its REST API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.daily.fake_daily import FakeDaily
from tests.vendors.daily import Daily, serving_daily


@pytest.fixture
def library() -> Iterator[FakeDaily]:
    """The module `daily`, played."""
    fake = FakeDaily()
    yield fake
    fake.close()


@pytest.fixture
async def account() -> AsyncIterator[Daily]:
    """An account's REST API."""
    async with serving_daily() as daily:
        yield daily

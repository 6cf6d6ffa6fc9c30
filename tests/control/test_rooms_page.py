"""A real browser asks the control plane for a room, and talks with its worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.control.serving import control
from tests.end_to_end.conftest import Visit, chromium_path, visit

__all__ = ["chromium_path", "visit"]
pytest.importorskip("espeakng_loader", reason="the extra 'embedded' is not installed")
pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 20_000
PLAYED = "() => document.querySelector('#turns')?.textContent.includes('I could go on')"


async def test_the_page_gets_a_room_a_token_and_the_bots_voice(
    tmp_path: Path, visit: Visit
) -> None:
    async with control(tmp_path, "--public", workers=1) as serving:
        hiss = np.random.default_rng(1).integers(-3, 4, 16_000 * 20).astype(np.int16)
        page = await visit(f"{serving.url.replace('http', 'ws')}/ws", hiss)
        await page.wait_for_function(PLAYED, timeout=PATIENCE_MS)
        (session,) = (await serving.ask("GET", "/sessions")).json()
        assert session["state"] == "talking"
        assert session["identity"].startswith("guest-")
        assert await page.evaluate("bargein.client.state") == "open"
        # Whoever starts again gets another room: a token is good once.
        await page.evaluate("bargein.client.close()")
        await page.get_by_role("button", name="Start").click()
        await page.wait_for_function("() => bargein.client.state === 'open'", timeout=PATIENCE_MS)
        states = [each["state"] for each in (await serving.ask("GET", "/sessions")).json()]
        assert states == ["talking", "ended"]

"""The prebuilt page is served as it is, but for the file that would fetch a program elsewhere."""

from __future__ import annotations

import pytest

pytest.importorskip("aiortc", reason="the extra `rtvi` is not installed")
pytest.importorskip("pipecat_ai_prebuilt", reason="the extra `rtvi` is not installed")

import aiohttp

from bargein.transports.rtvi.prebuilt import DEVICES, page_folder
from tests.room.conftest import Open, open_room

__all__ = ["open_room"]
pytestmark = pytest.mark.pipeline


async def get(url: str) -> tuple[int, str, str]:
    """Status, security policy and text of a page."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        policy = response.headers["Content-Security-Policy"]
        return response.status, policy, await response.text()


async def test_the_page_is_its_package_s_but_the_microphone_is_asked_of_the_browser(
    open_room: Open,
) -> None:
    folder = page_folder()
    assert folder is not None
    (replaced,) = folder.glob("assets/daily-esm-*.js")
    others = [each for each in folder.glob("assets/index*.js") if each != replaced]
    address = (await open_room("transport: {rtvi: true}")).url.replace("ws://", "http://")
    page = address.removesuffix("/ws") + "/prebuilt"
    status, policy, text = await get(f"{page}/")
    assert (status, text) == (200, (folder / "index.html").read_text())
    assert "connect-src 'self'" in policy
    assert (await get(f"{page}/assets/{replaced.name}"))[2] == DEVICES.read_text()
    for each in others:
        assert (await get(f"{page}/assets/{each.name}"))[2] == each.read_text(encoding="utf-8")


async def test_without_the_line_in_the_yaml_nothing_of_it_is_there(open_room: Open) -> None:
    address = (await open_room()).url.replace("ws://", "http://").removesuffix("/ws")
    for path in ("/prebuilt/", "/start", "/api/offer"):
        assert (await get(address + path))[0] in (404, 405)

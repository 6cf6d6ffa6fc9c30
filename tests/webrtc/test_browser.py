"""From the microphone of a real browser to its loudspeaker over data channels, and the real bot."""

from __future__ import annotations

import asyncio
from random import Random

import httpx
import numpy as np
import pytest

pytest.importorskip("aiortc", reason="the extra `webrtc` is not installed")

from bargein.transports.webrtc.call import LOST_S
from bargein.transports.webrtc.link import DataLink
from bargein.transports.webrtc.peer import Peer
from tests.browser.ramp import QUANTUM_SAMPLES
from tests.end_to_end.conftest import Visit, chromium_path, visit
from tests.end_to_end.test_barge_in import EXACT, collect, made, microphone, tape_of, until
from tests.room.conftest import Open, open_room
from tests.room.parts import GivenLlm, Tap, messages
from tests.room.speech import spoken
from tests.room.test_barge_in import LONG

__all__ = ["chromium_path", "open_room", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

WEBRTC = "transport: {use: webrtc}\n"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Tap.made.clear()
    GivenLlm.contexts.clear()


def lose(monkeypatch: pytest.MonkeyPatch, loss: float) -> None:
    """Lose so much of the datagrams both ways, those that are sent again too."""
    chance, send, hear = Random(1), Peer.send_audio, DataLink.hear

    def send_some(self: Peer, data: bytes) -> None:
        if chance.random() >= loss:
            send(self, data)

    def hear_some(self: DataLink, data: str | bytes) -> None:
        if isinstance(data, str) or chance.random() >= loss:
            hear(self, data)

    monkeypatch.setattr(Peer, "send_audio", send_some)
    monkeypatch.setattr(DataLink, "hear", hear_some)


@pytest.mark.parametrize("loss", [0.0, 0.1])
async def test_speech_mutes_in_its_quantum_and_the_context_holds_what_was_played(
    open_room: Open, visit: Visit, monkeypatch: pytest.MonkeyPatch, loss: float
) -> None:
    lose(monkeypatch, loss)
    room = await open_room(
        f"{WEBRTC}greeting: {LONG!r}",
        settings=("pipeline.2.hears=[what about tea]", "pipeline.3.answers=[We have tea.]"),
    )
    page = await visit(room.url, microphone(spoken("What about tea, please?")))
    await page.evaluate(EXACT)
    await page.evaluate(
        "bargein.client.addEventListener('welcome', e => { globalThis.way = e.detail.transport; })"
    )
    await collect(page)
    await until(page, "told.bargein?.some(b => b.phase === 'accepted')")
    await until(page, "told.floor?.at(-1)?.state === 'idle'")
    assert await page.evaluate("globalThis.way") == "webrtc"
    attempt = await page.evaluate("told.bargein.find(b => b.phase === 'accepted')")
    assert attempt["quanta"] == 0
    tape = await tape_of(page)
    detected = tape.at("detected")
    heard = tape.utterance(attempt["utterance"], until=detected)
    sent = made()[: attempt["cutSamples"]]
    assert len(heard) == len(sent)
    wrong = np.mean(heard != sent)
    assert wrong == 0 if loss == 0 else wrong < loss, "a loss moved what followed"
    after = np.flatnonzero(tape.samples[detected + QUANTUM_SAMPLES :])
    assert after[0] > 0.2 * tape.rate_hz
    assert messages()[0] == ("assistant", attempt["heardText"])
    assert messages()[2] == ("user", "what about tea")


async def test_a_tab_that_is_closed_frees_its_seat_at_once_where_nobody_is_waited_for(
    open_room: Open, visit: Visit
) -> None:
    room = await open_room(f"{WEBRTC}greeting: {LONG!r}", settings=("transport.grace_s=0",))
    page = await visit(room.url, microphone(spoken("What about tea, please?")))
    await collect(page)
    await until(page, "bargein.client.state === 'open'")
    health = room.url.replace("ws://", "http://").replace("/ws", "/health")
    async with httpx.AsyncClient() as asking:
        assert (await asking.get(health)).json()["sessions"] == 1
        await page.close()
        async with asyncio.timeout(LOST_S / 2):
            while (await asking.get(health)).json()["sessions"]:  # noqa: ASYNC110  (nobody tells)
                await asyncio.sleep(0.05)

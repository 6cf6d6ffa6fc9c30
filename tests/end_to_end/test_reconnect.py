"""The connection of a real page is cut in mid-sentence; what its loudspeaker plays is recorded."""

from __future__ import annotations

from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.async_api import Page

from tests.browser.ramp import QUANTUM_SAMPLES
from tests.browser.talk import Tape
from tests.end_to_end.cable import Cable, cable_to
from tests.end_to_end.conftest import Visit
from tests.end_to_end.test_barge_in import EXACT, collect, made, microphone, tape_of, until
from tests.room.conftest import Open
from tests.room.parts import GivenLlm, Tap
from tests.room.test_barge_in import MIDDLE

pytestmark = [pytest.mark.browser, pytest.mark.slow]
QUIET = np.zeros(0, dtype=np.int16)
MOST_WORD_S = 1.0


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Tap.made.clear()
    GivenLlm.contexts.clear()


def repeated_samples(tape: Tape) -> int:
    """How much of utterance 1 sounded twice; fails where any is missing or wrong."""
    speech, end, repeated = made(), 0, 0
    begins = [mark for mark in tape.marks if mark["mark"] == "stretch"]
    for index, mark in enumerate(begins):
        first, start = mark["frame"] - tape.start_frame, mark["startSample"]
        following = begins[index + 1] if index + 1 < len(begins) else None
        # Where the connection was cut the engine stood still, somewhere before the next stretch.
        most = (following["frame"] - tape.start_frame if following else len(tape.samples)) - first
        heard, wanted = tape.samples[first : first + most], speech[start : start + most]
        differs = np.flatnonzero(heard[: len(wanted)] != wanted)
        count = int(differs[0]) if len(differs) else len(wanted)
        assert start <= end + QUANTUM_SAMPLES, f"{start - end} samples are missing"
        repeated += max(0, end - start)
        end = start + count
    assert end == len(speech)
    return repeated


async def cut_in_mid_sentence(page: Page, cable: Cable, *, plugged: bool = True) -> None:
    """Wait until a second of the sentence was played, and cut the cable."""
    await until(page, "told.playout?.at(-1)?.played > 24000")
    cable.plugged = plugged
    cable.cut()
    await until(page, "told.connection?.some(c => c.state === 'reconnecting')")


COLLECT_CONNECTION = """() => bargein.client.addEventListener('connection',
  e => (told.connection ??= []).push(e.detail))"""


@pytest.mark.parametrize("away_ms", [0, 1500])
async def test_a_page_whose_connection_is_cut_goes_on_from_the_very_word(
    open_room: Open, visit: Visit, away_ms: int
) -> None:
    room = await open_room(f"greeting: {MIDDLE!r}")
    async with cable_to(urlsplit(room.url).port or 0) as cable:
        page = await visit(f"ws://127.0.0.1:{cable.port}/ws", microphone(QUIET))
        await page.evaluate(EXACT)
        await collect(page)
        await page.evaluate(COLLECT_CONNECTION)
        await cut_in_mid_sentence(page, cable, plugged=not away_ms)
        await page.wait_for_timeout(away_ms)
        cable.plugged = True
        await until(page, "told.connection.at(-1).state === 'open'")
        await until(page, "told.floor?.at(-1)?.state === 'idle'")
        tape = await tape_of(page)
    repeated = repeated_samples(tape)
    assert repeated <= (MOST_WORD_S * tape.rate_hz if away_ms else 0)


async def test_a_page_that_is_loaded_again_continues_the_sentence(
    open_room: Open, visit: Visit
) -> None:
    room = await open_room(f"greeting: {MIDDLE!r}", settings=("transport.max_sessions=1",))
    page = await visit(room.url, microphone(QUIET))
    await collect(page)
    await until(page, "told.playout?.at(-1)?.played > 24000")
    await page.reload()
    await page.get_by_role("button", name="Continue").click()
    await collect(page)
    await until(page, "told.playout?.length > 0")
    first = await page.evaluate("told.playout[0]")
    assert first["utterance"] == 1
    assert first["played"] > 0.5 * 24_000
    await until(page, "told.floor?.at(-1)?.state === 'idle'")


async def test_a_page_gives_up_with_a_clear_word_when_nobody_waits_any_more(
    open_room: Open, visit: Visit
) -> None:
    room = await open_room(f"greeting: {MIDDLE!r}", settings=("transport.grace_s=4",))
    async with cable_to(urlsplit(room.url).port or 0) as cable:
        page = await visit(f"ws://127.0.0.1:{cable.port}/ws", microphone(QUIET))
        await collect(page)
        await page.evaluate(COLLECT_CONNECTION)
        await cut_in_mid_sentence(page, cable, plugged=False)
        assert "Reconnecting" in await page.locator("#floor-words").inner_text()
        await until(page, "told.connection.at(-1).state === 'closed'")
        error = await page.evaluate("told.connection.at(-1).error.code")
        assert error == "session_lost"
        await page.get_by_role("button", name="Start again").wait_for()

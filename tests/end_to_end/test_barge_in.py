"""From the microphone of a real browser to its loudspeaker, through the real bot."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Page

from tests.browser.ramp import QUANTUM_SAMPLES
from tests.browser.talk import TAPE, Tape
from tests.end_to_end.conftest import Visit
from tests.room.conftest import Open
from tests.room.parts import GivenLlm, Tap, messages
from tests.room.speech import RATE_HZ, blip, spoken
from tests.room.test_barge_in import LONG, MIDDLE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SPEECH_AT_S = 4.0
PATIENCE_MS = 20_000
COLLECT = """() => {
  globalThis.told = {};
  for (const name of ['bargein', 'floor', 'words', 'underrun', 'playout'])
    bargein.client.addEventListener(name, e => (told[name] ??= []).push(e.detail));
}"""


def microphone(speech: NDArray[np.int16], *, tail_s: float = 20.0) -> NDArray[np.int16]:
    """Hiss with speech in it at a known sample."""
    rng = np.random.default_rng(3)
    count = int((SPEECH_AT_S + tail_s) * RATE_HZ)
    heard = rng.integers(-3, 4, count).astype(np.int16)
    start = int(SPEECH_AT_S * RATE_HZ)
    heard[start : start + len(speech)] += speech
    return heard


EXACT = "bargein.client.setDuckOnHint(false)"


async def collect(page: Page) -> None:
    """Keep what the client tells."""
    await page.evaluate(COLLECT)


async def until(page: Page, condition: str) -> None:
    """Wait for JavaScript to hold."""
    await page.wait_for_function(f"() => {condition}", timeout=PATIENCE_MS)


async def tape_of(page: Page) -> Tape:
    """What came out of the loudspeaker."""
    return Tape.of(await page.evaluate(TAPE.replace("client.tape", "bargein.client.tape")))


def made() -> NDArray[np.float32]:
    """What the TTS made, at full scale 1."""
    return np.frombuffer(b"".join(Tap.made), dtype="<i2").astype(np.float32) / np.float32(32768)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Tap.made.clear()
    GivenLlm.contexts.clear()


async def test_speech_mutes_in_its_quantum_and_the_context_holds_what_was_played(
    open_room: Open, visit: Visit
) -> None:
    room = await open_room(
        f"greeting: {LONG!r}",
        settings=("pipeline.2.hears=[what about tea]", "pipeline.3.answers=[We have tea.]"),
    )
    page = await visit(room.url, microphone(spoken("What about tea, please?")))
    await page.evaluate(EXACT)
    await collect(page)
    await until(page, "told.bargein?.some(b => b.phase === 'accepted')")
    await until(page, "told.floor?.at(-1)?.state === 'idle'")
    attempt = await page.evaluate("told.bargein.find(b => b.phase === 'accepted')")
    assert attempt["quanta"] == 0
    tape = await tape_of(page)
    detected = tape.at("detected")
    assert tape.at("silent") == detected
    heard = tape.utterance(attempt["utterance"], until=detected)
    assert np.array_equal(heard, made()[: attempt["cutSamples"]])
    after = np.flatnonzero(tape.samples[detected + QUANTUM_SAMPLES :])
    assert after[0] > 0.2 * tape.rate_hz
    assert messages()[0] == ("assistant", attempt["heardText"])
    assert f"{attempt['heardText']} {attempt['unheardText']}" == LONG
    assert messages()[2] == ("user", "what about tea")


async def test_a_cough_is_rejected_and_no_sample_is_lost_or_repeated(
    open_room: Open, visit: Visit
) -> None:
    room = await open_room(f"greeting: {MIDDLE!r}")
    page = await visit(room.url, microphone(blip(length_ms=60)))
    await page.evaluate(EXACT)
    await page.evaluate("bargein.client.setThreshold(0.3)")
    await collect(page)
    await until(page, "told.bargein?.some(b => b.phase === 'rejected')")
    await until(page, "told.floor?.at(-1)?.state === 'idle'")
    tape = await tape_of(page)
    detected, speech = tape.at("detected"), made()
    assert tape.at("silent") == detected
    rejected = await page.evaluate("told.bargein.find(b => b.phase === 'rejected')")
    muted = tape.samples[detected + QUANTUM_SAMPLES : tape.at("verdict")]
    assert len(muted) > 0
    assert not muted.any()
    heard = tape.utterance(rejected["utterance"], until=len(tape.samples))
    assert np.allclose(heard[: len(speech)], speech, atol=1e-6)
    assert not heard[len(speech) :].any()

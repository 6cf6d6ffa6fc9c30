"""What the ear gets at a hint, a mute and its end: ramps, no steps; and nothing lost or doubled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Page

from bargein.protocol import Reason, Rejected

from .ramp import HINTED_GAIN, OPEN_GAIN, QUANTUM_SAMPLES
from .scene import Scene

pytestmark = pytest.mark.browser

RATE_HZ = 24_000
AMPLITUDE = 0.5
TONE_HZ = 200
HINT = 0.4
"""Of a VAD whose threshold is 0.65."""
OWN_STEP = AMPLITUDE * 2 * np.pi * TONE_HZ / RATE_HZ
"""The largest step from sample to sample of the tone itself."""
RAMP_STEP = AMPLITUDE / QUANTUM_SAMPLES
"""What a ramp may add to it."""


def tone(samples: int) -> npt.NDArray[np.float64]:
    return AMPLITUDE * np.sin(2 * np.pi * TONE_HZ * np.arange(samples) / RATE_HZ)


@pytest.fixture
def scene(engine_page: Page) -> Scene:
    """A bot that says a tone, heard for 300 ms."""
    scene = Scene(engine_page)
    scene.play_pcm(1, 0, np.round(tone(RATE_HZ) * 32_767).astype(np.int16))
    scene.run(300)
    return scene


def largest_step(scene: Scene) -> float:
    return float(np.abs(np.diff(scene.tape.samples)).max())


def rejected(scene: Scene) -> None:
    at = scene.log("truncate")[0]["played_samples"]
    scene.hear(Rejected(epoch=2, utterance=1, at_sample=at, reason=Reason.NO_SPEECH))


def test_the_tone_alone_has_the_step_that_is_stated(scene: Scene) -> None:
    assert largest_step(scene) == pytest.approx(OWN_STEP, rel=0.01)


def test_mute_and_return_are_ramps_that_add_no_step(scene: Scene) -> None:
    scene.speak()
    scene.run(200)
    rejected(scene)
    scene.hush()
    assert largest_step(scene) <= OWN_STEP + RAMP_STEP


def test_each_sample_of_a_mute_is_whole_when_both_ramps_are_added(scene: Scene) -> None:
    scene.speak()
    at = scene.log("truncate")[0]["played_samples"]
    scene.run(200)
    detected = scene.tape.at("detected")
    rejected(scene)
    back = len(scene.tape.samples)
    scene.run(50)
    tape = scene.tape.samples
    assert tape[detected + QUANTUM_SAMPLES - 1] == 0
    assert not tape[detected + QUANTUM_SAMPLES : back].any()
    whole = tape[detected:][:QUANTUM_SAMPLES] + tape[back:][:QUANTUM_SAMPLES]
    assert np.allclose(whole, tone(RATE_HZ)[at : at + QUANTUM_SAMPLES], atol=1e-4)


def test_a_hint_ducks_at_once_tells_nobody_and_lets_go_after_three_windows(
    engine_page: Page,
) -> None:
    scene = Scene(engine_page)
    scene.play(1, 0, RATE_HZ)
    scene.run(300)
    scene.voice(HINT)
    scene.run(32)
    scene.voice(0)
    scene.run(300)
    (played,) = scene.tape.runs
    assert [each.gain for each in scene.stretches] == [OPEN_GAIN, HINTED_GAIN, OPEN_GAIN]
    assert scene.stretches[1].samples == pytest.approx(0.096 * RATE_HZ, abs=2 * QUANTUM_SAMPLES)
    assert played.samples > 0.5 * RATE_HZ
    assert scene.log("truncate") == []


def test_a_hint_is_a_ramp_too(scene: Scene) -> None:
    scene.voice(HINT)
    scene.run(40)
    scene.voice(0)
    scene.run(300)
    assert largest_step(scene) <= OWN_STEP + RAMP_STEP


def test_a_hint_that_becomes_speech_is_muted_where_it_stood(engine_page: Page) -> None:
    scene = Scene(engine_page)
    scene.play(1, 0, RATE_HZ)
    scene.run(300)
    scene.voice(HINT)
    scene.run(32)
    scene.speak()
    (truncate,) = scene.log("truncate")
    (played,) = scene.tape.runs
    assert truncate["played_samples"] == played.samples
    assert scene.log("bargein")[0]["quanta"] == 0


def test_who_wants_no_ducking_at_hints_gets_none(engine_page: Page) -> None:
    scene = Scene(engine_page, duckOnHint=False)
    scene.play(1, 0, RATE_HZ)
    scene.run(300)
    scene.voice(HINT)
    scene.run(300)
    assert [each.gain for each in scene.stretches] == [OPEN_GAIN]


def test_a_bot_that_may_not_be_interrupted_is_not_ducked_either(engine_page: Page) -> None:
    scene = Scene(engine_page, threshold=1)
    scene.play(1, 0, RATE_HZ)
    scene.run(300)
    scene.voice(0.99)
    scene.run(300)
    assert scene.log("truncate") == []
    assert [each.gain for each in scene.stretches] == [OPEN_GAIN]


def test_at_a_low_threshold_speech_ends_too(engine_page: Page) -> None:
    scene = Scene(engine_page, threshold=0.1)
    scene.speak()
    scene.voice(0.01)
    scene.run(500)
    assert len(scene.log("speech_ended")) == 1


def test_after_a_false_alarm_the_rest_of_the_sound_ducks_nothing(scene: Scene) -> None:
    scene.speak()
    rejected(scene)
    scene.run(200)
    assert np.abs(scene.tape.samples[-RATE_HZ // 20 :]).max() > 0.9 * AMPLITUDE


def test_a_window_below_the_gate_is_neither_speech_nor_a_hint(engine_page: Page) -> None:
    scene = Scene(engine_page, gateDb=-60)
    scene.play(1, 0, RATE_HZ)
    scene.run(300)
    scene.speak()
    scene.run(100)
    assert scene.log("truncate") == []
    assert [each.gain for each in scene.stretches] == [OPEN_GAIN]


def test_the_echo_gate_counts_only_while_the_bot_is_heard(engine_page: Page) -> None:
    scene = Scene(engine_page, echoGateDb=-60)
    scene.play(1, 0, RATE_HZ)
    scene.run(300)
    scene.speak()
    assert scene.log("truncate") == []
    silent = Scene(engine_page, echoGateDb=-60)
    silent.speak()
    silent.play(1, 0, RATE_HZ)
    silent.run(100)
    assert len(silent.log("truncate")) > 0

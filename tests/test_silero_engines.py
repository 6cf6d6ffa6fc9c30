"""Whatever runs the model hears the same, alone and in company; what is missing is said."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from bargein.config.structure import Role
from bargein.errors import ConfigError, Place
from bargein.pipelines.part import Part
from bargein.processors.silero import Silero
from bargein.processors.silero_engines import LOADERS, Engine, model
from bargein.processors.vad import SileroVad
from bargein.silero_model import forgotten
from tests.test_silero import THRESHOLDS, of_onnx, windows

OTHERS = [
    Engine.ONNX,
    pytest.param(
        Engine.TORCH,
        marks=[
            pytest.mark.slow,
            pytest.mark.skipif(
                importlib.util.find_spec("silero_vad") is None,
                reason="the extra `torch` is not installed",
            ),
            # torch 2.10 and later advise against its JIT; silero-vad ships no other form of it.
            pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),
        ],
    ),
]
APART = 1e-4
"""Rounding, carried on by the memory: torch is 2e-5 off itself in other company."""


@pytest.mark.parametrize("engine", OTHERS)
def test_an_engine_says_what_the_original_says_and_flips_no_decision(engine: Engine) -> None:
    heard = windows()
    silero = Silero(engine)
    told = np.array([silero.probability(window) for window in heard])
    original = of_onnx(heard)
    assert np.abs(told - original).max() < APART
    for threshold in THRESHOLDS:
        assert ((told >= threshold) == (original >= threshold)).all()


@pytest.mark.parametrize("engine", OTHERS)
def test_a_talker_hears_the_same_in_company(engine: Engine) -> None:
    heard, net = windows()[:40], model(engine)
    memories = np.stack([forgotten()] * 3)
    told = []
    for at, window in enumerate(heard):
        company = (heard[at - 7], window, heard[at - 20])
        probabilities, memories = net.score(b"".join(company), memories)
        told.append(probabilities[1])
    alone = Silero(engine)
    assert np.abs(np.array([alone.probability(w) for w in heard]) - told).max() < APART


def test_talkers_of_two_engines_do_not_meet() -> None:
    assert model(Engine.ONNX) is not model(Engine.NUMPY)
    assert Silero(Engine.ONNX).model is model(Engine.ONNX)


def test_every_engine_can_be_loaded_somehow() -> None:
    assert set(LOADERS) == set(Engine)


def test_torch_that_is_not_installed_is_said_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "silero_vad", None)
    monkeypatch.delitem(sys.modules, "bargein.processors.silero_torch", raising=False)
    model.cache_clear()
    vad = Part(
        "silero_vad", Role.VAD, SileroVad, {"engine": Engine.TORCH}, {}, Place("a.yaml", 4, 5), "x"
    )
    with pytest.raises(ConfigError, match=r"a\.yaml:4:5.*pip install 'bargein\[torch\]'"):
        vad.build()

"""A registry of small parts, and a folder to write configurations in."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bargein.config.problems import InvalidConfigError
from bargein.config.structure import Role
from bargein.pipelines.load import Config, load
from bargein.pipelines.registry import BuiltIn, Registry

PARTS = "bargein_parts_for_tests"

REGISTRY = Registry(
    parts={
        "interruption": BuiltIn(f"{PARTS}:Gate", Role.INTERRUPTION),
        "silero_vad": BuiltIn(f"{PARTS}:Vad", Role.VAD),
        "some_stt": BuiltIn(f"{PARTS}:Stt", Role.STT),
        "scripted_llm": BuiltIn(f"{PARTS}:Llm", Role.LLM),
        "clauses": BuiltIn("bargein.processors.clauses:ClauseAggregator", Role.CLAUSES),
        "some_tts": BuiltIn(f"{PARTS}:Tts", Role.TTS),
        "played_audio": BuiltIn(f"{PARTS}:Played", Role.PLAYED_AUDIO),
        "absent_stt": BuiltIn("a_module_that_needs_more:Stt", Role.STT, "embedded"),
    },
    transports={"local": BuiltIn(f"{PARTS}:Room", Role.TRANSPORT)},
)

HEAD = "name: cafe\ntransport: {use: local, port: 7860}\n"
PIPELINE = """\
pipeline:
  - interruption
  - use: silero_vad
    probability_threshold: 0.7
  - use: some_stt
  - use: scripted_llm
    script: cafe.yaml
  - some_tts
  - played_audio
"""
GOOD = HEAD + PIPELINE


@pytest.fixture(autouse=True)
def parts_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the small parts importable, stand in an own folder, and leave sys.path as it was."""
    if PARTS not in sys.modules:
        spec = importlib.util.spec_from_file_location(PARTS, Path(__file__).parent / "parts.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[PARTS] = module
        try:
            with warnings.catch_warnings():
                # Pipecat imports audioop, which Python 3.13 no longer has.
                warnings.simplefilter("ignore", DeprecationWarning)
                spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[PARTS]  # a broken half of it would hide the reason from later tests
            raise
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    Path("cafe.yaml").write_text("order: coffee\n")
    Path("a_module_that_needs_more.py").write_text("import a_package_that_nobody_has\n")


@pytest.fixture
def registry() -> Registry:
    """The short names of the small parts."""
    return REGISTRY


Load = Callable[..., Config]


@pytest.fixture
def load_text() -> Load:
    """Load a text as bot.yaml."""

    def load_it(
        text: str = GOOD, *overrides: str, environ: Mapping[str, str] | None = None
    ) -> Config:
        Path("bot.yaml").write_text(text)
        return load(Path("bot.yaml"), overrides=overrides, environ=environ or {}, registry=REGISTRY)

    return load_it


@pytest.fixture
def problems_of(load_text: Load) -> Callable[..., list[str]]:
    """Load a text that has mistakes, and give the line of each."""

    def problems(text: str, *overrides: str, environ: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(InvalidConfigError) as caught:
            load_text(text, *overrides, environ=environ)
        return str(caught.value).splitlines()

    return problems

"""Any class can be named: a file beside the YAML, a module, a service of Pipecat's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bargein.pipelines.load import Config

Load = Callable[..., Config]
OURS = "bargein_parts_for_tests"

SHOUT = '''\
from dataclasses import dataclass

from pipecat.processors.frame_processor import FrameProcessor

@dataclass
class Volume:
    level: int = 1

class Shout(FrameProcessor):
    """Makes the bot shout."""

    def __init__(self, *, loudness: int = 3, volume: Volume | None = None, **kwargs: object):
        super().__init__(**kwargs)
        self.loudness = loudness
        self.volume = volume
'''

SERVICE = """\
from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from pipecat.frames.frames import Frame
from pipecat.services.settings import STTSettings
from pipecat.utils.types import NOT_GIVEN, NotGiven
from pipecat.services.stt_service import STTService

@dataclass
class OurSettings(STTSettings):
    punctuate: bool | None | NotGiven = field(default_factory=lambda: NOT_GIVEN)

class Ours(STTService):
    Settings = OurSettings

    def __init__(self, *, settings: Settings | None = None) -> None:
        super().__init__()
        self.given = settings

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        yield None
"""


def with_part(use: str, *keys: str) -> str:
    """Return a good configuration with one more part, in line 6 (keys from line 7)."""
    lines = "".join(f"    {key}\n" for key in keys)
    return (
        "name: cafe\ntransport: local\npipeline:\n  - interruption\n  - silero_vad\n"
        f"  - use: {use}\n{lines}  - some_stt\n"
        "  - {use: scripted_llm, script: cafe.yaml}\n  - some_tts\n  - played_audio\n"
    )


def with_stt(use: str, *keys: str) -> str:
    """Return a good configuration with another speech recognition, in line 6."""
    return with_part(use, *keys).replace("  - some_stt\n", "")


@pytest.mark.parametrize("use", ["./shout.py:Shout", "shout.py:Shout", "a_shouting_bot:Shout"])
def test_a_class_beside_the_yaml_is_found(use: str, load_text: Load) -> None:
    for name in ("shout.py", "a_shouting_bot.py"):
        Path(name).write_text(SHOUT)
    config = load_text(with_part(use, "loudness: 11", "volume: {level: 3}", "name: loud"))
    shout = config.parts[2].build()
    assert (shout.loudness, shout.volume.level, shout.name) == (11, 3, "loud")
    assert config.parts[2].role == "processor"


def test_two_files_of_one_name_are_two_modules(load_text: Load) -> None:
    for folder, loudness in (("one", "1"), ("two", "2")):
        Path(folder).mkdir()
        Path(folder, "shout.py").write_text(SHOUT.replace("= 3", f"= {loudness}"))
    config = load_text(with_part("./one/shout.py:Shout\n  - use: ./two/shout.py:Shout"))
    assert [part.build().loudness for part in config.parts[2:4]] == [1, 2]


def test_a_class_is_known_by_what_it_derives_from(load_text: Load) -> None:
    text = with_stt(f"{OURS}:Recogniser").replace("played_audio", f"{OURS}:ShyPlayed")
    config = load_text(text)
    assert [part.role for part in config.parts][2::3] == ["stt", "played_audio"]


def test_the_settings_of_a_service_are_a_mapping(load_text: Load) -> None:
    Path("service.py").write_text(SERVICE)
    config = load_text(
        with_stt(
            "./service.py:Ours",
            "settings: {model: nova, punctuate: true, extra: {vendor_only: 3}}",
        )
    )
    settings = config.parts[2].build().given
    assert (settings.model, settings.punctuate) == ("nova", True)
    assert settings.extra == {"vendor_only": 3}
    assert config.parts[2].shown["settings"] == {
        "model": "nova",
        "punctuate": True,
        "extra": {"vendor_only": 3},
    }
    assert type(settings.language).__name__ == "NotGiven"


def test_a_class_that_passes_its_keywords_on_takes_those_of_its_base(load_text: Load) -> None:
    config = load_text(with_stt(f"{OURS}:VendorStt", "rate_hz: 16000", "name: ears"))
    service = config.parts[2].build()
    assert (service.model, service.rate_hz, service.api_key) == ("nova", 16_000, "built in")
    assert config.parts[2].shown == {"model": "nova", "rate_hz": 16_000, "name": "ears"}


@pytest.mark.parametrize(
    ("key", "fragment"),
    [("rate: 16000", "Did you mean 'rate_hz'?"), ("rate_hz: fast", "must be a whole number")],
)
def test_what_a_class_passes_on_is_checked(
    key: str, fragment: str, problems_of: Callable[..., list[str]]
) -> None:
    (problem,) = problems_of(with_stt(f"{OURS}:VendorStt", key))
    assert problem.startswith("bot.yaml:7:5: pipeline[2]")
    assert fragment in problem


@pytest.mark.parametrize(
    ("settings", "fragment"),
    [
        ("{modle: nova}", "bot.yaml:7:16: pipeline[2].settings: there is no key 'modle' here."),
        ("{punctuate: 3}", "bot.yaml:7:16: pipeline[2].settings.punctuate: must be true or false"),
        ("nova", "bot.yaml:7:5: pipeline[2].settings: must be a mapping, not 'nova'"),
    ],
)
def test_the_settings_of_a_service_are_checked(
    settings: str, fragment: str, problems_of: Callable[..., list[str]]
) -> None:
    Path("service.py").write_text(SERVICE)
    (problem,) = problems_of(with_stt("./service.py:Ours", f"settings: {settings}"))
    assert fragment in problem


def test_a_service_that_pipecat_does_not_have_is_named(
    problems_of: Callable[..., list[str]],
) -> None:
    (problem,) = problems_of(with_stt("pipecat.services.nobody_has.stt:NobodySTT"))
    assert "there is no module 'pipecat.services.nobody_has'" in problem


OWN = """\
from bargein.processors.processor import Processor

class Silent(Processor):
    pass

class Misspelt(Processor):
    async def on_frmae(self, frame):
        return frame

class NotAsync(Processor):
    def on_frame(self, frame):
        return frame

class Good(Processor):
    async def on_frame(self, frame):
        return frame

class Heir(Good):
    pass

class Whole(Processor):
    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
"""
WITHOUT_WORK = {
    "Silent": "Silent does not define `on_frame`, so it would do nothing. Write `async def",
    "Misspelt": "Misspelt does not define `on_frame`, so it would do nothing. Rename 'on_frmae'",
    "NotAsync": "`on_frame` of NotAsync can't be awaited. Write `async def on_frame`.",
}


@pytest.mark.parametrize("name", WITHOUT_WORK)
def test_a_processor_that_would_do_nothing_is_a_mistake(
    name: str, problems_of: Callable[..., list[str]]
) -> None:
    Path("mine.py").write_text(OWN)
    (problem,) = problems_of(with_part(f"./mine.py:{name}"))
    assert WITHOUT_WORK[name] in problem


@pytest.mark.parametrize("name", ["Good", "Heir", "Whole"])
def test_a_processor_that_takes_frames_is_none(name: str, load_text: Callable[..., Config]) -> None:
    Path("mine.py").write_text(OWN)
    load_text(with_part(f"./mine.py:{name}"))


@pytest.mark.parametrize(
    ("use", "way_out"),
    [
        (
            "./mine.py",
            "'./mine.py' is a file and names no class of it. Write `./mine.py:Silent` or",
        ),
        ("./none.py", "Write `./none.py:Class`."),
        (
            "pipecat.services.openai.llm.OpenAILLMService",
            "Write `pipecat.services.openai.llm:OpenAILLMService`.",
        ),
    ],
)
def test_a_class_without_its_colon_is_shown_with_it(
    use: str, way_out: str, problems_of: Callable[..., list[str]]
) -> None:
    Path("mine.py").write_text(OWN)
    (problem,) = problems_of(with_part(use))
    assert way_out in problem

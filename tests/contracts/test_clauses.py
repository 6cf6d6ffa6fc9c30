"""What `ClauseAggregator` relies on in pipecat and pipecat does not promise."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from pipecat.frames.frames import Frame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.filters.identity_filter import IdentityFilter
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TextAggregationMode, TTSService

from bargein.processors.clauses import takes_tokens


class Silent(TTSService):
    """A service that says nothing, for a look at its parts."""

    def __init__(self, mode: TextAggregationMode | None) -> None:
        super().__init__(
            text_aggregation_mode=mode,
            settings=TTSSettings(model=None, voice=None, language=None),
        )

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        yield None


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(None, False), (TextAggregationMode.SENTENCE, False), (TextAggregationMode.TOKEN, True)],
)
def test_a_service_keeps_its_mode_where_we_look(
    mode: TextAggregationMode | None, expected: bool
) -> None:
    first = IdentityFilter()
    Pipeline([first, IdentityFilter(), Silent(mode)])
    assert takes_tokens(first) is expected


def test_without_a_voice_nobody_takes_tokens() -> None:
    assert takes_tokens(None) is False

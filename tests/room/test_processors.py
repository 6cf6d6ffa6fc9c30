"""The example in docs/processors.md runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bargein.protocol import Words
from tests.room.caller import Caller
from tests.room.conftest import Open
from tests.room.speech import spoken

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]
DOCS = Path(__file__).parents[2] / "docs" / "processors.md"


async def test_the_example_in_the_docs_spells_what_the_bot_says(
    open_room: Open, tmp_path: Path
) -> None:
    example = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert example
    assert len(example[1].strip().splitlines()) <= 16
    (tmp_path / "spell.py").write_text(example[1])
    room = await open_room(
        """
        pipeline:
          - interruption
          - silero_vad
          - use: tests.room.parts:GivenStt
            hears: [what is my number]
          - use: tests.room.parts:GivenLlm
            answers: [Your number is 4217.]
          - use: ./spell.py:Spell
          - espeak_tts
          - played_audio
        """
    )
    async with Caller(room.url) as caller:
        caller.say(spoken("What is my number?"), after_s=0.5)
        await caller.until(lambda: bool(caller.tape))
        await caller.until(lambda: not caller.voices)
        said = {
            each.first_word + n: word.text
            for each in caller.messages(Words)
            for n, word in enumerate(each.words)
        }
        assert " ".join(said[n] for n in sorted(said)) == "Your number is 4 2 1 7."

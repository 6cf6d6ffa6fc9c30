"""Says long numbers digit by digit, so that nobody mishears them."""

import re
from typing import Annotated

from pipecat.frames.frames import Frame, LLMTextFrame
from pydantic import Field

from bargein.processors.processor import PassOn, Processor


class Spell(Processor):
    """Stands between the LLM and the voice."""

    def __init__(
        self,
        *,
        digits: Annotated[
            int, Field(ge=2, description="Numbers of so many digits are spelled.")
        ] = 4,
    ) -> None:
        """Each argument is a key in the YAML."""
        super().__init__()
        self._long = re.compile(rf"\d{{{digits},}}")

    async def on_frame(self, frame: Frame) -> PassOn:
        """Take each frame that passes, and give it on."""
        if isinstance(frame, LLMTextFrame):
            frame.text = self._long.sub(lambda found: " ".join(found[0]), frame.text)
        return frame

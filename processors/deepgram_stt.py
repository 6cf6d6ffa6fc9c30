"""Deepgram's nova as a part: words as they are said, and final ones at each pause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, ClassVar

from pipecat.frames.frames import Frame
from pipecat.services.deepgram.stt import DeepgramSTTService
from pydantic import Field

from bargein.config.model import LANGUAGE_PATTERN
from bargein.errors import ConfigError
from bargein.processors.vendor import DEEPGRAM, Vendor

FLUX = "flux"
MOST_KEYTERMS = 100
"""Deepgram's own bound for one connection."""
REVIVE_EVERY_S = 5.0
"""A connection that is lost sooner again is left to Pipecat, which waits between its tries."""


class DeepgramSTT(DeepgramSTTService):
    """Hears with Deepgram's nova; the key is `DEEPGRAM_API_KEY` of the environment.

    Partial words come while one speaks. At each pause of the VAD it is asked for the final ones,
    which take some 100 ms. A lost connection is made again by itself.

    Raises `ConfigError` where there is no key.
    """

    vendor: ClassVar[Vendor] = DEEPGRAM

    def __init__(
        self,
        *,
        model: Annotated[
            str, Field(min_length=1, description="A model of Deepgram's for live recognition.")
        ] = "nova-3-general",
        language: Annotated[
            str,
            Field(
                pattern=LANGUAGE_PATTERN,
                description="What is spoken, like `en`, `de` or `pt-BR`; nova-3 knows `multi`.",
            ),
        ] = "en",
        keyterms: Annotated[
            list[str],
            Field(
                max_length=MOST_KEYTERMS,
                description="Names and words that are likely to come up (nova-3).",
            ),
        ] = [],  # noqa: B006  (never changed; shows as the default in the docs)
        smart_format: Annotated[
            bool,
            Field(description="Whether dates, amounts and the like are written as figures."),
        ] = False,
        numerals: Annotated[bool, Field(description="Whether numbers are figures.")] = False,
        profanity_filter: Annotated[bool, Field(description="Whether swear words are masked.")] = (
            False
        ),
        endpointing_ms: Annotated[
            int | None,
            Field(
                ge=10,
                le=5000,
                description=(
                    "Silence after which Deepgram calls words final by itself; null leaves it to "
                    "Deepgram. The user's turn does not end by it, see `endpointing:`."
                ),
            ),
        ] = None,
        mip_opt_out: Annotated[
            bool, Field(description="Whether Deepgram may not keep the audio to train models.")
        ] = False,
        url: Annotated[
            str, Field(pattern="^wss?://", description="Deepgram's address, or your own server's.")
        ] = DEEPGRAM.url,
    ) -> None:
        """Take the settings and the key; nothing is connected yet."""
        if model.startswith(FLUX):
            raise ConfigError(f"{model!r} is another kind of model. Write `use: deepgram_flux_stt`")
        self.access = DEEPGRAM.access(url)
        self._revived_s = float("-inf")
        super().__init__(
            api_key=self.access.key,
            base_url=self.access.url,
            mip_opt_out=mip_opt_out or None,
            settings=DeepgramSTTService.Settings(
                model=model,
                language=language,
                keyterm=list(keyterms) or None,
                smart_format=smart_format,
                numerals=numerals,
                profanity_filter=profanity_filter or None,
                endpointing=endpointing_ms,
            ),
        )

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Send audio; a connection that was lost is made anew at once, and what was said is kept.

        Pipecat's own first try comes 4 s later, and it drops the audio meanwhile. Private to
        pipecat 1.14; `tests/contracts/test_deepgram.py` holds it.
        """
        now_s = asyncio.get_running_loop().time()
        if self._connection is None and now_s - self._revived_s > REVIVE_EVERY_S:
            self._revived_s = now_s
            # In a task: whoever waits here holds up interruptions, too.
            self.create_task(self._reconnect(), f"{self}::revive")
        async for frame in super().run_stt(audio):
            yield frame

"""Deepgram's Flux as a part: it hears by itself when a turn is over, and when it soon may be."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pipecat.services.deepgram.flux.stt import DeepgramFluxSTTService
from pydantic import Field

from bargein.processors.deepgram_stt import MOST_KEYTERMS
from bargein.processors.vendor import DEEPGRAM, Vendor

PATH = "/v2/listen"


class DeepgramFluxSTT(DeepgramFluxSTTService):
    """Hears with Deepgram's Flux, which ends turns itself; the key is `DEEPGRAM_API_KEY`.

    A turn is over when Flux says so, or `endpointing:`, whoever is first. Where Flux expects the
    end, `speculation` has the reply begun at once, and dropped if Flux takes it back.

    Raises `ConfigError` where there is no key.
    """

    vendor: ClassVar[Vendor] = DEEPGRAM

    def __init__(
        self,
        *,
        model: Annotated[
            str, Field(pattern="^flux-", description="`flux-general-en` or `flux-general-multi`.")
        ] = "flux-general-en",
        end_threshold: Annotated[
            float, Field(ge=0.5, le=0.9, description="So sure Flux must be that a turn is over.")
        ] = 0.7,
        eager_threshold: Annotated[
            float | None,
            Field(
                ge=0.3,
                le=0.9,
                description=(
                    "And so sure that it soon may be; lower is sooner, and costs more replies that "
                    "are dropped. null expects nothing."
                ),
            ),
        ] = 0.5,
        end_timeout_ms: Annotated[
            int,
            Field(ge=500, le=10_000, description="So much silence ends a turn for Flux anyway."),
        ] = 5000,
        keyterms: Annotated[
            list[str],
            Field(
                max_length=MOST_KEYTERMS, description="Names and words that are likely to come up."
            ),
        ] = [],  # noqa: B006  (never changed; shows as the default in the docs)
        mip_opt_out: Annotated[
            bool, Field(description="Whether Deepgram may not keep the audio to train models.")
        ] = False,
        url: Annotated[
            str, Field(pattern="^wss?://", description="Deepgram's address, or your own server's.")
        ] = DEEPGRAM.url,
    ) -> None:
        """Take the settings and the key; nothing is connected yet."""
        self.access = DEEPGRAM.access(url)
        super().__init__(
            api_key=self.access.key,
            url=f"{self.access.url}{PATH}",
            mip_opt_out=mip_opt_out or None,
            enable_eager_end_of_turn=eager_threshold is not None,
            settings=DeepgramFluxSTTService.Settings(
                model=model,
                eot_threshold=end_threshold,
                eager_eot_threshold=eager_threshold,
                eot_timeout_ms=end_timeout_ms,
                keyterm=list(keyterms),
            ),
        )

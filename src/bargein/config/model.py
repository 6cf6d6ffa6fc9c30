"""The keys at the top of a configuration, with their types and bounds."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Endpointing(BaseModel):
    """How the bot decides that the user's turn is over."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    smart_turn: Annotated[
        bool,
        Field(description="Whether a model listens at each pause for the turn's end by its sound."),
    ] = True
    silence_ms: Annotated[
        int | None,
        Field(
            ge=100,
            le=10_000,
            description="Silence after which the turn is over in any case; null takes the "
            "default of the endpointing itself.",
        ),
    ] = None


class ConfigFile(BaseModel):
    """A whole file, once everything below `extends` is laid together."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: Annotated[
        str,
        Field(min_length=1, description="What the bot is called in logs and on the page."),
    ]
    greeting: Annotated[
        str | None, Field(description="What the bot says first; null waits for the user.")
    ] = None
    endpointing: Annotated[
        Endpointing, Field(description="How the end of the user's turn is decided.")
    ] = Endpointing()
    transport: Annotated[
        dict[str, Any],
        Field(description="How audio reaches the bot: `use` and the transport's own keys."),
    ]
    pipeline: Annotated[
        list[Any],
        Field(min_length=1, description="The parts that audio flows through, top to bottom."),
    ]

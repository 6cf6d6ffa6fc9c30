"""The keys at the top of a configuration, with their types and bounds."""

from __future__ import annotations

from pathlib import Path
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


class LedgerSettings(BaseModel):
    """Where and how the ledger is written; see docs/ledger.md."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    path: Annotated[
        Path,
        Field(description="The file that lines are appended to; its folder must be there."),
    ]
    words: Annotated[
        bool,
        Field(
            description="Whether it holds what user and bot said; off, only how many words it was."
        ),
    ] = True
    max_mb: Annotated[
        float,
        Field(
            ge=1,
            le=100_000,
            description="Past this size, in millions of bytes, the file is renamed to end in .1, "
            "and a new one begins.",
        ),
    ] = 100


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
    ledger: Annotated[
        LedgerSettings | None,
        Field(
            description="A file with one line for each barge-in and each turn; null keeps none. "
            "It is not part of the configuration's hash."
        ),
    ] = None
    transport: Annotated[
        dict[str, Any],
        Field(description="How audio reaches the bot: `use` and the transport's own keys."),
    ]
    pipeline: Annotated[
        list[Any],
        Field(min_length=1, description="The parts that audio flows through, top to bottom."),
    ]

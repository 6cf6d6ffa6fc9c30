"""The keys at the top of a configuration, with their types and bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from bargein.config.budget import BudgetSettings
from bargein.config.tools import ToolRules
from bargein.endpointing import EndpointRules

ENDPOINT = EndpointRules()
"""The defaults stand there."""
LANGUAGE_PATTERN = r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*$"
"""A language's code, with a region or the like if any."""


class Endpointing(BaseModel):
    """How the bot decides that the user's turn is over."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    smart_turn: Annotated[
        bool,
        Field(description="Whether a model listens at each pause for the turn's end by its sound."),
    ] = True
    smart_turn_threshold: Annotated[
        float,
        Field(
            ge=0.05,
            le=0.99,
            description="Above this probability by the model the turn is over as soon as the VAD "
            "calls the speech stopped.",
        ),
    ] = ENDPOINT.smart_turn_threshold
    smart_turn_doubt: Annotated[
        float,
        Field(
            ge=0,
            le=0.99,
            description="Above this one the model is in doubt: `likely_silence_ms` end the turn.",
        ),
    ] = ENDPOINT.smart_turn_doubt
    smart_turn_first_ms: Annotated[
        int,
        Field(
            ge=32,
            le=2000,
            description="At so much silence the model is asked first, before it is a pause, so "
            "that its answer is there when it is one.",
        ),
    ] = ENDPOINT.smart_turn_first_ms
    smart_turn_every_ms: Annotated[
        int,
        Field(ge=32, le=2000, description="After so much more silence it is asked again."),
    ] = ENDPOINT.smart_turn_every_ms
    smart_turn_most: Annotated[
        int, Field(ge=1, le=20, description="So often it is asked in one pause at most.")
    ] = ENDPOINT.smart_turn_most
    silence_ms: Annotated[
        int | None,
        Field(
            ge=100,
            le=10_000,
            description="Silence after which the turn is over unless its words want more; null "
            "takes the VAD's `min_silence_duration_ms`.",
        ),
    ] = None
    likely_silence_ms: Annotated[
        int,
        Field(
            ge=100,
            le=5000,
            description="Silence after which a turn is over that likely is: the recogniser has put "
            "a full stop or a question mark behind it, or it is short, or the model is in doubt.",
        ),
    ] = ENDPOINT.likely_silence_ms
    answer_words: Annotated[
        int,
        Field(
            ge=0,
            le=20,
            description="At most so many words are short: an answer, unless they sound as if more "
            "will come.",
        ),
    ] = ENDPOINT.answer_words
    unfinished_silence_ms: Annotated[
        int,
        Field(
            ge=100,
            le=5000,
            description="Silence after which it is over when the words sound as if more will "
            "come: in the middle of a number or a spelled name, after “and”.",
        ),
    ] = ENDPOINT.unfinished_silence_ms
    language: Annotated[
        str | None,
        Field(
            pattern=LANGUAGE_PATTERN,
            description="The language whose words are judged, like `en` or `de-AT`; null goes by "
            "the recogniser. English is known; elsewhere only figures and punctuation count.",
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
    tools: Annotated[
        list[Any],
        Field(description="What the LLM may propose, and nothing else; see [tools.md](tools.md)."),
    ] = []
    tool_rules: Annotated[ToolRules, Field(description="Rules for all tools.")] = ToolRules()
    budget: Annotated[
        BudgetSettings | None,
        Field(description="What sessions and identities may use; null is as much as they like."),
    ] = None
    transport: Annotated[
        dict[str, Any],
        Field(description="How audio reaches the bot: `use` and the transport's own keys."),
    ]
    pipeline: Annotated[
        list[Any],
        Field(min_length=1, description="The parts that audio flows through, top to bottom."),
    ]

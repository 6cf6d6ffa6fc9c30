"""The keys of a tool, of an MCP server's tools, and of the rules for all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bargein.tools.tool import DEFAULT_TIMEOUT_MS, MAX_RESULT_BYTES

MIN_TIMEOUT_MS = 100
MAX_TIMEOUT_MS = 120_000
"""Nobody waits longer on the telephone."""
MAX_DESCRIPTION_CHARACTERS = 4_000
"""OpenAI takes 1,024 in places, Anthropic more; every request carries all of them."""
_STRICT = ConfigDict(strict=True, extra="forbid", frozen=True)

TimeoutMs = Annotated[
    int,
    Field(
        ge=MIN_TIMEOUT_MS,
        le=MAX_TIMEOUT_MS,
        description="A call that has no result by then is ended, and the LLM is told.",
    ),
]
RateText = Annotated[
    str | None,
    Field(description="So many calls in any stretch of so long: `2/s`, `5/min`, `100/h`."),
]
Cost = Annotated[
    float,
    Field(ge=0, le=1e6, description="What a call costs, in the currency of the budget."),
]
Confirm = Annotated[
    Literal["user"] | bool | None,
    Field(description="`user`: the bot asks aloud first, and only a yes runs the call."),
]
Question = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=500,
        description="What it asks then; `{city}` stands for the argument of that name.",
    ),
]
OnInterruptionText = Annotated[
    Literal["cancel", "finish"],
    Field(
        description="What becomes of a running call when the user takes the floor: it is "
        "cancelled, or it runs to its end and the LLM hears of it."
    ),
]
ResultBytes = Annotated[
    int,
    Field(ge=1, le=262_144, description="A result of more bytes, as JSON, is not used."),
]


class PermissionKeys(BaseModel):
    """What a handler may reach beside its own code; nothing that is not named."""

    model_config = _STRICT

    network: Annotated[
        tuple[str, ...], Field(description="`host:port`, each written out; no patterns.")
    ] = ()
    read: Annotated[
        tuple[Path, ...], Field(description="Files, and folders with all in them.")
    ] = ()
    write: Annotated[tuple[Path, ...], Field(description="The same, to be read and written.")] = ()
    env: Annotated[
        tuple[str, ...],
        Field(
            description="Names of environment variables. Each must be set; wherever a value of "
            "them stands in a result it is masked."
        ),
    ] = ()


class Rules(BaseModel):
    """What may be set of any tool, wherever it is declared."""

    model_config = _STRICT

    timeout_ms: TimeoutMs = DEFAULT_TIMEOUT_MS
    rate: RateText = None
    cost: Cost = 0.0
    confirm: Confirm = None
    question: Question = None
    on_interruption: OnInterruptionText = "cancel"
    max_result_bytes: ResultBytes = MAX_RESULT_BYTES


class _Told(BaseModel):
    """What a tool is, as it is written out."""

    model_config = _STRICT

    name: Annotated[str, Field(min_length=1, description="What the LLM calls it.")]
    description: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_DESCRIPTION_CHARACTERS,
            description="What it is for, and when to use it; the LLM reads this.",
        ),
    ]
    arguments: Annotated[
        dict[str, Any],
        Field(
            description="JSON Schema of an object, or its properties alone, which are all "
            "required then but those with a `default`."
        ),
    ] = {}
    result: Annotated[
        dict[str, Any] | None,
        Field(description="JSON Schema of what the handler returns; null takes any JSON."),
    ] = None
    handler: Annotated[
        str, Field(description="`./file.py:function`, or `package.module:function`.")
    ]


class ToolKeys(Rules, _Told):
    """A tool that is written out."""

    permissions: Annotated[
        PermissionKeys, Field(description="What the handler may reach beside its own code.")
    ] = PermissionKeys()


class FunctionKeys(BaseModel):
    """What is set anew of a function that carries its declaration; the rest stays as declared."""

    model_config = _STRICT

    use: Annotated[str, Field(description="`./file.py:function` or `package.module:function`.")]
    name: Annotated[str | None, Field(min_length=1, description="What the LLM calls it.")] = None
    description: Annotated[
        str | None,
        Field(min_length=1, max_length=MAX_DESCRIPTION_CHARACTERS, description="What it is for."),
    ] = None
    timeout_ms: TimeoutMs | None = None
    rate: RateText = None
    cost: Cost | None = None
    confirm: Confirm = None
    question: Question = None
    on_interruption: OnInterruptionText | None = None
    max_result_bytes: ResultBytes | None = None
    permissions: PermissionKeys | None = None


class _Served(BaseModel):
    """Which tool of a server, and what is told of it."""

    model_config = _STRICT

    tool: Annotated[str, Field(min_length=1, description="What the server calls it.")]
    name: Annotated[
        str | None,
        Field(min_length=1, description="What the LLM calls it; null takes the server's name."),
    ] = None
    description: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=MAX_DESCRIPTION_CHARACTERS,
            description="What the LLM is told of it; null takes the server's words.",
        ),
    ] = None
    result: Annotated[
        dict[str, Any] | None,
        Field(description="JSON Schema of its result; null takes the server's, if it has one."),
    ] = None


class McpToolKeys(Rules, _Served):
    """A tool of an MCP server that the LLM may propose."""


class McpKeys(BaseModel):
    """An MCP server: one of `command` and `url`, and which of its tools may be proposed."""

    model_config = _STRICT

    command: Annotated[
        tuple[str, ...] | None,
        Field(min_length=1, description="A program that speaks MCP over stdin and stdout."),
    ] = None
    url: Annotated[
        str | None, Field(min_length=1, description="A server that speaks MCP over HTTP.")
    ] = None
    headers: Annotated[
        dict[str, str], Field(description="Sent to `url` with each request, like a token.")
    ] = {}
    tools: Annotated[
        tuple[McpToolKeys, ...],
        Field(
            min_length=1,
            description="The names of the tools that are used, no others. In place of a name may "
            "stand a mapping: `tool`, that name, and keys as above but `arguments` and `handler`.",
        ),
    ]
    permissions: Annotated[
        PermissionKeys, Field(description="What the program of `command` may reach.")
    ] = PermissionKeys()


class Filler(BaseModel):
    """What is said while a tool takes its time."""

    model_config = _STRICT

    after_ms: Annotated[
        int, Field(ge=100, le=30_000, description="When nothing was said for so long.")
    ] = 800
    say: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="Phrases that take turns; one is said in a turn."),
    ]


class ToolRules(BaseModel):
    """Rules for all tools of the bot."""

    model_config = _STRICT

    sandbox: Annotated[
        Literal["prefer", "require"],
        Field(
            description="`require` refuses to start where this machine can't hold every "
            "protection; `prefer` says which it does not hold."
        ),
    ] = "prefer"
    audit: Annotated[
        Path | None,
        Field(
            description="A file with a line for each proposal and what became of it; null keeps "
            "none. It is not part of the configuration's hash."
        ),
    ] = None
    confirm_within_ms: Annotated[
        int,
        Field(
            ge=1_000,
            le=120_000,
            description="A question that has no answer so long after it was asked is a no.",
        ),
    ] = 15_000
    filler: Annotated[
        Filler | None,
        Field(description="What is said while a tool takes its time; null says nothing."),
    ] = None

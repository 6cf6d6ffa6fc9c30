"""What a line of the ledger holds; the JSON Schema and the docs are printed from these models.

Every time is in milliseconds of the server's monotonic clock. `opened_ms` is on that clock as
it is; all others are relative to the line's `opened_ms`, so that a line can be read alone. The
file is long because the format is one thing, to be read in one place.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bargein.endpointing import EndedBy
from bargein.failover import Cause
from bargein.floor import Floor
from bargein.speculation import Because, Outcome
from bargein.verdict import Evidence


class Opener(StrEnum):
    """Who opened a tentative barge-in."""

    CLIENT_VAD = "client_vad"
    """The client's VAD fired, and the client muted the bot."""
    CLIENT = "client"
    """The client said where it stopped, without a detection of its own."""
    SERVER_VAD = "server_vad"
    """The server's own VAD heard speech over the bot."""
    WORDS = "words"
    """The recogniser had words for which no turn was open."""


class Result(StrEnum):
    """How a tentative barge-in ended."""

    ACCEPTED = "accepted"
    """The user took the floor."""
    REJECTED = "rejected"
    """It was nothing; the bot went on."""
    IGNORED = "ignored"
    """The client's truncate did not apply; nothing was paused."""
    INTERRUPTED = "interrupted"
    """Somebody else in the pipeline interrupted the bot meanwhile."""
    UNDECIDED = "undecided"
    """The session ended before the verdict."""


class Aftermath(StrEnum):
    """What became of an accepted barge-in."""

    TURN = "turn"
    """A turn with words."""
    MISFIRE = "misfire"
    """A turn without words."""


class Part(BaseModel):
    """What all models of the ledger have in common."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Input(Part):
    """One thing that the arbiter was told."""

    at_ms: float = Field(description="When; negative is before the contest was opened.")
    input: str = Field(description="What: the name of the arbiter's method.")
    facts: dict[str, Any] = Field(
        default={},
        description="With what: its arguments; of a window of the server's VAD also what the "
        "window was like (probability, threshold, level_db).",
    )


class Latency(Part):
    """From the client's detection to the server's acknowledgement, over the network."""

    detected_to_acknowledged_ms: float = Field(
        description="From the moment the client's VAD fired until the server sent `contested`, "
        "or `ignored` where the truncate did not apply."
    )
    error_ms: float = Field(
        description="The estimate is off by at most this: half the round trip of the ping "
        "that the offset of the clocks was taken from."
    )
    estimate: Literal[True] = Field(
        default=True, description="Two clocks are compared, so it always is one."
    )


class Client(Part):
    """What the client said of its detection."""

    probability: float = Field(description="Its VAD's probability of speech.")
    window_index: int = Field(description="The microphone window that fired.")
    noise_floor_db: float = Field(description="Its noise floor, dBFS.")
    truncates_ms: tuple[float, ...] = Field(description="When its truncates came; the rest repeat.")
    speech_ended_ms: float | None = Field(
        default=None, description="When it told that the speech had ended."
    )
    latency: Latency | None = Field(
        default=None, description="Null where the client told no clock or no round trip."
    )


class Sent(Part):
    """What the client was told, and how often."""

    contested_ms: tuple[float, ...] = Field(
        default=(), description="When `contested` was sent; the first is the acknowledgement."
    )
    verdicts_ms: tuple[float, ...] = Field(
        default=(), description="When the verdict or `ignored` was sent; the rest are repeats."
    )


class AtStake(Part):
    """The bot's voice at the verdict: what an acceptance costs, and a rejection saves."""

    utterance: int = Field(description="The utterance that was cut, or that goes on.")
    at_sample: int = Field(description="Where it was cut, or goes on.")
    heard_text: str = Field(default="", description="What was heard of it by then.")
    unheard_text: str = Field(
        default="",
        description="The rest, as far as it was made by then. If the barge-in was accepted, "
        "this was lost; if it was rejected, it was said afterwards.",
    )
    heard_words: int = Field(default=0, description="How many words were heard.")
    unheard_words: int = Field(default=0, description="How many words the rest has.")
    corrected: bool = Field(
        default=False, description="The client's last position corrected the cut afterwards."
    )


class Entry(Part):
    """What every line begins with."""

    v: Literal[1] = Field(default=1, description="Version of the ledger's format.")
    session: str = Field(description="Id of the session.")
    config: str = Field(description="Hash of the effective configuration, 16 hex digits.")
    number: int = Field(description="Counts the lines of this kind in the session, from 1.")
    wall_time: str = Field(description="When, for people: ISO 8601, UTC. No duration is from it.")
    opened_ms: float = Field(description="When, on the server's monotonic clock.")


class BargeIn(Entry):
    """A tentative barge-in: somebody spoke over the bot, or a client believed so."""

    kind: Literal["barge_in"] = Field(default="barge_in", description="What the line is about.")
    opened_by: Opener = Field(description="Who opened it.")
    floor: Floor = Field(description="Who had the floor before.")
    utterance: int = Field(description="The bot's utterance that was spoken over.")
    at_sample: int | None = Field(
        description="Where the client stopped; null: nobody told, and the server estimates."
    )
    client: Client | None = Field(default=None, description="Null where no client had a say.")
    result: Result = Field(description="How it ended.")
    reason: str | None = Field(
        default=None, description="Why it was rejected or ignored; null if it was accepted."
    )
    verdict_ms: float | None = Field(description="When the verdict fell; null: it never did.")
    evidence: Evidence | None = Field(
        default=None, description="What was known at the verdict; null where none was needed."
    )
    at_stake: AtStake | None = Field(default=None, description="Null where nothing was paused.")
    aftermath: Aftermath | None = Field(default=None, description="Of an accepted one.")
    resumed: bool = Field(
        default=False, description="It was a misfire, and the bot took its answer up again."
    )
    sent: Sent = Field(description="What the client was told.")
    settings: dict[str, dict[str, Any]] = Field(
        description="The rules that decided: of `interruption` and of `silero_vad`."
    )
    standing: dict[str, Any] = Field(
        description="The arbiter's state before the first of the inputs; times are relative too."
    )
    inputs: tuple[Input, ...] = Field(
        description="All that the arbiter was told, from half a second before (or the silence "
        "before the speech that led here) until a second after the verdict. After the verdict "
        "only what the microphone told."
    )


class Stages(Part):
    """When each stage of a turn was reached; null: it was not, or nobody knows."""

    onset: float | None = Field(default=None, description="The user's speech began.")
    speech_ended: float | None = Field(
        default=None, description="The last window of speech was over, by the server's VAD."
    )
    final_transcript: float | None = Field(
        default=None, description="The last final transcript came."
    )
    endpoint: float | None = Field(default=None, description="The turn was called complete.")
    first_token: float | None = Field(default=None, description="The LLM's first text.")
    first_clause: float | None = Field(
        default=None, description="The TTS was given its first text: a clause, or a sentence."
    )
    first_tts_audio: float | None = Field(
        default=None, description="The TTS's first byte, which may be silence."
    )
    first_audio_sent: float | None = Field(
        default=None, description="The first packet of the reply went to the client."
    )
    playout_began: float | None = Field(
        default=None,
        description="The first sample was played: when the client's first report of it came, less "
        "what the report says was played by then. An estimate: late by the report's way here.",
    )
    first_audio_heard: float | None = Field(
        default=None,
        description="The first sample that can be heard was played, behind the silence that a "
        "voice may begin with.",
    )
    reply_ended: float | None = Field(
        default=None,
        description="The reply was played to its end, or cut off; null: the session ended first.",
    )


class Added(Part):
    """What each stage added to the response, in ms; null: it is not known, the next one has it.

    The parts sum exactly to `response_ms`. A stage that was reached before the one that it else
    waits for, like the first token of a reply that was begun early, adds 0.
    """

    final_transcript: float | None = Field(default=None, description="The recogniser.")
    endpoint: float | None = Field(default=None, description="Deciding that the turn was over.")
    first_token: float | None = Field(default=None, description="The LLM.")
    first_clause: float | None = Field(
        default=None, description="Until there were words that can stand alone."
    )
    first_tts_audio: float | None = Field(default=None, description="The TTS.")
    first_audio_sent: float | None = Field(default=None, description="The server's own work.")
    playout_began: float | None = Field(
        default=None, description="The way to the client, and its buffers."
    )
    first_audio_heard: float | None = Field(
        default=None, description="The silence that the voice began with."
    )


class Predicted(Part):
    """A reply that was begun while the turn was still open."""

    number: int = Field(description="Counts them in the session, from 1.")
    text: str = Field(default="", description="What the user had said by then.")
    words: int = Field(default=0, description="How many words that is.")
    at_ms: float = Field(description="When it was begun.")
    because: Because = Field(description="Why the words were taken for complete.")
    outcome: Outcome | None = Field(
        default=None, description="What became of it; null: the session ended first."
    )
    resolved_ms: float | None = Field(default=None, description="When that was.")
    prompt_tokens: int = Field(default=0, description="Tokens that the LLM read for it.")
    completion_tokens: int = Field(
        default=0, description="Tokens that it had written when this became of it."
    )
    wasted_tokens: int = Field(default=0, description="All of them, where nobody heard the reply.")
    tokens_estimated: bool = Field(
        default=True, description="Counted by length: the LLM's service did not say."
    )
    tool_calls: int = Field(default=0, description="Withheld until it was confirmed, or dropped.")
    saved_ms: float = Field(default=0, description="How much sooner the answer was there.")


class Turn(Entry):
    """A turn of the user's and the reply to it; without an onset, what the bot said unasked."""

    kind: Literal["turn"] = Field(default="turn", description="What the line is about.")
    barge_in: int | None = Field(
        default=None, description="Number of the barge-in that opened it; null: the bot was silent."
    )
    transcript: str = Field(default="", description="What the user was understood to say.")
    transcript_words: int = Field(default=0, description="How many words that is.")
    ended_by: EndedBy | None = Field(default=None, description="Why it was called complete.")
    stages: Stages = Field(description="When each stage was reached.")
    response_ms: float | None = Field(
        default=None, description="From the end of speech to the first audio heard."
    )
    latency: Added | None = Field(
        default=None, description="What the response was made of; null where nothing was heard."
    )
    predictions: tuple[Predicted, ...] = Field(
        default=(), description="Replies that were begun while the turn was open, in order."
    )
    wasted_tokens: int = Field(default=0, description="By predictions that nobody heard.")
    saved_ms: float = Field(
        default=0, description="How much sooner the answer was there thanks to a prediction."
    )
    heard_text: str = Field(
        default="",
        description="What was heard of the reply; where the session ended first, what the client "
        "had told by then.",
    )
    unheard_text: str = Field(default="", description="What was not.")
    heard_words: int = Field(default=0, description="How many words were heard.")
    unheard_words: int = Field(default=0, description="How many were not.")
    interrupted: bool = Field(default=False, description="The reply was cut off.")
    away_ms: float = Field(
        default=0,
        description="So long in all the client's connection was lost meanwhile; the times of this "
        "line hold it, and its answer does not count in the session's figures.",
    )


class Speculated(Part):
    """What predictions did in a session: each is one call of the LLM."""

    predictions: int = Field(default=0, description="How many were made.")
    outcomes: dict[Outcome, int] = Field(default={}, description="How many ended so.")
    hit_rate: float | None = Field(
        default=None, description="The share that was confirmed; null: none was made."
    )
    wasted_calls: int = Field(default=0, description="How many were not confirmed.")
    prompt_tokens: int = Field(default=0, description="Tokens that the LLM read for them.")
    completion_tokens: int = Field(default=0, description="Tokens that it wrote.")
    wasted_tokens: int = Field(default=0, description="Tokens of those not confirmed.")
    tool_calls: int = Field(default=0, description="Withheld until confirmed, or dropped.")
    saved_ms: float = Field(default=0, description="By all that were confirmed.")


class TookOver(Part):
    """A part failed, and another one of its kind took over."""

    at_ms: float = Field(description="When.")
    failed: str = Field(description="The part's name in the configuration.")
    took_over: str = Field(description="Who works since.")
    cause: Cause = Field(description="Why.")


class Absence(Part):
    """The client's connection was lost, and the session waited for it."""

    at_ms: float = Field(description="When it was lost.")
    away_ms: float | None = Field(description="For how long; null: until the session ended.")


class SessionEnd(Entry):
    """A session that is over: its figures."""

    kind: Literal["session"] = Field(default="session", description="What the line is about.")
    ended_ms: float = Field(description="When it ended.")
    turns: int = Field(default=0, description="Turns of the user's with words.")
    misfires: int = Field(default=0, description="Turns without.")
    accepted: int = Field(default=0, description="Barge-ins that took the floor.")
    rejected: int = Field(default=0, description="Those after which the bot went on.")
    answers: int = Field(default=0, description="Answers of which the first sound was heard.")
    response_p50_ms: float | None = Field(
        default=None, description="Half of the answers were heard within so long."
    )
    response_p95_ms: float | None = Field(default=None, description="95 % of them were.")
    speculation: Speculated = Field(description="What predictions did.")
    fail_overs: tuple[TookOver, ...] = Field(
        default=(), description="Where a part failed and another one took over, in order."
    )
    absences: tuple[Absence, ...] = Field(
        default=(), description="When the client's connection was lost, in order."
    )


AnyEntry = BargeIn | Turn | SessionEnd


class Line:
    """Writes and reads one line; pydantic's errors come through as they are."""

    adapter: ClassVar[TypeAdapter[AnyEntry]] = TypeAdapter(
        Annotated[AnyEntry, Field(discriminator="kind")]
    )

    @staticmethod
    def write(entry: AnyEntry) -> str:
        """Write a line, with its end; numbers are exact, so that a replay is."""
        return (
            json.dumps(entry.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
            + "\n"
        )

    @classmethod
    def read(cls, text: str) -> AnyEntry:
        """Read a line; raises pydantic's ValidationError."""
        return cls.adapter.validate_json(text)

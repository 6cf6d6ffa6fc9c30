"""The rows of the table: what each measures, its unit, its goal, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bargein.latency import Stage
from bargein.measure.figures import Figure, percentile


class Shape(StrEnum):
    """How a row's values are summed up."""

    SPREAD = "spread"
    """n, p50, p90, p99."""
    RATE = "rate"
    """n and the share of yes."""
    VALUE = "value"
    """n and one value (the mean)."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a row should reach; of several all hold."""

    statistic: str
    """p50, p90, p99 or value."""
    bound: float
    at_least: bool = False

    def holds(self, summary: Mapping[str, float | int | str]) -> bool:
        """Whether the row keeps it."""
        value = float(summary[self.statistic])
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    key: str
    title: str
    unit: str
    shape: Shape
    basis: str
    """What it is counted or estimated on."""
    goals: tuple[Goal, ...] = ()
    estimate: bool = False


QUANTUM_MS = 5.4
"""128 samples at the 24 kHz of the bot's voice, rounded up."""


def _p(percent: int, bound: float) -> Goal:
    return Goal(f"p{percent}", bound)


def stage_key(stage: Stage) -> str:
    """Give the key of a stage's row."""
    return f"stage_{stage}_ms"


STAGE_MEANINGS = {
    Stage.FINAL_TRANSCRIPT: ("recogniser", "last window of speech heard, last final transcript"),
    Stage.ENDPOINT: ("end of turn", "until the turn was called complete"),
    Stage.FIRST_TOKEN: ("LLM, first token", "until its first text"),
    Stage.FIRST_CLAUSE: ("LLM, first clause", "until the TTS was given words"),
    Stage.FIRST_TTS_AUDIO: ("TTS, first byte", "until its first audio, silence too"),
    Stage.FIRST_AUDIO_SENT: ("server, first packet", "until it went to the client"),
    Stage.PLAYOUT_BEGAN: ("way, first sample", "until the client played it, by its reports"),
    Stage.FIRST_AUDIO_HEARD: ("voice's leading silence", "until the first sample above -50 dBFS"),
}
STAGE_ROWS = tuple(
    Row(stage_key(stage), f"  of it: {title}", "ms", Shape.SPREAD, basis)
    for stage, (title, basis) in STAGE_MEANINGS.items()
)
PREDICTION_ROWS = (
    Row(
        "prediction_hit_rate",
        "replies begun early that were right",
        "",
        Shape.RATE,
        "predictions that were confirmed, of all that were made",
    ),
    Row(
        "prediction_saved_ms",
        "an answer is there sooner by",
        "ms",
        Shape.SPREAD,
        "answers that had been begun early",
    ),
    Row(
        "wasted_calls",
        "LLM calls wasted, per answer",
        "calls",
        Shape.VALUE,
        "predictions that nobody heard, in turns that were answered",
    ),
    Row(
        "wasted_tokens",
        "tokens wasted, per answer",
        "tokens",
        Shape.VALUE,
        "prompt and completion of these; estimated where the LLM does not tell",
    ),
)


ROWS = (
    Row(
        "onset_to_mute_ms",
        "sound begins -> bot is silent",
        "ms",
        Shape.SPREAD,
        "first sample of speech in the microphone, last sample in the ear",
        (_p(50, 60), _p(90, 110)),
    ),
    Row(
        "detect_to_silence_ms",
        "speech detected -> bot is silent",
        "ms",
        Shape.SPREAD,
        "the client's tape; a mute is a ramp of one render quantum, 128 samples",
        (_p(99, QUANTUM_MS),),
    ),
    Row(
        "detect_to_ack_ms",
        "speech detected -> server's word",
        "ms",
        Shape.SPREAD,
        "truncate sent, contested received; no network",
        (_p(99, 50),),
    ),
    Row(
        "server_stop_ms",
        "speech detected -> server sends no more",
        "ms",
        Shape.SPREAD,
        "truncate sent, last packet of the bot's voice sent; no network",
        (_p(99, 50),),
    ),
    Row(
        "reject_to_audible_ms",
        "false alarm begins -> bot is heard again",
        "ms",
        Shape.SPREAD,
        "noises and murmurs that silenced the bot; from their first sample",
        (_p(90, 600),),
    ),
    Row(
        "lost_samples",
        "samples lost by a false alarm",
        "samples",
        Shape.SPREAD,
        "what the TTS made against what was heard, sample by sample",
        (_p(99, 0),),
    ),
    Row(
        "repeated_samples",
        "samples heard twice by a false alarm",
        "samples",
        Shape.SPREAD,
        "what the TTS made against what was heard, sample by sample",
        (_p(99, 0),),
    ),
    Row(
        "context_word_error",
        "words in the context, not as played",
        "words",
        Shape.SPREAD,
        "the LLM's context against the tape, with the TTS's word times",
        (_p(50, 0), _p(99, 1)),
    ),
    Row(
        "voice_to_voice_ms",
        "user's speech ends -> bot's first sound",
        "ms",
        Shape.SPREAD,
        "last sample of speech in the microphone, first sample in the ear",
        (_p(50, 300),),
    ),
    *STAGE_ROWS,
    *PREDICTION_ROWS,
    Row(
        "accepted_rate",
        "barge-ins that take the floor",
        "",
        Shape.RATE,
        "speech over the bot",
        (Goal("value", 0.98, at_least=True),),
    ),
    Row(
        "rejected_rate",
        "noises and murmurs that do not",
        "",
        Shape.RATE,
        "noises and backchannels over the bot",
        (Goal("value", 0.90, at_least=True),),
    ),
    Row(
        "sessions_per_core",
        "sessions that a core holds",
        "",
        Shape.VALUE,
        "until p99 of detect_to_ack passes 50 ms; between sizes interpolated",
        estimate=True,
    ),
    Row(
        "cpu_ms_per_audio_s",
        "CPU of a second of a session",
        "ms",
        Shape.VALUE,
        "CPU time of the process that holds the sessions",
    ),
    Row(
        "client_bytes",
        "web client, compressed",
        "bytes",
        Shape.VALUE,
        "every file that the page loads, gzip",
        (Goal("value", 1_300_000),),
    ),
    Row(
        "vad_ms_per_window",
        "client's VAD, per 32 ms window",
        "ms",
        Shape.SPREAD,
        "its WASM on this machine",
        (_p(50, 0.2),),
    ),
)
KEYS = tuple(row.key for row in ROWS)


def summary(row: Row, figure: Figure) -> dict[str, float | int | str]:
    """Give `n` and the row's statistics, as they stand in the JSON."""
    held: dict[str, float | int | str] = {"n": figure.n}
    if figure.n and row.shape is Shape.SPREAD:
        held |= {f"p{each}": round(percentile(figure.values, each), 4) for each in (50, 90, 99)}
    elif figure.n:
        held["value"] = round(sum(figure.values) / figure.n, 4)
    if figure.reason:
        held["reason" if not figure.n else "note"] = figure.reason
    return held


def meets(row: Row, shown: Mapping[str, float | int | str]) -> bool | None:
    """Whether all goals hold; None without goals or figures."""
    if not row.goals or not shown["n"]:
        return None
    return all(goal.holds(shown) for goal in row.goals)

"""What is compared: bots, networks and latencies."""

from __future__ import annotations

from dataclasses import dataclass, field

from bargein.rehearsal.network import NetworkSettings
from bench.turn_taking.vendors import Latencies
from tests.vendors.latency import Synthesis, Writing


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    bot: str
    """`sequential`, `stock`, `tuned`, `eager`, or a config of this folder."""
    says: str
    """What it is, in the docs."""
    network: NetworkSettings | None = None
    latencies: Latencies = field(default_factory=Latencies)


BAD_NETWORK = NetworkSettings(delay_ms=50, jitter_ms=30, loss=0.02)
"""Each way, on a WebSocket: what is lost comes again after 200 ms, and holds up what follows."""

HEADLINE = (
    Row("sequential", "sequential", "each step waits for the one before"),
    Row("stock", "stock", "stock Pipecat 1.14, its defaults"),
    Row("tuned", "tuned", "stock Pipecat 1.14, tuned"),
    Row("eager", "eager", "stock Pipecat 1.14, Deepgram Flux with eager end of turn"),
    Row("ours", "ours.yaml", "bargein, without speculation"),
    Row("speculating", "speculating.yaml", "bargein, with speculation"),
    Row("sequential-bad", "sequential", "the same", BAD_NETWORK),
    Row("stock-bad", "stock", "the same", BAD_NETWORK),
    Row("tuned-bad", "tuned", "the same", BAD_NETWORK),
    Row("eager-bad", "eager", "the same", BAD_NETWORK),
    Row("ours-bad", "ours.yaml", "the same", BAD_NETWORK),
    Row("speculating-bad", "speculating.yaml", "the same", BAD_NETWORK),
)

SLOW = (
    ("token-200", Latencies(writing=Writing(first_ms=200))),
    ("token-400", Latencies(writing=Writing(first_ms=400))),
    ("token-800", Latencies(writing=Writing(first_ms=800))),
    ("token-1200", Latencies(writing=Writing(first_ms=1200))),
    ("byte-100", Latencies(synthesis=Synthesis(first_ms=100))),
    ("byte-200", Latencies(synthesis=Synthesis(first_ms=200))),
    ("byte-600", Latencies(synthesis=Synthesis(first_ms=600))),
    (
        "both-late",
        Latencies(writing=Writing(first_ms=1200), synthesis=Synthesis(first_ms=600)),
    ),
)
"""The first token, or the first audio of a text, comes so late; the whole takes as long."""
STREAMING = ("eager", "ours.yaml", "speculating.yaml")
BOTS = len(STREAMING)
SENSITIVITY = tuple(
    Row(f"{bot.removesuffix('.yaml')}-{name}", bot, "the same", None, latencies)
    for name, latencies in SLOW
    for bot in STREAMING
)
ROWS = HEADLINE + SENSITIVITY

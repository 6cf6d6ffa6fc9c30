"""The report of one rehearsal: as plain data for programs, and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bargein.errors import Place
from bargein.rehearsal.expectations import Finding, Status
from bargein.rehearsal.moments import Moment, What

VERSION = 1
TOO_SLOW = 0.05
"""Where stalls make up more than this share of the time, people are told."""
SAYS = {
    What.CONNECTED: "connects",
    What.DISCONNECTED: "loses the connection",
    What.WELCOMED: "is welcomed",
    What.USER_STARTED: "begins: {text}",
    What.USER_STOPPED: "ends: {text}",
    What.DETECTED: "detects speech over utterance {utterance}, at sample {sample}",
    What.MUTED: "mutes the bot",
    What.UNMUTED: "unmutes the bot",
    What.CONTESTED: "hears that a verdict follows",
    What.ACCEPTED: "hears: accepted",
    What.REJECTED: "hears: rejected ({reason})",
    What.IGNORED: "hears: ignored ({reason})",
    What.LOST: "goes on without a verdict ({reason})",
    What.FLOOR: "floor: {text}",
    What.TRANSCRIPT: "is told that the user said: {text}",
    What.BOT_STARTED: "hears utterance {utterance} begin",
    What.BOT_WORD: "hears: {text}",
    What.BOT_STOPPED: "heard utterance {utterance} to its end",
    What.UNDERRUN: "utterance {utterance} stood still ({reason})",
    What.THRESHOLD: "sets its threshold to {text}",
    What.ERROR: "is told of an error: {text}",
    What.SENT: "sends {text}",
    What.DISREGARDED: "disregards a truncate ({reason})",
    What.MADE: "begins to make an utterance",
    What.PREDICTED: "prepares a reply to: {text}",
    What.CONFIRMED: "says what it has prepared",
    What.DROPPED: "drops what it has prepared ({reason})",
    What.ASKED: "asks its LLM",
    What.PAUSED: "pauses utterance {utterance}",
    What.TOOK_FLOOR: "gives the floor to the user: cut at sample {sample}",
    What.WENT_ON: "goes on from sample {sample} ({reason})",
    What.HUNG_UP: "hangs up",
}
"""How each kind of moment reads behind the name of its side."""
LATENCIES = (
    ("onset_to_mute_ms", What.USER_STARTED, What.MUTED),
    ("detected_to_paused_ms", What.DETECTED, What.PAUSED),
    ("mute_to_accepted_ms", What.MUTED, What.ACCEPTED),
    ("mute_to_rejected_ms", What.MUTED, What.REJECTED),
    ("mute_to_unmute_ms", What.MUTED, What.UNMUTED),
    ("user_stopped_to_bot_started_ms", What.USER_STOPPED, What.BOT_STARTED),
)
"""From the last of the one before each of the other."""


@dataclass(frozen=True, slots=True)
class Bot:
    """Which bot it was."""

    name: str
    config: str
    digest: str
    """Of the config as it took effect."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one rehearsal."""

    scenario: str
    file: str
    bot: Bot
    seed: int
    duration_ms: float
    stalled_ms: float
    """For so long in all the machine did not get to it."""
    failure: str
    """Why it could not be played at all; empty if it was."""
    places: tuple[Place, ...]
    findings: tuple[Finding, ...]
    moments: tuple[Moment, ...]

    @property
    def passed(self) -> bool:
        """Whether all came as it was expected."""
        return not self.failure and all(each.status is Status.MET for each in self.findings)

    def data(self) -> dict[str, Any]:
        """Give it as plain data, for JSON."""
        return {
            "v": VERSION,
            "scenario": self.scenario,
            "file": self.file,
            "bot": {"name": self.bot.name, "config": self.bot.config, "digest": self.bot.digest},
            "seed": self.seed,
            "passed": self.passed,
            "failure": self.failure,
            "duration_ms": round(self.duration_ms, 1),
            "expectations": [
                {
                    "place": str(place),
                    "passed": finding.status is Status.MET,
                    "expected": finding.expected,
                    "came": finding.came,
                    "waited_for": finding.waited_for,
                }
                for place, finding in zip(self.places, self.findings, strict=True)
            ],
            "stalled_ms": round(self.stalled_ms, 1),
            "latencies": latencies(self.moments),
            "timeline": [_moment(moment) for moment in self.moments],
        }

    def lines(self, *, timeline: bool) -> Iterator[str]:
        """Give it as text."""
        yield f"{self.scenario}  ({self.file})"
        if timeline:
            yield from timeline_lines(self.moments)
        if self.stalled_ms > TOO_SLOW * self.duration_ms:
            yield (
                f"  note    this machine was too busy for {self.stalled_ms:.0f} ms: "
                "times may be longer than they should be. Try fewer --jobs."
            )
        if self.failure:
            yield f"  failed  {self.failure}"
        for place, finding in zip(self.places, self.findings, strict=True):
            yield from _finding_lines(place, finding)


def _finding_lines(place: Place, finding: Finding) -> Iterator[str]:
    if finding.status is Status.MET:
        took = "" if finding.took_ms is None else f": {finding.took_ms:.0f} ms"
        yield f"  ok      {finding.expected}{took}"
        return
    if finding.waited_for:
        yield f"  not reached  {place}: expected {finding.expected}"
        yield f"          waited for: {finding.waited_for}"
    else:
        yield f"  failed  {place}: expected {finding.expected}"
    yield f"          came: {finding.came}"


def timeline_lines(moments: Sequence[Moment]) -> Iterator[str]:
    """One line for each moment; words of the bot's that follow each other share one."""
    spoken: list[Moment] = []
    for moment in moments:
        if moment.what is What.BOT_WORD:
            spoken.append(moment)
            continue
        yield from _spoken(spoken)
        spoken = []
        yield _line(moment.at_ms, moment.side, _said(moment))
    yield from _spoken(spoken)


def _spoken(words: Sequence[Moment]) -> Iterator[str]:
    if words:
        text = " ".join(word.text for word in words)
        yield _line(words[0].at_ms, words[0].side, SAYS[What.BOT_WORD].format(text=text))


def _said(moment: Moment) -> str:
    return SAYS[moment.what].format(
        text=moment.text, utterance=moment.utterance, sample=moment.sample, reason=moment.reason
    )


def _line(at_ms: float, who: str, said: str) -> str:
    return f"  {at_ms:7.0f}  {who:6}  {said}"


def _moment(moment: Moment) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "at_ms": round(moment.at_ms, 1),
        "who": str(moment.side),
        "what": str(moment.what),
        "utterance": moment.utterance,
        "sample": moment.sample,
        "text": moment.text,
        "reason": moment.reason,
    }
    return {key: value for key, value in shown.items() if value not in (None, "")}


def latencies(moments: Sequence[Moment]) -> Mapping[str, list[float]]:
    """Measure each latency at each place where it occurs, in order."""
    return {name: _between(moments, start, end) for name, start, end in LATENCIES}


def _between(moments: Sequence[Moment], start: What, end: What) -> list[float]:
    """Times from each `start` to the first `end` behind it, before the next `start`."""
    times = []
    since: float | None = None
    for moment in moments:
        if moment.what is start:
            since = moment.at_ms
        elif moment.what is end and since is not None:
            times.append(round(moment.at_ms - since, 1))
            since = None
    return times

"""A scenario as its YAML file has it: what the user does, over which network, and what must follow.

The model is the file's format: each key of the YAML is a field here. What the expectations
may say stands in `wanted.py`; what the keys mean together is checked here, because `read`
promises a scenario that can be played.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from bargein.config.problems import Problem
from bargein.config.tree import Entry, Items, Node, Scalar, Table
from bargein.config.validate import path_prefix, place_at, validate
from bargein.errors import Place
from bargein.rehearsal.cues import read_cue
from bargein.rehearsal.part import Part
from bargein.rehearsal.wanted import Expected

KEYS = "name, user, expect"
"""What a scenario must have, for whoever writes an empty file."""
Noise = Literal["cough", "click", "door", "murmur", "babble", "hum", "street", "fan"]
NOISES = ", ".join(get_args(Noise))
Milliseconds = Annotated[float, Field(ge=0, le=600_000)]
GainDb = Annotated[float, Field(ge=-60, le=20)]
KeyPath = tuple[str | int, ...]


class Outage(Part):
    """A time without a connection."""

    at_ms: Milliseconds = Field(description="When the connection is lost.")
    for_ms: Milliseconds = Field(description="How long until the client comes back.")


class NetworkPlan(Part):
    """What lies between client and bot; the same in both directions."""

    delay_ms: Milliseconds = Field(default=20, description="One way.")
    jitter_ms: Milliseconds = Field(default=0, description="At most so much more, at random.")
    loss: float = Field(default=0, ge=0, le=0.9, description="Share of what is lost on its way.")
    duplicate: float = Field(default=0, ge=0, le=0.9, description="Share that arrives twice.")
    reorder: float = Field(
        default=0, ge=0, le=0.9, description="Share that arrives after what was sent behind it."
    )
    bandwidth_kbps: float | None = Field(
        default=None, gt=0, description="What the line carries; what is too much for it queues."
    )
    ordered: bool = Field(
        default=True,
        description="Like a WebSocket: what is lost is sent again, and nothing overtakes. "
        "Otherwise like datagrams.",
    )
    disconnect: tuple[Outage, ...] = Field(default=(), description="When the connection is lost.")
    seed: int = Field(default=1, ge=0, description="Of all that is random in the network.")


class Echo(Part):
    """What the microphone hears of the loudspeaker."""

    gain_db: GainDb = Field(default=-20, description="How loud, against the loudspeaker.")
    delay_ms: float = Field(
        default=60, ge=5, le=1000, description="From loudspeaker to microphone."
    )


class BackgroundNoise(Part):
    """What else the microphone hears, all the time."""

    kind: Noise | None = Field(default=None, description=f"A synthesized noise: {NOISES}.")
    file: Path | None = Field(default=None, description="A WAV file of 16 bits, repeated.")
    snr_db: float = Field(
        default=20, ge=-20, le=60, description="Level of the user's speech over the noise."
    )


class ClientPlan(Part):
    """The user's end."""

    vad: bool = Field(default=True, description="Whether it detects speech and mutes by itself.")
    report_played: bool = Field(default=True, description="Whether it tells what it has played.")
    overlap: Literal["mute", "duck"] = Field(
        default="mute", description="What it does to the bot on speech."
    )
    duck_on_hint: bool = Field(
        default=True, description="Whether it ducks the bot when a voice may be beginning."
    )
    threshold: float | None = Field(
        default=None, ge=0, le=1, description="Of its VAD; null takes the server's."
    )
    echo: Echo | None = Field(default=None, description="The loudspeaker reaches the microphone.")
    noise: BackgroundNoise | None = Field(default=None, description="Noise around the user.")


class Act(Part):
    """Something that the user does: `say`, `play`, `noise` or `send`; `at_ms` or `after`."""

    at_ms: Milliseconds | None = Field(
        default=None, description="When, since the client connected."
    )
    after: str | None = Field(
        default=None,
        description="The first such event since the act before this one began: "
        'bot_started, bot_stopped, bot_word("coffee"), floor("listening"), ...',
    )
    delay_ms: Milliseconds = Field(default=0, description="So much later.")
    say: str | None = Field(default=None, min_length=1, description="What the user says.")
    play: Path | None = Field(
        default=None, description="A WAV file of 16 bits; its path starts at the scenario."
    )
    noise: Noise | None = Field(default=None, description=f"A synthesized noise: {NOISES}.")
    send: dict[str, Any] | None = Field(
        default=None,
        description="A message of bargein/1 that the client sends as it stands here; session, "
        "seq and epoch are filled in where they are missing.",
    )
    for_ms: float | None = Field(
        default=None, gt=0, le=60_000, description="How long the noise lasts."
    )
    gain_db: GainDb = Field(default=0, description="Over the usual level.")
    voice: str = Field(default="en-us+klatt4", min_length=1, description="Of espeak-ng.")
    words_per_minute: int = Field(default=160, ge=80, le=450, description="How fast.")
    pitch: int = Field(default=40, ge=0, le=100, description="50 is the voice's own.")

    @property
    def about(self) -> str:
        """What it is, for the timeline."""
        if self.send is not None:
            return str(self.send.get("type"))
        return self.say or (str(self.play.name) if self.play else str(self.noise))


class Ending(Part):
    """When it is over."""

    within_ms: float = Field(
        default=30_000,
        gt=0,
        le=600_000,
        description="By then all expectations must hold, or what does not hold has failed.",
    )
    settle_ms: float = Field(
        default=500,
        ge=0,
        le=60_000,
        description="It goes on for so long after all holds, and all must hold then.",
    )


class Scenario(Part):
    """A whole file; get it with `read`."""

    name: str = Field(min_length=1, description="What it is called in reports.")
    about: str = Field(default="", description="What it shows.")
    settings: tuple[str, ...] = Field(
        default=(), alias="set", description="Changes to the bot's config, as for `--set`."
    )
    network: NetworkPlan = Field(default=NetworkPlan(), description="Between client and bot.")
    client: ClientPlan = Field(default=ClientPlan(), description="The user's end.")
    user: tuple[Act, ...] = Field(default=(), description="What the user does, in order.")
    expect: tuple[Expected, ...] = Field(min_length=1, description="What must follow.")
    ends: Ending = Field(default=Ending(), description="When it is over.")


@dataclass(frozen=True, slots=True)
class Written:
    """A scenario that was checked, and where each of its expectations stands."""

    scenario: Scenario
    path: Path
    places: tuple[Place, ...]
    """Of each expectation."""
    act_places: tuple[Place, ...]
    """Of each act."""
    noise_place: Place
    """Of what the client has around it."""
    setting_places: tuple[Place, ...]
    """Of each change to the bot's config."""


def read(table: Table, path: Path, found: list[Problem]) -> Written | None:
    """Read a file's mapping; None, with every mistake in `found`, if it is wrong."""
    table = _spelt_out(table)
    scenario, _ = validate(Scenario, table, "", Place(str(path), 1, 1), found)
    if scenario is None:
        return None
    mistakes = list(_mistakes(scenario))
    for key_path, message in mistakes:
        found.append(Problem(place_at(table, key_path), path_prefix("", key_path) + message))
    if mistakes:
        return None
    places = tuple(place_at(table, ("expect", i)) for i in range(len(scenario.expect)))
    act_places = tuple(place_at(table, ("user", i)) for i in range(len(scenario.user)))
    return Written(
        scenario,
        path,
        places,
        act_places,
        noise_place=place_at(table, ("client", "noise")),
        setting_places=tuple(place_at(table, ("set", i)) for i in range(len(scenario.settings))),
    )


def _spelt_out(table: Table) -> Table:
    """Write `- muted` and `- muted:` as the `- muted: {}` that they stand for."""
    expect = table.get("expect")
    if not isinstance(expect, Items):
        return table
    items = Items(tuple(map(_as_mapping, expect.nodes)), expect.place)
    entry = table.entries["expect"]
    changed = {**table.entries, "expect": Entry("expect", entry.place, items)}
    return Table(changed, table.place)


def _as_mapping(node: Node) -> Node:
    match node:
        case Scalar(value=str(key)):
            nothing = Table({}, node.place)
            return Table({key: Entry(key, node.place, nothing)}, node.place)
        case Table():
            entries = {
                key: Entry(key, entry.place, Table({}, entry.node.place))
                if isinstance(entry.node, Scalar) and entry.node.value is None
                else entry
                for key, entry in node.entries.items()
            }
            return Table(entries, node.place)
        case _:
            return node


def _mistakes(scenario: Scenario) -> Iterator[tuple[KeyPath, str]]:
    for number, act in enumerate(scenario.user):
        for message in _mistakes_of_act(act):
            yield ("user", number), message
        if act.after is not None:
            try:
                read_cue(act.after)
            except ValueError as error:
                yield ("user", number, "after"), str(error)
    for number, expected in enumerate(scenario.expect):
        for key, message in expected.mistakes():
            yield ("expect", number, *key), message
    outages = scenario.network.disconnect
    for number, (before, outage) in enumerate(pairwise(outages), start=1):
        if outage.at_ms < before.at_ms + before.for_ms:
            yield ("network", "disconnect", number), "this begins before the one above has ended."
    noise = scenario.client.noise
    if noise and (noise.kind is None) == (noise.file is None):
        yield ("client", "noise"), "write `kind` or `file`, one of them."


def _mistakes_of_act(act: Act) -> Iterator[str]:
    if sum(each is not None for each in (act.say, act.play, act.noise, act.send)) != 1:
        yield "an act has one of `say`, `play`, `noise` and `send`. Write one act for each."
    if (act.at_ms is None) == (act.after is None):
        yield "an act has either `at_ms` or `after`."
    if act.for_ms is not None and act.noise is None:
        yield "`for_ms` is for `noise`: a sentence and a file have their own length."

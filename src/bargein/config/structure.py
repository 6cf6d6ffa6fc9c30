"""Which parts a pipeline must have, and in which order they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from bargein.config.problems import Problem
from bargein.errors import Place


class Role(StrEnum):
    """What a part does in the pipeline."""

    INTERRUPTION = "interruption"
    VAD = "vad"
    STT = "stt"
    SPECULATION = "speculation"
    LLM = "llm"
    CLAUSES = "clauses"
    TTS = "tts"
    PLAYED_AUDIO = "played_audio"
    PROCESSOR = "processor"
    TRANSPORT = "transport"


CHAIN: Mapping[Role, str] = {
    Role.INTERRUPTION: "it must meet the client's messages and the evidence first",
    Role.VAD: "the others rest on the onsets that it sees",
    Role.STT: "the llm needs words",
    Role.LLM: "the tts needs something to say",
    Role.TTS: "it makes the audio that is played",
    Role.PLAYED_AUDIO: "it owns the samples on their last way",
}
"""Each stands exactly once, in this order; the reason why it stands where it does."""


OPTIONAL: Mapping[Role, tuple[Role, Role, str]] = {
    Role.SPECULATION: (Role.STT, Role.LLM, "it goes by the words of the stt, and asks the llm"),
    Role.CLAUSES: (Role.LLM, Role.TTS, "it hands the llm's words to the tts"),
}
"""Each may stand once, behind the first and before the second; the reason why."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A part's role and name, and where it is written."""

    use: str
    role: Role
    place: Place
    name: str
    """The path to it in the document, like `pipeline[1]`."""


def check_structure(
    parts: Sequence[Placed], list_place: Place, known: Mapping[Role, Sequence[str]]
) -> list[Problem]:
    """Name what is missing, doubled or out of order; `known` are the built-in names of a role."""
    by_role = {role: [part for part in parts if part.role is role] for role in (*CHAIN, *OPTIONAL)}
    problems = [
        Problem(list_place, _missing(role, known.get(role, ())))
        for role, found in by_role.items()
        if not found and role in CHAIN
    ]
    for role, found in by_role.items():
        problems += [
            Problem(
                extra.place,
                f"{extra.name}: {extra.use!r} is a second {role}; {found[0].name} is the first. "
                "Keep one.",
            )
            for extra in found[1:]
        ]
    return problems + _order(parts, {role: found[0] for role, found in by_role.items() if found})


def _missing(role: Role, known: Sequence[str]) -> str:
    names = " or ".join(f"`- use: {name}`" for name in known) or "one"
    order = list(CHAIN)
    where = order.index(role)
    if role is Role.INTERRUPTION:
        position = "as the first part"
    elif role is Role.PLAYED_AUDIO:
        position = "as the last part"
    else:
        position = f"after {order[where - 1]} and before {order[where + 1]}"
    return f"pipeline: there is no {role}. Add {names} {position}."


def _order(parts: Sequence[Placed], first_of: Mapping[Role, Placed]) -> list[Problem]:
    """Compare each part of the chain with its neighbours."""
    problems: dict[Placed, Problem] = {}

    def blame(part: Placed, message: str) -> None:
        problems.setdefault(part, Problem(part.place, f"{part.name}: {message}"))

    head = first_of.get(Role.INTERRUPTION)
    if head and parts[0] is not head and parts[0].role is not Role.INTERRUPTION:
        reason = CHAIN[Role.INTERRUPTION]
        blame(
            head, f"{head.use!r} must come before {parts[0].use!r}: {reason}. Move it to the top."
        )
    position = {part: index for index, part in enumerate(parts)}
    chain = [first_of[role] for role in CHAIN if role in first_of]
    for before, after in pairwise(chain):
        if position[before] > position[after]:
            message = (
                f"{before.use!r} ({before.role}) must come before {after.use!r} ({after.role})"
            )
            blame(before, f"{message}: {CHAIN[before.role]}. Move it up.")
    for role, (behind, ahead, reason) in OPTIONAL.items():
        part = first_of.get(role)
        bounds = first_of.get(behind), first_of.get(ahead)
        if part and bounds[0] and position[part] < position[bounds[0]]:
            blame(part, f"{part.use!r} must come after {bounds[0].use!r}: {reason}. Move it down.")
        if part and bounds[1] and position[part] > position[bounds[1]]:
            blame(part, f"{part.use!r} must come before {bounds[1].use!r}: {reason}. Move it up.")
    tail = first_of.get(Role.PLAYED_AUDIO)
    if tail:
        for part in parts[position[tail] + 1 :]:
            if part.role is Role.PROCESSOR:
                reason = CHAIN[Role.PLAYED_AUDIO]
                blame(part, f"{part.use!r} must come before {tail.use!r}: {reason}. Move it up.")
    return list(problems.values())

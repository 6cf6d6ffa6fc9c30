"""`bargein check --live`, and the keys that `bargein run` tries: does each vendor take its key?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median

from bargein.config.problems import InvalidConfigError, Problem
from bargein.pipelines.load import Config
from bargein.pipelines.part import Part, SeveralParts
from bargein.pipelines.vendor_requests import (
    Account,
    Ask,
    MayNotListError,
    Names,
    RefusedError,
    UnreachableError,
    account,
)
from bargein.processors.vendor import Access, Vendor

TRIAL_S = 6.0
"""The trial of all keys at `run`; who has not answered by then counts as unreachable."""
LOOK_S = 15.0
"""All of `check --live`; who has not told all by then counts as unreachable."""
ROUNDS = 5
"""Requests whose median is the latency that is shown."""
SHOWN = 8
"""Names of a list that are printed."""


class Key(StrEnum):
    """What a vendor makes of a key."""

    GOOD = "good"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """The vendor could not be asked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one part."""

    part: Part
    access: Access
    key: Key = Key.UNKNOWN
    why: str = ""
    """Why it could not be asked."""
    latency_ms: float | None = None
    """Median of some small requests over an open connection."""
    models: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    may_not_list: tuple[str, ...] = ()
    """The vendor knows the key, and keeps these lists from it."""

    @property
    def verdict(self) -> str:
        """What is known of the key, in words."""
        if self.why:
            return f"{self.key}: {self.why}"
        limit = ", but may not list " + " and ".join(self.may_not_list)
        return f"{self.key}{limit if self.may_not_list else ''}"

    @property
    def problem(self) -> Problem | None:
        """The mistake to mend, if the key is refused."""
        if self.key is not Key.REFUSED:
            return None
        vendor = self.access.vendor
        return Problem(
            self.part.place,
            f"{self.part.name}: {vendor.name} refuses the key in {vendor.key_variable}. "
            "Set it to one that is good.",
        )

    @property
    def asked_for(self) -> dict[str, str]:
        """The model and the voice of the configuration."""
        shown = self.part.shown
        return {name: str(shown[name]) for name in ("model", "voice") if shown.get(name)}


def refuse_bad_keys(config: Config) -> list[str]:
    """Try each key once; raises InvalidConfigError if one is refused and nobody stands in.

    Gives a warning for each vendor that can't be reached: it may be there when somebody calls.
    Not to be called in an event loop.
    """
    findings = asyncio.run(_try_all(config))
    refused = [each.part for each in findings if each.problem]
    spared = _with_a_stand_in(config, refused)
    if problems := [each.problem for each in findings if each.problem and each.part not in spared]:
        raise InvalidConfigError(problems)
    return [
        f"{each.problem.message} Until then the others of its list stand in."
        for each in findings
        if each.problem
    ] + [
        f"{each.access.vendor.name} could not be asked whether its key is good: {each.why}."
        for each in findings
        if each.key is Key.UNKNOWN
    ]


def _with_a_stand_in(config: Config, refused: Sequence[Part]) -> list[Part]:
    """Those of a list in which somebody is not refused."""
    lists = [part.single for part in config.parts if isinstance(part, SeveralParts)]
    able = [parts for parts in lists if any(part not in refused for part in parts)]
    return [part for parts in able for part in parts]


def look(config: Config, *, rounds: int = ROUNDS, within_s: float = LOOK_S) -> list[Finding]:
    """Ask each vendor for all that it tells of the account. Not to be called in an event loop."""
    return asyncio.run(_look_at_all(config, rounds, within_s))


def to_text(findings: Sequence[Finding]) -> str:
    """Print a table, and below it the lists."""
    head = ("part", "vendor", "key", "latency", "asked for")
    rows = [head, *map(_row, findings)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows]
    lines = [line.rstrip() for line in lines]
    for each in findings:
        for kind, names in (("models", each.models), ("voices", each.voices)):
            if names:
                lines += ["", f"{each.access.vendor.name}, {len(names)} {kind}:", _some(names)]
    return "\n".join(lines)


def _parts_with_keys(config: Config) -> list[Finding]:
    each_part = [each for part in config.parts for each in part.single]
    remote = [part for part in each_part if _may_want_a_key(part.cls)]
    accesses = [(part, getattr(part.build(), "access", None)) for part in remote]
    return [Finding(part, access) for part, access in accesses if access]


def _may_want_a_key(cls: object) -> bool:
    """Whether its parts may have an `access`; None is a server that wants no key."""
    return isinstance(getattr(cls, "vendor", None), Vendor) or getattr(cls, "is_remote", False)


async def _try_all(config: Config) -> list[Finding]:
    found = _parts_with_keys(config)
    return list(await asyncio.gather(*map(_try, found)))


async def _try(finding: Finding) -> Finding:
    try:
        async with asyncio.timeout(TRIAL_S), account(finding.access) as asked:
            return await _judge(finding, asked)
    except TimeoutError:
        return replace(finding, why=f"no answer in {TRIAL_S:.0f} s")


async def _judge(finding: Finding, asked: Account) -> Finding:
    try:
        await asked.try_key()
    except RefusedError:
        return replace(finding, key=Key.REFUSED)
    except MayNotListError:
        return replace(finding, key=Key.GOOD, may_not_list=(asked.tried_by,))
    except UnreachableError as error:
        return replace(finding, why=str(error))
    return replace(finding, key=Key.GOOD)


async def _look_at_all(config: Config, rounds: int, within_s: float) -> list[Finding]:
    found = _parts_with_keys(config)
    async with AsyncExitStack() as opened:
        # All of them first: what is imported for one would count as another's latency.
        accounts = [await opened.enter_async_context(account(each.access)) for each in found]
        return list(
            await asyncio.gather(
                *(
                    _look(each, asked, rounds, within_s)
                    for each, asked in zip(found, accounts, strict=True)
                )
            )
        )


async def _look(finding: Finding, asked: Account, rounds: int, within_s: float) -> Finding:
    judged = finding
    try:
        async with asyncio.timeout(within_s):
            judged = await _judge(finding, asked)
            return await _with_lists(judged, asked, rounds) if judged.key is Key.GOOD else judged
    except TimeoutError:
        return replace(judged, key=Key.UNKNOWN, why=f"not all was answered in {within_s:g} s")


async def _with_lists(judged: Finding, asked: Account, rounds: int) -> Finding:
    times_ms = [time_ms for _ in range(rounds) if (time_ms := await _time_ms(asked.try_key))]
    models, voices = await _names(asked.models), await _names(asked.voices)
    kept = [kind for kind, names in (("models", models), ("voices", voices)) if names is None]
    return replace(
        judged,
        latency_ms=median(times_ms) if times_ms else None,
        models=tuple(models or ()),
        voices=tuple(voices or ()),
        may_not_list=tuple(dict.fromkeys((*judged.may_not_list, *kept))),
    )


async def _time_ms(ask: Ask) -> float | None:
    begun = time.monotonic()
    try:
        await ask()
    except MayNotListError:
        pass  # an answer all the same
    except (RefusedError, UnreachableError):
        return None
    return (time.monotonic() - begun) * 1000


async def _names(ask: Ask) -> Names | None:
    """Give a list; None is one that the key may not have."""
    try:
        return await ask()
    except MayNotListError:
        return None
    except (RefusedError, UnreachableError):
        return []


def _row(finding: Finding) -> tuple[str, ...]:
    latency = "" if finding.latency_ms is None else f"{finding.latency_ms:.0f} ms"
    wanted = ", ".join(
        f"{name} {value}{_absent(value, known)}"
        for (name, value), known in zip(
            finding.asked_for.items(), (finding.models, finding.voices), strict=False
        )
    )
    return finding.part.use, finding.access.vendor.name, finding.verdict, latency, wanted


def _absent(value: str, known: Sequence[str]) -> str:
    """Mark what is in no list; a vendor may still know it by another name."""
    listed = any(value == name or f"({value})" in name for name in known)
    return "" if listed or not known else " (not listed)"


def _some(names: Sequence[str]) -> str:
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return "  " + ", ".join(names[:SHOWN]) + more

"""What holds on this machine, and what does not: a table that `bargein check` shows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bargein.processors.sandbox.ground import Ground


class Hold(StrEnum):
    """One thing that a tool must not be able to do, named by what it is about."""

    ENVIRONMENT = "the bot's environment"
    MEMORY_OF_OTHERS = "memory of other processes"
    READING = "files, reading"
    WRITING = "files, writing"
    NETWORK = "network"
    HOSTS = "permitted hosts only"
    SIGNALS = "ending other processes"
    PROCESSES = "starting processes"
    MEMORY = "memory"
    TIME = "time"
    FILE_SIZE = "size of a file"
    FOLDER_SIZE = "size of its folder"


@dataclass(frozen=True, slots=True)
class Protection:
    """One row."""

    hold: Hold
    held: bool
    how: str
    """What holds it, or what happens where nothing does."""


INSTALL = (
    "install bubblewrap (apt install bubblewrap); where it is there and may not run, as in most"
    " containers, see docs/sandbox.md"
)
"""The way out of whatever does not hold."""


@dataclass(frozen=True, slots=True)
class Protections:
    """The table, found by trying."""

    ground: Ground
    rows: tuple[Protection, ...]
    hindrances: tuple[str, ...] = ()
    """Why a better way could not be taken."""

    @property
    def missing(self) -> tuple[Protection, ...]:
        """Give the rows that do not hold."""
        return tuple(row for row in self.rows if not row.held)

    def describe(self) -> list[str]:
        """Give lines for people."""
        width = max(len(row.hold) for row in self.rows)
        lines = [f"tools run apart by {self.ground}"]
        for row in self.rows:
            mark = "holds" if row.held else "OPEN "
            lines.append(f"  {mark}  {row.hold:<{width}}  {row.how}")
        lines += [f"  {text}" for text in self.hindrances]
        if self.missing:
            lines.append(f"  to hold all: {INSTALL}")
        return lines


OPEN: Mapping[Hold, str] = {
    Hold.ENVIRONMENT: "a tool sees the bot's variables",
    Hold.MEMORY_OF_OTHERS: "a tool can read the bot's variables in /proc",
    Hold.READING: "a tool can read what its user may read",
    Hold.WRITING: "a tool can write where its user may write",
    Hold.NETWORK: "a tool can connect to anything",
    Hold.HOSTS: "a tool with `network` can connect to more than it is permitted",
    Hold.SIGNALS: "a tool can end the bot",
    Hold.PROCESSES: "a tool can start any number of processes",
    Hold.MEMORY: "a tool can use all memory",
    Hold.TIME: "a tool that does not end goes on",
    Hold.FILE_SIZE: "a tool can write files of any size",
    Hold.FOLDER_SIZE: "a tool can write any number of files of the largest size",
}


def how(hold: Hold, ground: Ground) -> str:
    """Say what holds it; of several the strongest."""
    return next((text for text in _means(hold, ground) if text), "nothing got through")


def _means(hold: Hold, ground: Ground) -> tuple[str, ...]:
    room = ground.bubblewrap is not None
    user = "a user of its own" if ground.changes_user else ""
    landlock = "Landlock" if ground.uses_landlock else ""
    seccomp = "seccomp" if ground.seccomp else ""
    closed = "the bot's /proc is closed" if os.geteuid() else "it has fewer rights than the bot"
    files = ("nothing else is there" if room else "", landlock, user, "its user's rights")
    return {
        Hold.ENVIRONMENT: ("it gets its own, with the permitted variables",),
        Hold.MEMORY_OF_OTHERS: ("its own PID namespace" if room else "", landlock, user, closed),
        Hold.READING: files,
        Hold.WRITING: files,
        Hold.NETWORK: ("its own network, with nothing in it" if room else "", seccomp, landlock),
        Hold.HOSTS: ("the bot connects for it" if room else "", landlock, seccomp),
        Hold.SIGNALS: ("its own PID namespace" if room else "", seccomp, landlock, user),
        Hold.PROCESSES: (seccomp, "RLIMIT_NPROC"),
        Hold.MEMORY: ("RLIMIT_AS",),
        Hold.TIME: ("killed after timeout_ms, and RLIMIT_CPU",),
        Hold.FILE_SIZE: ("RLIMIT_FSIZE",),
        Hold.FOLDER_SIZE: ("a /tmp of its own in memory" if room else "", "RLIMIT_FSIZE"),
    }[hold]

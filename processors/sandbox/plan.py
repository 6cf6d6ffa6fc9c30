"""What is prepared for one worker: its setup, its folder, its environment, its command line."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bargein.processors.sandbox import bubblewrap, folders, worker
from bargein.processors.sandbox.destinations import Destination, destinations, hosts_file
from bargein.processors.sandbox.ground import Ground, close_proc, own_uid, tasks_of_this_user
from bargein.processors.sandbox.setup import Files, Identity, Limits, Setup
from bargein.processors.sandbox.visible import RESOLVING, SETTINGS, SYSTEM, Visible, visible
from bargein.tools.tool import Permissions, PythonHandler

BOOT = (
    "import sys; sys.path.append(sys.argv[1]);"
    f" from {worker.__name__} import main; main(int(sys.argv[2]))"
)
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    # One core is enough for a tool, and each thread of these takes tens of MB.
    **{"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
}
PASSED = ("TZ",)
"""Of the bot's variables: else a tool would tell other times than the bot."""
NAMES_BY_FILE = "hosts: files\npasswd: files\ngroup: files\n"
OTHERS_READ, OTHERS_ENTER = 0o4, 0o1
FIRST_FREE_PORT = 1_024
CHANGING_USER = ("CAP_SETUID", "CAP_SETGID")


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is started for: it can't be changed afterwards, so spares are kept per job."""

    handler: PythonHandler
    limits: Limits = field(default_factory=Limits)
    permissions: Permissions = field(default_factory=Permissions)

    def __str__(self) -> str:
        """Name the function, as a config does."""
        return f"{self.handler.source}:{self.handler.function}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How one worker is started."""

    setup: Setup
    environment: Mapping[str, str]
    folder: Path
    """Where it is started; without bubblewrap its private folder."""
    before: tuple[str, ...]
    """Bubblewrap's words, if it is used."""
    destinations: tuple[Destination, ...]

    @classmethod
    async def made(cls, job: Job, ground: Ground) -> Plan:
        """Make it, with its folder, which the process removes at its end.

        A PartError says what the job names that is not there.
        """
        files = visible(job.handler, job.permissions)
        places = destinations(job.permissions.network)
        if ground.must_close_proc:
            close_proc()
        identity = _identity(job, files, ground)
        others = await asyncio.to_thread(tasks_of_this_user) if ground.counts_others else 0
        folder = folders.make(identity.uid if identity else None)
        in_room = ground.bubblewrap is not None
        setup = Setup(
            source=job.handler.source,
            function=job.handler.function,
            search_path=files.search_path,
            limits=job.limits,
            identity=identity,
            listeners=tuple(each.listener for each in places) if in_room else (),
            files=_landlocked(files, folder, bool(places)) if ground.uses_landlock else None,
            tcp_ports=tuple(each.port for each in places),
            may_use_network=bool(places) or in_room,
            seccomp=ground.seccomp,
            dies_with=os.getpid() if ground.is_linux and not in_room else 0,
            tasks_of_others=others,
        )
        home = bubblewrap.TMP if in_room else str(folder)
        return cls(
            setup=setup,
            environment={**ENVIRONMENT, "HOME": home, "TMPDIR": home, **_permitted(job)},
            folder=folder,
            before=_room(job, ground, files, places, folder) if in_room else (),
            destinations=places,
        )

    def command(self, descriptor: int) -> list[str]:
        """Give the whole command line."""
        python = [sys.executable, "-I", "-S", "-B", "-c", BOOT]
        return [*self.before, *python, self.setup.search_path[0], str(descriptor)]


def _permitted(job: Job) -> dict[str, str]:
    names = (*PASSED, *job.permissions.env)
    return {name: os.environ[name] for name in names if name in os.environ}


def _identity(job: Job, files: Visible, ground: Ground) -> Identity | None:
    """Another user for each worker, who may use what it is permitted though it is the bot's."""
    if not ground.changes_user:
        return None
    is_shut_in = ground.bubblewrap is not None or ground.uses_landlock
    permitted = bool(job.permissions.read or job.permissions.write)
    needs = permitted or not all(
        _is_open_to_others(Path(each), ground) for each in files.read if Path(each).exists()
    )
    return Identity(own_uid(), may_override_files=is_shut_in and needs)


def _is_open_to_others(path: Path, ground: Ground) -> bool:
    """Whether any user can read it; in bubblewrap's room nothing above it stands in the way."""
    if not path.stat().st_mode & OTHERS_READ:
        return False
    above = [] if ground.bubblewrap else path.resolve().parents
    return all(each.stat().st_mode & OTHERS_ENTER for each in above)


def _landlocked(files: Visible, folder: Path, uses_network: bool) -> Files:
    resolving = RESOLVING if uses_network else ()
    return Files(
        read=(*SYSTEM, *SETTINGS, *resolving, *files.read),
        write=(str(folder), *bubblewrap.DEVICES, *files.write),
    )


def _room(
    job: Job, ground: Ground, files: Visible, places: tuple[Destination, ...], folder: Path
) -> tuple[str, ...]:
    assert ground.bubblewrap is not None
    room = bubblewrap.Room(
        visible=files,
        made=_made_files(folder, places),
        tmp_mb=job.limits.file_mb,
        capabilities=_capabilities(job, files, ground, places),
        is_root=ground.changes_user,
    )
    return tuple(bubblewrap.command(ground.bubblewrap, room))


def _made_files(folder: Path, places: tuple[Destination, ...]) -> tuple[tuple[Path, str], ...]:
    hosts, names = folder / "hosts", folder / "nsswitch.conf"
    hosts.write_text(hosts_file(places))
    names.write_text(NAMES_BY_FILE)
    return (hosts, "/etc/hosts"), (names, "/etc/nsswitch.conf")


def _capabilities(
    job: Job, files: Visible, ground: Ground, places: tuple[Destination, ...]
) -> tuple[str, ...]:
    """What a worker needs until it gives up all else: in its own network it is nobody's harm."""
    needed: list[str] = []
    if any(each.port < FIRST_FREE_PORT for each in places):
        needed.append("CAP_NET_BIND_SERVICE")
    if any(not each.is_loopback for each in places):
        needed.append("CAP_NET_ADMIN")
    if ground.changes_user:
        needed += [*CHANGING_USER, "CAP_DAC_OVERRIDE"]
    return tuple(needed)

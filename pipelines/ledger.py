"""Where ledger and audit go: their paths are found, and the ledger is opened for a session."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bargein.config.model import LedgerSettings
from bargein.config.problems import Problem
from bargein.config.tools import ToolRules
from bargein.config.tree import Data, Node, Scalar, Table
from bargein.ledger.privacy import Wordless
from bargein.ledger.recorder import About, Recorder, Sink
from bargein.ledger.reporter import Reporter
from bargein.ledger.watcher import Watcher
from bargein.processors.clock import monotonic_ms
from bargein.processors.ledger_file import LedgerFile
from bargein.processors.ledger_guard import LedgerGuard
from bargein.verdict import VerdictRules
from bargein.voice_activity import VoiceRules


def locate(
    settings: LedgerSettings | None, node: Node | None, found: list[Problem]
) -> LedgerSettings | None:
    """Take the path from the folder of the file that names it, and see that it can be written."""
    named = node.get("path") if isinstance(node, Table) else None
    if settings is None or not isinstance(named, Scalar):
        return settings
    path = located(settings.path, named, "ledger.path", found)
    return settings.model_copy(update={"path": path})


def locate_audit(rules: ToolRules, node: Node | None, found: list[Problem]) -> ToolRules:
    """Take the audit's path from the folder of the file that names it, in the same way."""
    named = node.get("audit") if isinstance(node, Table) else None
    if rules.audit is None or not isinstance(named, Scalar):
        return rules
    path = located(rules.audit, named, "tool_rules.audit", found)
    return rules.model_copy(update={"audit": path})


def shown(settings: LedgerSettings | None, home: Path) -> Data:
    """Write the settings as they take effect; the path starts at the configuration's folder."""
    if settings is None:
        return None
    path = Path(os.path.relpath(settings.path, home)).as_posix()
    return {"path": path, "words": settings.words, "max_mb": settings.max_mb}


@contextmanager
def open_ledger(settings: LedgerSettings | None) -> Iterator[Sink | None]:
    """Open the ledger of a configuration, if it keeps one; for as many sessions as there are."""
    if settings is None:
        yield None
        return
    with LedgerFile(settings.path, max_mb=settings.max_mb) as file:
        yield file if settings.words else Wordless(file)


def recorder(
    sink: Sink | None,
    *,
    session: str,
    config: str,
    sample_rate_hz: int,
    rules: VerdictRules,
    voice: VoiceRules,
    barge_in_enabled: bool,
    reporters: Iterable[Reporter] = (),
) -> Watcher:
    """Make the recorder of a session; without a sink it only tells the reporters.

    `config` is the hash of the effective configuration.
    """
    about = About(
        session=session,
        config=config,
        began=datetime.now(UTC),
        began_ms=monotonic_ms(),
        sample_rate_hz=sample_rate_hz,
        settings={
            "interruption": {**asdict(rules), "barge_in_enabled": barge_in_enabled},
            "silero_vad": asdict(voice),
        },
    )
    return LedgerGuard(Recorder(sink, about, monotonic_ms, reporters))


def located(path: Path, named: Scalar, name: str, found: list[Problem]) -> Path:
    """Take a path from the folder of the file that names it, and see that it can be written."""
    path = Path(os.path.normpath(Path(named.folder) / path.expanduser()))
    reason = _why_not(path)
    if reason:
        found.append(Problem(named.place, f"{name}: {reason}"))
    return path


def _why_not(path: Path) -> str | None:
    """Say what keeps a file from being written, and the way out."""
    if path.is_dir():
        return f"{str(path)!r} is a directory. Name a file in it."
    if not path.parent.is_dir():
        return f"there is no folder {str(path.parent)!r}. Make it, or mend the path."
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return f"{str(path)!r} can't be written. Mend its permissions, or name another file."
    return None

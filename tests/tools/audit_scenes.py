"""Chains for tests: facts sealed one behind another, and their lines as a file has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bargein.errors import Place
from bargein.tools.audit import Event, Fact, Head, Seal
from bargein.tools.audit_check import Raw

AT = "2026-11-21T21:00:00.000+00:00"
KEY = b"a key of more than 16 characters"
CALL = (
    Fact(Event.PROPOSED, tool="book", call_id="c1", arguments={"city": "Graz", "seats": 2}),
    Fact(Event.STARTED, tool="book", call_id="c1"),
    Fact(Event.RETURNED, tool="book", call_id="c1", duration_ms=12.5),
    Fact(Event.REFUSED, tool="transfer", call_id="c2", code="unknown_tool", reason="None."),
    Fact(Event.LIMIT, code="tool_calls", reason="of the session"),
)


def chain(facts: Sequence[Fact] = CALL, seal: Seal = Seal(), head: Head = Head()) -> list[bytes]:  # noqa: B008
    """Seal facts, each behind the one before; lines without their ends."""
    lines = []
    for fact in facts:
        line, head = seal.line(fact.entry(at=AT, behind=head, seal=seal))
        lines.append(line.removesuffix(b"\n"))
    return lines


def raw(lines: Iterable[bytes], *, is_cut: bool = False) -> list[Raw]:
    """Have lines stand in a file; the last one without its end where it is cut."""
    standing = list(lines)
    return [
        Raw(Place("audit.jsonl", number), line, not is_cut or number < len(standing))
        for number, line in enumerate(standing, start=1)
    ]

"""Prints a page of the audit's fields from its model."""

from __future__ import annotations

from bargein.tools.audit import Entry, Event


def audit_markdown() -> str:
    """Give `docs/audit_fields.md`."""
    events = ", ".join(f"`{each}`" for each in Event)
    return "\n".join(
        [
            "# The fields of the audit, version 1",
            "",
            "<!-- Printed from src/bargein/tools/audit.py by `bargein docs docs`. -->",
            "",
            "What they are for: [audit.md](audit.md). A field that says nothing is left out of its",
            f"line. An event is one of {events}.",
            "",
            "| field | meaning |",
            "|---|---|",
            *(f"| `{name}` | {field.description} |" for name, field in Entry.model_fields.items()),
            "| `hash` | Of all bytes of the line before this field; `prev` of the next line. |",
            "",
        ]
    )

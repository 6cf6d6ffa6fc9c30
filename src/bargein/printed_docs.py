"""The pages of the docs that are printed from the pure core; `bargein docs` writes them."""

from __future__ import annotations

import json

from bargein.audit_docs import audit_markdown
from bargein.floor_docs import floor_markdown
from bargein.ledger_docs import ledger_markdown, ledger_schema
from bargein.protocol_docs import protocol_markdown, protocol_schema
from bargein.rehearsal.docs import scenario_markdown
from bargein.rehearsal.schema import json_schema


def printed_docs() -> dict[str, str]:
    """Give the text of each page by its file name."""
    return {
        "audit_fields.md": audit_markdown(),
        "floor.md": floor_markdown(),
        "ledger_fields.md": ledger_markdown(),
        "ledger.schema.json": json.dumps(ledger_schema(), indent=2, ensure_ascii=False) + "\n",
        "scenario.md": scenario_markdown(),
        "scenario.schema.json": json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
        "protocol.md": protocol_markdown(),
        "protocol.schema.json": json.dumps(protocol_schema(), indent=2, ensure_ascii=False) + "\n",
    }

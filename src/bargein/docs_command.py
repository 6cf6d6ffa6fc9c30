"""The command `bargein docs DIR`: writes the pages that are printed from code.

It stands beside what it prints; `cli.py`, which may import every layer, hands in the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from bargein.floor_docs import floor_markdown
from bargein.protocol_docs import protocol_markdown, protocol_schema

Pages = Mapping[str, str]


def printed_docs() -> Pages:
    """Give the pages of the pure core, by file name."""
    return {
        "floor.md": floor_markdown(),
        "protocol.md": protocol_markdown(),
        "protocol.schema.json": json.dumps(protocol_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def docs_command(others: Callable[[], Pages]) -> click.Command:
    """Build the command; `others` gives the pages of the layers above when it runs."""

    @click.command("docs")
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
    def docs(folder: Path) -> None:
        """Write the pages that are printed from code into FOLDER."""
        pages = {**printed_docs(), **others()}
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (folder / name).write_text(text, encoding="utf-8")
            click.echo(folder / name)

    return docs

"""The book of orders: a tool with an effect. It runs after a yes only, and then to its end."""

from __future__ import annotations

import json
import time
from pathlib import Path

BOOK = Path(__file__).parent / "orders" / "orders.jsonl"
WRITES_S = 1.5
"""The pen is slow: so there is time to interrupt the bot while it writes."""


def place(count: int, bread: str) -> dict[str, int]:
    """Write an order into the book; gives its number."""
    time.sleep(WRITES_S)
    number = len(BOOK.read_text().splitlines()) + 1 if BOOK.exists() else 1
    with BOOK.open("a") as book:
        book.write(json.dumps({"number": number, "count": count, "bread": bread}) + "\n")
    return {"number": number}

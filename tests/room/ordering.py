"""A tool of the test bots; each call takes as many tenths of a second as cups are ordered."""

import time


def order(cups: int) -> dict[str, int]:
    """Order so many."""
    time.sleep(cups / 10)
    return {"number": cups}

"""What the bot of the scenarios may do."""


def book() -> dict[str, bool]:
    """Book it."""
    return {"booked": True}

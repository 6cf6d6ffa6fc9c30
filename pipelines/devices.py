"""`bargein devices`: microphones and loudspeakers of this machine, and what the YAML calls them."""

from __future__ import annotations

from collections.abc import Sequence

from bargein.errors import PartError
from bargein.transports.device.asking import asked_cards
from bargein.transports.device.cards import NO_CARD, Card, End

WIDTH = 60


def devices() -> str:
    """List them; a PartError if they can't be asked for."""
    found = asked_cards()
    if not found:
        raise PartError(NO_CARD.format(end="microphone and no loudspeaker"))
    return described(found)


def described(found: Sequence[Card]) -> str:
    """Give a table, and the lines of YAML that choose from it."""
    width = min(WIDTH, max(len(card.full_name) for card in found))
    head = f"{'name':<{width}}  in  out   rate  chosen by the system for"
    rows = [
        f"{card.full_name:<{width}}  {card.inputs:>2}  {card.outputs:>3}  {card.rate_hz:>5}  "
        f"{' and '.join(end.thing for end in End if end in card.default_for)}".rstrip()
        for card in found
    ]
    return "\n".join((head, *rows, "", *_yaml(found))) + "\n"


def _yaml(found: Sequence[Card]) -> list[str]:
    lines = [
        "Without names the system's choice is taken. To choose, write a part of a name that no "
        "other one has:",
        "",
        "transport:",
        "  use: device",
    ]
    for end in End:
        card = next(
            (card for card in found if end in card.default_for),
            next((card for card in found if card.has(end)), None),
        )
        if card is not None:
            lines.append(f'  {end}: "{card.name}"')
    return lines

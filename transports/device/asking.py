"""Asks in a process of its own what sound devices there are.

Where a sound server hangs, the library that asks it hangs with it, and takes no Ctrl-C.
Run as `python -P -m bargein.transports.device.asking`, it writes the answer as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace

from bargein.errors import PartError
from bargein.transports.device.cards import Card, End, cards

ANSWER_S = 10.0
"""A sound server may have to be started first."""
ASKS = (sys.executable, "-P", "-m", __name__)
HANGS = (
    "the sound system does not say within {limit_s:g} s what devices it has: the sound server "
    "hangs. Restart it (`pulseaudio -k`, or `systemctl --user restart pipewire`) and try again."
)


def asked_cards(*, limit_s: float = ANSWER_S, program: Sequence[str] = ASKS) -> list[Card]:
    """List the devices of this machine; a PartError if they can't be asked for, or not in time."""
    try:
        done = subprocess.run(program, stdout=subprocess.PIPE, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        raise PartError(HANGS.format(limit_s=limit_s)) from None
    if done.returncode:
        raise PartError(
            f"the library that asks for sound devices crashed (status {done.returncode}). "
            "Serve a browser instead: transport: {use: local}."
        )
    told = json.loads(done.stdout)
    if isinstance(told, str):
        raise PartError(told)
    return [_card(Card(**each)) for each in told]


def _card(card: Card) -> Card:
    return replace(card, default_for=frozenset(End(end) for end in card.default_for))


def _answer() -> str:
    try:
        found = [asdict(card) for card in cards()]
    except PartError as error:
        return json.dumps(str(error))
    return json.dumps([{**each, "default_for": sorted(each["default_for"])} for each in found])


if __name__ == "__main__":
    print(_answer())

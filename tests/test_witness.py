"""Who watches the arbiter hears every fact, the state before it, and every order."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from bargein.arbiter import Arbiter, OpenTurn, Order, Pause, ShowFloor
from bargein.floor import Floor


class Notes:
    """Writes down what it hears."""

    needs_standing = True

    def __init__(self) -> None:
        self.told_of: list[tuple[str, dict[str, Any], dict[str, Any], list[Order]]] = []

    def told(
        self,
        name: str,
        facts: Mapping[str, Any],
        standing: Mapping[str, Any],
        orders: Sequence[Any],
    ) -> None:
        self.told_of.append((name, dict(facts), dict(standing), list(orders)))


def test_each_fact_comes_by_its_name_with_the_state_before_and_the_orders_after() -> None:
    notes = Notes()
    arbiter = Arbiter(floor=Floor.SPEAKING, witness=notes)
    arbiter.truncate(3, 480, 1, 1000.0, playing=3)
    name, facts, standing, orders = notes.told_of[0]
    assert (name, standing["floor"]) == ("truncate", Floor.SPEAKING)
    assert facts == {"utterance": 3, "at_sample": 480, "epoch": 1, "now_ms": 1000.0, "playing": 3}
    assert orders == [Pause(3), ShowFloor(Floor.CONTESTED)]


def test_a_fact_that_orders_nothing_is_told_too() -> None:
    notes = Notes()
    Arbiter(witness=notes).speech_stopped()
    assert [(name, orders) for name, _, _, orders in notes.told_of] == [("speech_stopped", [])]


def test_an_arbiter_made_of_a_standing_goes_on_as_the_first_would() -> None:
    first = Arbiter()
    first.window(speech_ms=96, silence_ms=0, now_ms=1.0, playing=0)
    second = Arbiter(**first.standing())
    assert second == first
    assert OpenTurn() in second.speech_started(2.0, playing=0)


def test_every_public_method_that_takes_facts_is_watched() -> None:
    methods = inspect.getmembers(Arbiter, inspect.isfunction)
    public = {name: method for name, method in methods if not name.startswith("_")}
    unwatched = {name for name, method in public.items() if not hasattr(method, "__wrapped__")}
    assert unwatched == {"standing"}

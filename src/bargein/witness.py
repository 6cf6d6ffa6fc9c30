"""Lets somebody watch what a judge is told and what it orders, so that it can be judged again.

Each method of a judge that takes facts is marked with `@witnessed`. While nobody watches, the
mark costs one comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
J = TypeVar("J", bound="Judge")
R = TypeVar("R")


class Witness(Protocol):
    """Who watches; it must not raise, and must not call the judge."""

    @property
    def needs_standing(self) -> bool:
        """Whether it wants to know the state; to copy that takes longer than all else."""

    def told(
        self,
        name: str,
        facts: Mapping[str, Any],
        standing: Mapping[str, Any],
        orders: Sequence[Any],
    ) -> None:
        """The judge's method `name` was called with `facts`; `standing` is its state before,
        or empty where that is not needed.
        """


class Judge(Protocol):
    """What can be watched."""

    witness: Witness | None

    def standing(self) -> dict[str, Any]:
        """All that it would need, besides its settings, to go on from here: plain values."""


def witnessed(method: Callable[Concatenate[J, P], R]) -> Callable[Concatenate[J, P], R]:
    """Mark a method that takes facts; none of these calls another one."""
    signed = signature(method)

    @wraps(method)
    def watched(judge: J, /, *args: P.args, **kwargs: P.kwargs) -> R:
        witness = judge.witness
        if witness is None:
            return method(judge, *args, **kwargs)
        # Facts by name are the names already: it is so for what comes most often.
        facts = dict(signed.bind(judge, *args, **kwargs).arguments) if args else dict(kwargs)
        facts.pop("self", None)
        standing = judge.standing() if witness.needs_standing else {}
        orders = method(judge, *args, **kwargs)
        witness.told(method.__name__, facts, standing, orders if isinstance(orders, list) else ())
        return orders

    return watched

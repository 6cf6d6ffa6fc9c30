"""A part of a pipeline: a class, and what to construct it with; nothing is constructed yet."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bargein.config.masking import MASK, secret_texts, without_credentials
from bargein.config.structure import Role
from bargein.config.tree import Data
from bargein.errors import BargeinError, ConfigError, Place

if TYPE_CHECKING:
    from bargein.processors.failover import Failover


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a pipeline, or its transport: a class, and what to construct it with."""

    use: str
    role: Role
    cls: type[Any]
    arguments: dict[str, Any] = field(repr=False)
    """Keyword arguments as written, secrets included; never print them."""
    shown: Mapping[str, Data]
    """All arguments, defaults included, secrets masked."""
    place: Place
    name: str
    """The path in the document, like `pipeline[1]`."""

    @property
    def single(self) -> tuple[Part, ...]:
        """The parts that it stands for: itself, unless it is several."""
        return (self,)

    @property
    def described(self) -> Mapping[str, Data]:
        """What may be shown of it, as it is written."""
        return {"use": self.use, **self.shown}

    def build(self) -> Any:
        """Construct a fresh instance; what its constructor raises is a ConfigError at its place.

        A ConfigError that has a place of its own, like a script's, is raised as it is.
        """
        try:
            return self.cls(**copy.deepcopy(self.arguments))
        except Exception as error:  # a constructor may raise anything; here is its outermost plug
            if isinstance(error, ConfigError) and error.place:
                raise
            kind, said = type(error).__name__, str(error)
            reason = said if said and isinstance(error, BargeinError) else f"{kind}: {said}"
            for secret in secret_texts(self.arguments, self.shown):
                reason = reason.replace(secret, MASK)
            reason = without_credentials(reason.removesuffix(": "))
            message = f"{self.name}: {self.use!r} could not be made: {reason}"
            raise ConfigError(message, place=self.place) from error


@dataclass(frozen=True, slots=True)
class SeveralParts(Part):
    """Parts of one kind of which one works: `use` is a list."""

    members: tuple[Part, ...] = ()

    def build(self) -> Any:
        """Construct all of them, and what holds them."""
        several: Failover = Part.build(self)
        several.hold([part.build() for part in self.members], [part.use for part in self.members])
        return several

    @property
    def single(self) -> tuple[Part, ...]:
        """All of them."""
        return self.members

    @property
    def described(self) -> Mapping[str, Data]:
        """The parts, and what is set of the list itself."""
        return {"use": [dict(part.described) for part in self.members], **self.shown}

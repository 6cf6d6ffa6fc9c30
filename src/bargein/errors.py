"""Everything that bargein raises on purpose; each type says whose fault it was."""

from __future__ import annotations

from dataclasses import dataclass


class BargeinError(Exception):
    """Anything raised on purpose; its text names the place, the thing and the way out."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands; line and column count from 1, and 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Give `file:line:column`, the form that editors make clickable."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class ConfigError(BargeinError):
    """The author of a YAML file must change something; raised at load, never in a call."""

    def __init__(self, message: str, *, place: Place | None = None) -> None:
        """Prefix the message with its place, if it has one."""
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place


class ProtocolError(BargeinError):
    """The other side sent what the protocol does not allow; `code` is the wire's error code."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the wire's error code beside the text."""
        super().__init__(message)
        self.code = code


class PartError(BargeinError):
    """Something of this machine is missing or broken: a package, a model, a process."""

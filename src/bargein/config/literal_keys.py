"""Keys that stand in a file are found: they would be copied, committed and printed with it.

What a key is called is known as in `masking.py`, but narrower: a path to a file of credentials
(`credentials_path`) or a `tokenizer` is masked at worst, and here it would be refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bargein.config.masking import MASK, is_secret, is_secret_name
from bargein.config.problems import Problem
from bargein.config.tree import Items, Node, Scalar, Table, scalars
from bargein.errors import Place

_HOLDS_KEY = re.compile(
    r"(key|token|secret|passw[a-z]*|passphrase|credential|authorization|bearer|cookie)s?$",
    re.IGNORECASE,
)
NO_KEY = (None, "", MASK)
"""`bargein config` prints the mask, and what it prints can be read again."""
_LISTS_TOKENS = re.compile(r"tokens$", re.IGNORECASE)
"""`stop_tokens` are words, not keys."""


@dataclass(frozen=True, slots=True)
class LiteralKey:
    """A key that is written where it should be named."""

    path: str
    name: str
    place: Place

    @property
    def problem(self) -> Problem:
        """What is said of it, and the way out; never the key itself."""
        variable = re.sub(r"\W", "_", self.name).upper()
        return Problem(
            self.place,
            f"{self.path}: a key comes from the environment, and never stands in a YAML. "
            f"Set a variable to it, and write `{self.name}: ${{{variable}}}`.",
        )


def literal_keys(table: Table, path: str, declared: Collection[str]) -> Iterator[LiteralKey]:
    """Find the keys in a part's arguments that no `${VAR}` gives.

    `declared` are those of its arguments that are secret by their type.
    """
    for key, entry in table.entries.items():
        if key in declared or _holds_key(key):
            if any(_is_literal(key, node, key in declared) for node in scalars(entry.node)):
                yield LiteralKey(f"{path}.{key}", key, entry.place)
        else:
            yield from _below(entry.node, f"{path}.{key}")


def _below(node: Node, path: str) -> Iterator[LiteralKey]:
    if isinstance(node, Table):
        yield from literal_keys(node, path, ())
    if isinstance(node, Items):
        for index, item in enumerate(node.nodes):
            yield from _below(item, f"{path}[{index}]")


def _holds_key(name: str) -> bool:
    named = is_secret_name(name) and _HOLDS_KEY.search(name) is not None
    return named and not _LISTS_TOKENS.search(name)


def _is_literal(name: str, value: Scalar, is_declared: bool) -> bool:
    from_environment = value.variables and not value.is_default
    if from_environment or value.is_broken or value.value in NO_KEY:
        return False
    return is_declared or is_secret(name, value.value)

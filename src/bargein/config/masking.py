"""What is secret is known by its name, and never shown: not in a dump, an error or a hash."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from bargein.config.tree import Data, Items, Node, Scalar, Table

MASK = "***"

_NAME = re.compile(
    r"(^|[_-])(api)?keys?$|token|secret|passw|passphrase|credential|authorization|bearer|cookie",
    re.IGNORECASE,
)
# `max_tokens: 500` is a number of tokens; an access token is text.
_COUNTS = re.compile(r"token", re.IGNORECASE)
_NAMES_VARIABLE = re.compile(r"key_variable$", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
"""As variables are called by custom; `sk_1a2b...` could be one, and is a key."""


# The user and password of a URL, and the parameters of its query.
_URL = re.compile(r"[a-zA-Z][\w+.-]*://\S+")
_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_PARAMETER = re.compile(r"(?<=[?&;#])([^=&;#\s]+)=([^&;#\s]+)")


def without_credentials(text: str) -> str:
    """Return text in which no URL shows a user, a password, or a parameter with a secret's name."""
    return _URL.sub(lambda url: _PARAMETER.sub(_parameter, _USER.sub(MASK, url[0])), text)


def _parameter(found: re.Match[str]) -> str:
    return f"{found[1]}={MASK}" if is_secret_name(unquote(found[1])) else found[0]


def _credentials(text: str) -> set[str]:
    """Collect what is masked in the URLs of a text; pieces of a letter or two stand anywhere."""
    hidden: set[str] = set()
    for url in _URL.findall(text):
        for user in _USER.findall(url):
            hidden |= {user, user.partition(":")[2]}
        hidden |= {
            value for name, value in _PARAMETER.findall(url) if is_secret_name(unquote(name))
        }
    return {piece for piece in hidden if len(piece) > 2}


def is_secret_name(name: str) -> bool:
    """Say whether a key or a variable of this name holds a secret."""
    return _NAME.search(name) is not None


def is_variable_name(text: str) -> bool:
    """Say whether this is the name of an environment variable, and surely no key."""
    return _VARIABLE.fullmatch(text) is not None


def is_secret(name: str, value: object) -> bool:
    """Say whether this value under this name must not be shown."""
    if isinstance(value, str) and _NAMES_VARIABLE.search(name):
        return not is_variable_name(value)
    if value is None or isinstance(value, bool) or not is_secret_name(name):
        return False
    return not (isinstance(value, (int, float)) and _COUNTS.search(name))


def masked(name: str, value: Data, node: Node | None = None) -> Data:
    """Return the value as it may be shown; `node` is where it was written, if it was."""
    if isinstance(node, Scalar) and any(is_secret_name(variable) for variable in node.variables):
        return MASK
    if isinstance(value, dict):
        under = node.entries if isinstance(node, Table) else {}
        return {
            key: masked(
                name if is_secret_name(name) else key,
                item,
                under[key].node if key in under else None,
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        nodes = node.nodes if isinstance(node, Items) and len(node.nodes) == len(value) else None
        return [
            masked(name, item, nodes[index] if nodes else None) for index, item in enumerate(value)
        ]
    if is_secret(name, value):
        return MASK
    return without_credentials(value) if isinstance(value, str) else value


def secret_texts(values: Mapping[str, object], shown: Mapping[str, object]) -> frozenset[str]:
    """Collect the texts that the shown form hides, so that they can be struck from messages."""
    hidden: set[str] = set()
    _collect(values, shown, hidden)
    return frozenset(text for text in hidden if text)


def _collect(value: object, shown: object, hidden: set[str]) -> None:
    reveal = getattr(value, "get_secret_value", None)
    plain = reveal() if callable(reveal) else value
    if shown == MASK:
        hidden.add(str(plain))
    elif isinstance(plain, str):
        hidden |= _credentials(plain)
    elif isinstance(plain, Mapping) and isinstance(shown, Mapping):
        for key, item in plain.items():
            _collect(item, shown.get(key), hidden)
    elif isinstance(plain, (list, tuple)) and isinstance(shown, list):
        for item, shown_item in zip(plain, shown, strict=False):
            _collect(item, shown_item, hidden)

"""The keys that sign tokens: the first signs, all of them verify, so that keys can be rotated."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bargein.errors import ConfigError

MIN_KEY_BYTES = 32
"""As long as what HMAC-SHA256 gives; RFC 7518, 3.2."""
MAX_KEYS = 8
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}")
HOW = (
    "Write name:secret pairs with commas or newlines between, the secret at least "
    f"{MIN_KEY_BYTES} random bytes in base64, as `openssl rand -base64 {MIN_KEY_BYTES}` gives."
)


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """Named secrets; build them with `parse`."""

    current: str
    """The name of the key that signs."""
    secrets: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str, *, source: str) -> TokenKeys:
        """Read `2026-11:base64,2026-10:base64`, the newest first; `source` is named in errors.

        Raises ConfigError, which never shows what was written.
        """
        secrets: dict[str, bytes] = {}
        for number, pair in enumerate(filter(None, re.split(r"[,\s]+", text)), start=1):
            name, _, encoded = pair.partition(":")
            if not _NAME.fullmatch(name) or not encoded:
                raise ConfigError(f"{source}: key {number} has no name or no secret. {HOW}")
            if name in secrets:
                raise ConfigError(f"{source}: two keys have the name {name!r}. Rename one.")
            secret = _decoded(encoded)
            if len(secret) < MIN_KEY_BYTES or len(set(secret)) < MIN_KEY_BYTES // 4:
                raise ConfigError(f"{source}: the secret of key {number} is too weak. {HOW}")
            if secret in secrets.values():
                raise ConfigError(f"{source}: two keys have the same secret. Make a new one.")
            secrets[name] = secret
        if not 0 < len(secrets) <= MAX_KEYS:
            raise ConfigError(f"{source}: there must be one to {MAX_KEYS} keys. {HOW}")
        return cls(next(iter(secrets)), MappingProxyType(secrets))


def _decoded(encoded: str) -> bytes:
    padded = encoded + "=" * (-len(encoded) % 4)
    try:
        return base64.b64decode(
            padded, altchars=b"-_" if set("-_") & set(encoded) else None, validate=True
        )
    except (binascii.Error, ValueError):
        return b""

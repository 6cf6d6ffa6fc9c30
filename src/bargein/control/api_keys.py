"""The keys of those who operate the API; only their hashes are kept."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from bargein.errors import ConfigError

MIN_CHARACTERS = 32
"""As `openssl rand -hex 16` gives: 128 bits."""
MAX_CHARACTERS = 512
MAX_KEYS = 32


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """Build them with `parse`."""

    hashes: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def parse(cls, text: str, *, source: str) -> ApiKeys:
        """Read keys with commas or white space between; ConfigError, which never shows one."""
        keys = list(filter(None, re.split(r"[,\s]+", text)))
        for number, key in enumerate(keys, start=1):
            if not MIN_CHARACTERS <= len(key) <= MAX_CHARACTERS or len(set(key)) < 8:
                raise ConfigError(
                    f"{source}: key {number} is too weak, or far too long. "
                    "Make one: `openssl rand -hex 32`."
                )
        if len(keys) > MAX_KEYS:
            raise ConfigError(f"{source}: at most {MAX_KEYS} keys are taken.")
        return cls(tuple(_hash(key) for key in keys))

    def know(self, key: str) -> bool:
        """Whether this is one of them; it takes as long whichever it is, or none."""
        hashed = _hash(key[: MAX_CHARACTERS + 1])
        return sum(hmac.compare_digest(hashed, each) for each in self.hashes) > 0


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()

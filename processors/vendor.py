"""A vendor's account: the key comes from the environment, and from nowhere else.

A key in a YAML would be copied, committed and printed with it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from bargein.config.masking import MASK
from bargein.errors import ConfigError

SHORTEST_KEY = 8
"""What is shorter stands in any text, and is no vendor's key: it is not struck out."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """Who is paid, and where the key is looked for."""

    name: str
    key_variable: str
    """The environment variable."""
    url: str
    """Where its service is, unless a part says otherwise."""

    def access(self, url: str | None = None) -> Access:
        """Give the key with the address; raises ConfigError if there is no key."""
        key = os.environ.get(self.key_variable, "").strip()
        if not key:
            raise ConfigError(
                f"the environment has no {self.key_variable}. "
                f"Set it to your key of {self.name}: export {self.key_variable}=..."
            )
        return Access(self, key, (url or self.url).rstrip("/"))

    @property
    def refused_in_yaml(self) -> str:
        """What is said of a key that stands in a YAML."""
        return (
            f" A key never stands in a YAML: set {self.key_variable} in the environment, "
            "and take this line out."
        )


@dataclass(frozen=True, slots=True)
class Access:
    """A key, and where it is good for."""

    vendor: Vendor
    key: str = field(repr=False)
    url: str

    @property
    def http_url(self) -> str:
        """The same address for requests: `wss://` is `https://`."""
        return "http" + self.url[2:] if self.url.startswith("ws") else self.url


DEEPGRAM = Vendor("Deepgram", "DEEPGRAM_API_KEY", "wss://api.deepgram.com")
ANTHROPIC = Vendor("Anthropic", "ANTHROPIC_API_KEY", "https://api.anthropic.com")
ELEVENLABS = Vendor("ElevenLabs", "ELEVENLABS_API_KEY", "wss://api.elevenlabs.io")
VENDORS = (DEEPGRAM, ANTHROPIC, ELEVENLABS)


def without_keys(text: str) -> str:
    """Return the text with every vendor's key struck out, whoever has put it there."""
    for vendor in VENDORS:
        key = os.environ.get(vendor.key_variable, "").strip()
        if len(key) >= SHORTEST_KEY:
            text = text.replace(key, MASK)
    return text

"""A vendor's account: the key comes from the environment, and from nowhere else.

A key in a YAML would be copied, committed and printed with it.
"""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bargein.config.masking import MASK, without_credentials
from bargein.errors import ConfigError

SHORTEST_KEY = 8
"""What is shorter stands in any text, and is no vendor's key: it is not struck out."""
_UNFIT = re.compile(r"[^!#-&(-~]")
"""No key has a space, a line break, a quotation mark, or a letter beyond ASCII."""
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Vendor:
    """Who is paid, and where the key is looked for."""

    name: str
    key_variable: str
    """The environment variable."""
    url: str
    """Where its service is, unless a part says otherwise."""

    def access(self, url: str | None = None) -> Access:
        """Give the key with the address; raises ConfigError if there is none of either."""
        if url is not None:
            check_address("url", url, like=self.url)
        key = key_in(self.key_variable)
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

_variables = {vendor.key_variable for vendor in VENDORS}
"""Those in which a key was looked for; they only grow."""


def key_in(variable: str) -> str:
    """Give the key in a variable of the environment, or "".

    Raises ConfigError if it holds what no header of a request can carry: quotation marks of a
    .env file, a line too many. What sends it would say so only in the call, and print the key.
    """
    _variables.add(variable)
    key = os.environ.get(variable, "").strip()
    if wrong := _UNFIT.search(key):
        raise ConfigError(
            f"{variable} in the environment is no key: character {wrong.start() + 1} of it is "
            f"{unicodedata.name(wrong[0], 'a line break or the like').lower()}. "
            "Set it to the key alone."
        )
    return key


def check_address(name: str, url: str, *, like: str) -> None:
    """Raise ConfigError where an address leads nowhere, whoever may listen; `like` is a good one.

    What connects would say so only in the call, and less clearly.
    """
    if wrong := _wrong_in(url):
        shown = without_credentials(url)
        raise ConfigError(f"{name}: {shown!r} is no address: {wrong}. Write it like {like}")


def _wrong_in(url: str) -> str:
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        # It would quote what may be a password.
        return "its host or its port can't be read"
    if not parts.hostname:
        return "it names no host"
    if not has_port:
        return "nobody listens at port 0"
    return "there is a space in it" if _SPACE.search(url) else ""


def without_keys(text: str) -> str:
    """Return the text with every key struck out that was looked for, whoever has put it there."""
    for variable in sorted(_variables):
        key = os.environ.get(variable, "").strip()
        if len(key) >= SHORTEST_KEY:
            text = text.replace(key, MASK)
    return text

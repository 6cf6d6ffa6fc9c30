"""Where the keys of tokens come from: a file that may change while the program runs, or a variable.

With a file a key is rotated without a restart: put the new one first, keep the old one as long as
its tokens live, then take it out.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import MutableMapping
from pathlib import Path

from loguru import logger

from bargein.control.keys import MIN_KEY_BYTES, TokenKeys
from bargein.errors import ConfigError

VARIABLE = "BARGEIN_TOKEN_KEYS"
FILE_VARIABLE = "BARGEIN_TOKEN_KEYS_FILE"
MAX_FILE_BYTES = 16_384


class KeyRing:
    """Gives the keys that hold now."""

    def __init__(self, keys: TokenKeys, path: Path | None = None) -> None:
        """Keep the keys; those of a file are read again when it changes."""
        self._keys, self._path = keys, path
        self._stamp = _stamp(path) if path else None

    @classmethod
    def of(cls, environ: MutableMapping[str, str]) -> KeyRing:
        """Find the keys, and take them out of the environment: parts start processes of their own.

        ConfigError where they are no good, or where there are none.
        """
        text = environ.pop(VARIABLE, "").strip()
        named = environ.get(FILE_VARIABLE, "").strip()
        if named and text:
            raise ConfigError(f"Set {VARIABLE} or {FILE_VARIABLE}, not both.")
        if named:
            return cls(_of_file(Path(named)), Path(named))
        return cls(TokenKeys.parse(text, source=VARIABLE))

    @property
    def keys(self) -> TokenKeys:
        """The keys as they are now; a file that is no good any more changes nothing."""
        if self._path and (stamp := _stamp(self._path)) != self._stamp:
            self._stamp = stamp
            try:
                self._keys = _of_file(self._path)
                logger.info("the keys of tokens were read again; {} signs", self._keys.current)
            except ConfigError as error:
                logger.error("the old keys of tokens still hold: {}", error)
        return self._keys


def passing_key() -> str:
    """Make a key for one run, in the form that VARIABLE has."""
    return f"run:{base64.b64encode(secrets.token_bytes(MIN_KEY_BYTES)).decode()}"


def has_keys(environ: MutableMapping[str, str]) -> bool:
    """Whether keys were set by either variable."""
    return any(environ.get(name, "").strip() for name in (VARIABLE, FILE_VARIABLE))


def _of_file(path: Path) -> TokenKeys:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path}: others than its owner may read these keys: chmod 600.")
        text = path.read_text(encoding="utf-8")[:MAX_FILE_BYTES]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"{FILE_VARIABLE}: {path} can't be read: {reason}.") from None
    return TokenKeys.parse(text, source=str(path))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino

"""Plays Daily's library: a call with participants, app messages, and audio both ways.

It calls back from a thread of its own, as the real one does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

CHUNK_S = 0.02


class EventHandler:
    """The base class of a handler."""

    def on_app_message(self, message: Any, sender: str) -> None:
        """Overridden."""

    def on_participant_left(self, participant: Mapping[str, Any], reason: Any) -> None:
        """Overridden."""

    def on_call_state_updated(self, state: str) -> None:
        """Overridden."""

    def on_error(self, message: Any) -> None:
        """Overridden."""


@dataclass(frozen=True)
class AudioData:
    """What a renderer gets."""

    audio_frames: bytes
    sample_rate: int = 16_000


class CustomAudioSource:
    """Takes a chunk and tells when it was played: at once, or never when it is stuck."""

    def __init__(self, sample_rate: int, channels: int, auto_silence: bool) -> None:
        assert (channels, auto_silence) == (1, True)
        self.sample_rate = sample_rate
        self.library: FakeDaily | None = None

    def write_frames(self, frames: bytes, completion: Callable[[int], None]) -> int:
        assert self.library is not None
        self.library.voice.extend(frames)
        if not self.library.stuck:
            timer = threading.Timer(self.library.chunk_s, completion, [len(frames) // 2])
            timer.daemon = True
            timer.start()
        return 0


class CustomAudioTrack:
    """A track made of a source."""

    id = "track-of-the-bot"

    def __init__(self, source: CustomAudioSource) -> None:
        self.source = source


class CallClient:
    """The bot's end of the call."""

    def __init__(self, event_handler: EventHandler) -> None:
        self.handler = event_handler
        self.renderers: dict[str, Callable[[str, AudioData, str], None]] = {}
        self.released = False
        self.settings: Any = None
        self.library: FakeDaily | None = None

    def set_user_name(self, name: str) -> None:
        self.name = name

    def update_subscription_profiles(self, profiles: Mapping[str, Any]) -> None:
        self.profiles = profiles

    def join(
        self, url: str, token: str, client_settings: Any, completion: Callable[..., None]
    ) -> None:
        assert self.library is not None
        self.settings = client_settings
        self.library.joined.append((url, token))
        if self.library.join_error == "silent":
            return
        data = None if self.library.join_error else {"participants": {"local": {"id": "bot"}}}
        self.library.later(completion, data, self.library.join_error)

    def leave(self, completion: Callable[..., None]) -> None:
        assert self.library is not None
        self.library.left = True
        self.library.later(completion, None)

    def release(self) -> None:
        self.released = True

    def send_app_message(
        self, message: Any, participant: str, completion: Callable[..., None]
    ) -> None:
        assert self.library is not None
        self.library.sent.append((participant, message))
        self.library.later(self.library.on_sent, participant, message)
        self.library.later(completion, None)

    def set_audio_renderer(
        self,
        participant: str,
        callback: Callable[[str, AudioData, str], None],
        audio_source: str,
        sample_rate: int,
        callback_interval_ms: int,
    ) -> None:
        assert (audio_source, sample_rate, callback_interval_ms) == ("microphone", 16_000, 20)
        self.renderers[participant] = callback


@dataclass
class FakeDaily:
    """The module: what it makes knows it, and a test does what participants would do."""

    join_error: str | None = None
    stuck: bool = False
    """The library takes no more audio."""
    chunk_s: float = CHUNK_S
    sent: list[tuple[str, Any]] = field(default_factory=list)
    joined: list[tuple[str, str]] = field(default_factory=list)
    left: bool = False
    voice: bytearray = field(default_factory=bytearray)
    client: CallClient | None = None
    on_sent: Callable[[str, Any], None] = lambda _participant, _message: None
    EventHandler = EventHandler
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def CustomAudioSource(self, *args: Any) -> Any:  # noqa: N802 (a class of theirs)
        """Make a source."""
        source = CustomAudioSource(*args)
        source.library = self
        return source

    def CustomAudioTrack(self, source: Any) -> Any:  # noqa: N802
        """Make a track."""
        return CustomAudioTrack(source)

    def CallClient(self, event_handler: Any) -> Any:  # noqa: N802
        """Make the one client."""
        self.client = CallClient(event_handler)
        self.client.library = self
        return self.client

    def later(self, call: Callable[..., None], *args: Any) -> None:
        """Call back from the library's thread."""
        self._thread.submit(call, *args)

    def says(self, participant: str, value: Any) -> None:
        """A participant sends an app message."""
        assert self.client
        self.later(self.client.handler.on_app_message, value, participant)

    def speaks(self, participant: str, pcm: bytes) -> None:
        """A participant's microphone gives audio."""
        assert self.client
        if participant in self.client.renderers:
            renderer = self.client.renderers[participant]
            self.later(renderer, participant, AudioData(pcm), "microphone")

    def leaves(self, participant: str) -> None:
        """A participant leaves."""
        assert self.client
        handler = self.client.handler
        self.later(handler.on_participant_left, {"id": participant}, "leftCall")

    def ends(self) -> None:
        """Daily ends the call."""
        assert self.client
        self.later(self.client.handler.on_call_state_updated, "left")

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

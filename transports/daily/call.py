"""The bot's end of a call at Daily: joins, speaks, hears, sends; every wait in it is bounded.

Daily's library calls back from threads of its own; what it tells is taken to the event loop
at once. The library is an argument, so that another may play its part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from loguru import logger

from bargein.protocol import MICROPHONE_RATE_HZ
from bargein.transports.daily.errors import DailyError

JOIN_S = 8.0
"""It takes one or two; Daily's own tries to reach its servers go on for 20 s."""
LEAVE_S = 3.0
LEAVE_UNJOINED_S = 0.5
"""Where nobody has answered the join, nobody may answer this."""
WRITE_S = 2.0
"""A chunk that was not taken by then: the call is dead."""
CHUNKS_AHEAD = 2
"""40 ms: an event loop that is late by less makes no gap in the voice."""
HEARD_EVERY_MS = 20
LEFT = "left"
MOST_CHARS = 300
NEW_ROOM = "Run the command again: it makes a new room and a new token."
WAYS_OUT = {
    "You are not authorized to join this meeting": NEW_ROOM,
    "This room is not available yet": "Set this machine's clock, or try again later.",
    "This room has no worker available": "Daily has no server for it just now: try again later.",
    "RoomLookup(Get(Connect": "Check that this network reaches *.daily.co.",
}
"""The texts of daily-python 0.36 for rooms that can't be joined; its errors have no codes."""
_never_let_go: list[Any] = []
"""Sources that still owe a completion: the library hangs for ever when one of these is dropped."""


class Guests(Protocol):
    """Who is told what happens in the call, in the event loop."""

    def left(self, participant: str) -> None:
        """A participant is gone."""

    def told(self, participant: str, value: object) -> None:
        """A participant has sent an app message."""


class Call:
    """One call; `ended` is set when it is over for whatever reason, and `why` says it."""

    def __init__(self, library: Any, guests: Guests, *, sample_rate_hz: int) -> None:
        """Nothing is opened before `join`; `library` is the module `daily`, or plays it."""
        self.ended = asyncio.Event()
        self.why = ""
        self._library = library
        self._guests = guests
        self._loop = asyncio.get_running_loop()
        self._source = library.CustomAudioSource(sample_rate_hz, 1, True)
        self._track = library.CustomAudioTrack(self._source)
        self._client = library.CallClient(event_handler=self._handler())
        self._joined = False
        self._room = asyncio.Semaphore(CHUNKS_AHEAD)

    async def join(self, url: str, token: str, *, name: str) -> None:
        """Join; DailyError if it does not work out in time."""
        self._client.set_user_name(name)
        self._client.update_subscription_profiles(
            {"base": {"camera": "unsubscribed", "screenVideo": "unsubscribed"}}
        )
        answer = self._future()
        self._client.join(
            url,
            token,
            client_settings=_settings(self._track.id),
            completion=self._completing(answer),
        )
        try:
            async with asyncio.timeout(JOIN_S):
                _, error = await answer
        except TimeoutError:
            raise DailyError(
                f"The room {url} could not be joined within {JOIN_S:.0f} s. "
                "Check that this network lets WebRTC and *.daily.co through."
            ) from None
        if error:
            raise DailyError(f"The room {url} can't be joined: {_reason(error)}")
        self._joined = True

    async def speak(self, take: Callable[[], bytes]) -> None:
        """Put what `take` gives into the bot's track, chunk after chunk, until the call ends.

        The library takes chunks as fast as they are played; `take` is asked just before.
        """

        def taken(_samples: int) -> None:
            self._soon(self._room.release)

        while not self.ended.is_set():
            try:
                async with asyncio.timeout(WRITE_S):
                    await self._room.acquire()
            except TimeoutError:
                self._end("Daily's library takes no more audio")
                return
            self._source.write_frames(take(), completion=taken)

    def hear(self, participant: str, hear: Callable[[bytes], None]) -> None:
        """Give a participant's microphone to `hear`, as 16 kHz PCM16 mono."""

        def heard(_participant: str, audio: Any, _source: str) -> None:
            self._soon(hear, bytes(audio.audio_frames))

        self._client.set_audio_renderer(
            participant,
            heard,
            audio_source="microphone",
            sample_rate=MICROPHONE_RATE_HZ,
            callback_interval_ms=HEARD_EVERY_MS,
        )

    def send(self, participant: str, value: Mapping[str, Any]) -> None:
        """Send a participant an app message; dropped where the call is over."""
        if self._joined and not self.ended.is_set():
            self._client.send_app_message(dict(value), participant, completion=_sent)

    async def leave(self) -> None:
        """Leave and let go of the library's part, in bounded time; nobody may speak any more."""
        leave_s = LEAVE_S if self._joined else LEAVE_UNJOINED_S
        self._joined = False
        self.ended.set()
        await self._finish_writing()
        answer = self._future()
        self._client.leave(completion=self._completing(answer))
        try:
            async with asyncio.timeout(leave_s):
                await answer
                await asyncio.to_thread(self._client.release)
        except TimeoutError:
            logger.info("the call at Daily did not end within {} s", leave_s)

    async def _finish_writing(self) -> None:
        try:
            async with asyncio.timeout(WRITE_S):
                for _ in range(CHUNKS_AHEAD):
                    await self._room.acquire()
        except TimeoutError:
            _never_let_go.append(self._source)

    # --- from the library's threads ------------------------------------------------------

    def _handler(self) -> Any:
        """The library wants a class of its own kind, and calls its methods by name."""
        guests = self._guests

        def message(_self: object, value: Any, sender: str) -> None:
            self._soon(guests.told, sender, value)

        def left(_self: object, participant: Mapping[str, Any], _reason: Any) -> None:
            self._soon(guests.left, str(participant["id"]))

        def state(_self: object, state: str) -> None:
            if state == LEFT:
                self._soon(self._end, "Daily has ended the call, or the room has expired")

        def failed(_self: object, error: Any) -> None:
            self._soon(logger.warning, "Daily: {}", error)

        methods = {
            "on_app_message": message,
            "on_participant_left": left,
            "on_call_state_updated": state,
            "on_error": failed,
        }
        return type("Events", (self._library.EventHandler,), methods)()

    def _end(self, why: str) -> None:
        if self._joined and not self.ended.is_set():
            self.why = why
            self.ended.set()

    def _future(self) -> asyncio.Future[tuple[Any, Any]]:
        return self._loop.create_future()

    def _completing(self, future: asyncio.Future[tuple[Any, Any]]) -> Callable[..., None]:
        def settle(*told: Any) -> None:
            if not future.done():
                future.set_result((told[0], told[-1]))

        def complete(*told: Any) -> None:
            self._soon(settle, *told)

        return complete

    def _soon(self, call: Callable[..., object], *args: Any) -> None:
        # The library may call back when the loop is closed already.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *args)


def _settings(track: str) -> dict[str, Any]:
    microphone = {"isEnabled": True, "settings": {"customTrack": {"id": track}}}
    return {
        "inputs": {"camera": {"isEnabled": False}, "microphone": microphone},
        "publishing": {
            "camera": {"isPublishing": False},
            "microphone": {"isPublishing": True, "sendSettings": {"channelConfig": "mono"}},
        },
    }


def _sent(error: object = None) -> None:
    if error:
        logger.warning("Daily did not take a message: {}", error)


def _reason(error: object) -> str:
    """What the library says of a failed join, in a sentence with the way out."""
    text = str(error).strip()[:MOST_CHARS].removesuffix(".")
    for known, way_out in WAYS_OUT.items():
        if known in text:
            return f"{text}. {way_out}"
    return (
        f"{text}. Run the command again for a new room; "
        "if that fails, too, check that this network reaches *.daily.co."
    )

"""The bot's end of a call: every wait ends, and what threads tell comes in order in the loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bargein.transports.daily import call as calls
from bargein.transports.daily.call import Call
from bargein.transports.daily.errors import DailyError
from tests.daily.fake_daily import FakeDaily

RATE_HZ = 24_000
URL = "https://test.daily.co/room"


class Guests:
    """Notes what is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []
        self.loops: set[object] = set()

    def left(self, participant: str) -> None:
        self._note(participant, "left")

    def told(self, participant: str, value: object) -> None:
        self._note(participant, value)

    def _note(self, participant: str, what: object) -> None:
        self.loops.add(asyncio.get_running_loop())
        self.events.append((participant, what))


async def joined(library: FakeDaily, guests: Guests | None = None) -> Call:
    call = Call(library, guests or Guests(), sample_rate_hz=RATE_HZ)
    await call.join(URL, "token", name="Cafe")
    return call


async def until(done: object, *, seconds: float = 2) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # type: ignore[operator]  # noqa: ASYNC110 (a fake offers no event)
            await asyncio.sleep(0.005)


async def test_it_joins_with_its_own_track_for_a_microphone_and_takes_no_video(
    library: FakeDaily,
) -> None:
    await joined(library)
    assert library.joined == [(URL, "token")]
    assert library.client
    microphone = library.client.settings["inputs"]["microphone"]
    assert microphone["settings"]["customTrack"]["id"] == "track-of-the-bot"
    assert library.client.settings["inputs"]["camera"] == {"isEnabled": False}
    assert library.client.profiles["base"]["camera"] == "unsubscribed"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("Connection(Api(RoomLookup(Get(Connect))))", "Check that this network reaches"),
        (
            "You are not authorized to join this meeting.",
            "can't be joined: You are not authorized to join this meeting. Run the command again",
        ),
        (
            "Experts are not found",
            "Experts are not found. Run the command again for a new room",
        ),
    ],
)
async def test_a_join_that_is_refused_says_why(library: FakeDaily, error: str, says: str) -> None:
    library.join_error = error
    with pytest.raises(DailyError, match=says):
        await joined(library)


@pytest.mark.parametrize("text", [each for each in calls.WAYS_OUT if " " in each])
def test_the_texts_that_are_known_are_those_of_the_library(text: str) -> None:
    daily = pytest.importorskip("daily", reason="the extra 'daily' is not installed")
    (binary,) = Path(daily.__file__).parent.glob("daily*.so")
    assert text.encode() in binary.read_bytes()


async def test_a_join_without_an_answer_ends(
    library: FakeDaily, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "JOIN_S", 0.05)
    library.join_error = "silent"
    with pytest.raises(DailyError, match="could not be joined within"):
        await joined(library)


async def test_messages_and_leaving_come_in_their_order_in_the_event_loop(
    library: FakeDaily,
) -> None:
    guests = Guests()
    await joined(library, guests)
    for number in range(5):
        library.says("ann", {"n": number})
    library.leaves("ann")
    await until(lambda: len(guests.events) == 6)
    assert guests.events == [*(("ann", {"n": n}) for n in range(5)), ("ann", "left")]
    assert guests.loops == {asyncio.get_running_loop()}


async def test_the_voice_is_asked_for_as_the_library_takes_it_two_chunks_ahead(
    library: FakeDaily,
) -> None:
    library.stuck = True
    asked: list[int] = []

    def take() -> bytes:
        asked.append(1)
        return b"\1\0" * 480

    call = await joined(library)
    speaking = asyncio.create_task(call.speak(take))
    await until(lambda: len(asked) == calls.CHUNKS_AHEAD)
    await asyncio.sleep(0.05)
    assert len(asked) == calls.CHUNKS_AHEAD
    speaking.cancel()


async def test_a_library_that_takes_no_more_audio_ends_the_call(
    library: FakeDaily, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "WRITE_S", 0.05)
    library.stuck = True
    call = await joined(library)
    async with asyncio.timeout(2):
        await call.speak(lambda: bytes(960))
    assert call.ended.is_set()
    assert "takes no more audio" in call.why


async def test_the_microphone_of_one_participant_is_heard(library: FakeDaily) -> None:
    heard: list[bytes] = []
    call = await joined(library)
    call.hear("ann", heard.append)
    library.speaks("bob", b"\2\0")
    library.speaks("ann", b"\1\0")
    await until(lambda: heard)
    assert heard == [b"\1\0"]


async def test_a_call_that_daily_ends_is_over_and_sends_nothing_more(library: FakeDaily) -> None:
    call = await joined(library)
    library.ends()
    async with asyncio.timeout(2):
        await call.ended.wait()
    assert "expired" in call.why
    call.send("ann", {"type": "x"})
    assert library.sent == []


async def test_leaving_lets_go_of_the_library(library: FakeDaily) -> None:
    call = await joined(library)
    await call.leave()
    assert library.left
    assert library.client
    assert library.client.released
    assert call.why == ""

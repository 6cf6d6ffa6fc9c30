"""A microphone of another rate than the protocol's is found out, and no honest one is."""

from __future__ import annotations

import pytest

from bargein.errors import ProtocolError
from bargein.uplink import ITEMS_AT_ONCE, JUDGED_TOGETHER, Backlog, UplinkCount, UplinkRate


def found_after_ms(rate_hz: float, *, chunk_ms: int = 32, for_ms: int = 60_000) -> int | None:
    """When a steady microphone of this rate is refused."""
    uplink = UplinkRate()
    for now_ms in range(0, for_ms, chunk_ms):
        try:
            uplink.take(round(rate_hz * chunk_ms / 1000), now_ms)
        except ProtocolError:
            return now_ms
    return None


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 16_160, 17_600])
def test_a_clock_that_is_a_little_off_is_no_error(rate_hz: float) -> None:
    assert found_after_ms(rate_hz) is None


@pytest.mark.parametrize(
    ("rate_hz", "within_ms"), [(48_000, 2_100), (44_100, 2_100), (24_000, 7_000)]
)
def test_a_wrong_rate_is_found_out_within_seconds(rate_hz: float, within_ms: int) -> None:
    after_ms = found_after_ms(rate_hz)
    assert after_ms is not None
    assert after_ms <= within_ms


@pytest.mark.parametrize("stall_ms", [500, 1_500])
def test_a_burst_after_a_stall_is_no_error(stall_ms: int) -> None:
    uplink = UplinkRate()
    uplink.take(16 * 32, 0)
    uplink.take(16 * stall_ms, 2_000)


def test_more_than_a_stall_could_hold_is_refused_at_once() -> None:
    uplink = UplinkRate()
    uplink.take(4 * 16_000, 0)
    with pytest.raises(ProtocolError):
        uplink.take(16_000, 1)


@pytest.mark.parametrize("every_ms", [4, 8, 32])
def test_small_packets_are_no_flood(every_ms: int) -> None:
    uplink = UplinkCount()
    for now_ms in range(0, 20_000, every_ms):
        uplink.take(now_ms)


def test_a_flood_of_anything_is_refused() -> None:
    uplink = UplinkCount()
    for _ in range(ITEMS_AT_ONCE):
        uplink.take(0)
    with pytest.raises(ProtocolError, match="300 messages") as caught:
        uplink.take(0)
    assert caught.value.code == "flood"


def test_the_error_names_both_rates_and_the_way_out() -> None:
    uplink = UplinkRate()
    uplink.take(0, 0)
    with pytest.raises(ProtocolError, match=r"about 48000 .* takes 16000: resample") as caught:
        uplink.take(96_000, 2_000)
    assert caught.value.code == "bad_rate"


def test_silence_on_the_wire_is_no_error() -> None:
    uplink = UplinkRate()
    uplink.take(512, 0)
    uplink.take(512, 3_600_000)


def passed(came_ms: list[float], *, chunk_ms: int = 20) -> list[int]:
    """Which chunks are not of the backlog."""
    backlog = Backlog(since_ms=0)
    return [i for i, at_ms in enumerate(came_ms) if not backlog.holds(chunk_ms, at_ms)]


def test_audio_in_real_time_passes_as_soon_as_it_is_known_to_be() -> None:
    assert passed([i * 20.0 for i in range(40)]) == list(range(JUDGED_TOGETHER, 40))


@pytest.mark.parametrize("stall_ms", [0, 100])
def test_what_piled_up_is_dropped_also_when_reading_it_stalls(stall_ms: float) -> None:
    piled = [i * 3.0 + (stall_ms if i > 50 else 0) for i in range(100)]
    live = [piled[-1] + 20.0 * i for i in range(1, 60)]
    first = passed([*piled, *live])[0]
    assert len(piled) <= first < len(piled) + JUDGED_TOGETHER


def test_a_client_that_sends_nothing_until_it_speaks_is_heard_from_its_first_chunk() -> None:
    assert passed([1500.0, 1520.0]) == [0, 1]


def test_a_later_burst_is_no_backlog() -> None:
    live = [i * 20.0 for i in range(20)]
    assert passed([*live, *[500.0] * 20])[-1] == 39

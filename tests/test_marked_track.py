"""What goes into a track without packets is told beside it, to the sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.marked_track import GUARD_CHUNKS, MarkBatch, MarkedTrack, outline
from bargein.packet import Flag, Kind, Packet
from bargein.protocol import Mark

RATE_HZ = 24_000
CHUNK = 480


def packet(
    samples: int, *, start: int = 0, utterance: int = 1, epoch: int = 1, last: bool = False
) -> Packet:
    """Each sample is its own position in the utterance, and one."""
    pcm = np.arange(start + 1, start + samples + 1).astype("<i2").tobytes()
    flags = Flag.LAST if last else Flag.NONE
    return Packet(Kind.BOT, epoch, utterance, start, pcm, flags=flags)


def taken(track: MarkedTrack, chunks: int) -> list[tuple[int, int, int, int, bool]]:
    """Take chunks; gives the marks as numbers, and holds each against its audio."""
    marks = []
    for _ in range(chunks):
        pcm, mark = track.take()
        samples = np.frombuffer(pcm, "<i2")
        assert len(samples) == track.chunk_samples
        count = mark.samples if mark else 0
        if mark:
            expected = np.arange(mark.start_sample + 1, mark.start_sample + count + 1)
            assert np.array_equal(samples[:count], expected.astype("<i2"))
            marks.append((mark.track_sample, mark.utterance, mark.start_sample, count, mark.last))
        assert not samples[count:].any()
    return marks


def test_a_chunk_is_marked_with_what_it_holds_and_silence_is_not() -> None:
    track = MarkedTrack(RATE_HZ)
    taken(track, 3)
    track.put(packet(CHUNK + 100, last=True))
    assert taken(track, 4) == [(1440, 1, 0, 480, False), (1920, 1, 480, 100, True)]


def test_packets_of_other_sizes_than_chunks_follow_one_another_without_a_gap() -> None:
    track = MarkedTrack(RATE_HZ)
    for start in range(0, 960, 320):
        track.put(packet(320, start=start, last=start == 640))
    assert taken(track, 3) == [(0, 1, 0, 480, False), (480, 1, 480, 480, True)]


def test_a_new_utterance_begins_with_a_chunk_of_its_own() -> None:
    track = MarkedTrack(RATE_HZ)
    track.put(packet(100, last=True))
    track.put(packet(CHUNK, utterance=2))
    assert taken(track, 2) == [(0, 1, 0, 100, True), (480, 2, 0, 480, False)]


def test_less_than_a_chunk_waits_for_the_rest_but_not_for_ever() -> None:
    track = MarkedTrack(RATE_HZ)
    track.put(packet(100))
    assert taken(track, 2) == []
    track.put(packet(400, start=100))
    assert taken(track, 1) == [(960, 1, 0, 480, False)]
    assert taken(track, 6) == [(2880, 1, 480, 20, False)]


def test_an_end_without_audio_is_told_too() -> None:
    track = MarkedTrack(RATE_HZ)
    track.put(packet(CHUNK))
    track.put(packet(0, start=CHUNK, last=True))
    assert taken(track, 3)[-1] == (480, 1, 480, 0, True)


def test_what_is_sent_twice_goes_out_once() -> None:
    track = MarkedTrack(RATE_HZ)
    track.put(packet(960))
    track.put(packet(960, start=480))
    assert taken(track, 4) == [(n * 480, 1, n * 480, 480, False) for n in range(3)]


def test_a_mute_holds_everything_back_and_a_new_epoch_drops_it_behind_a_guard_of_silence() -> None:
    track = MarkedTrack(RATE_HZ)
    track.put(packet(1440))
    taken(track, 1)
    track.mute()
    assert taken(track, 2) == []
    track.restart(2)
    track.put(packet(480, start=480))
    track.put(packet(480, start=200, epoch=2))
    assert taken(track, GUARD_CHUNKS) == []
    assert [mark[2] for mark in taken(track, 2)] == [200]


def test_an_outline_has_a_level_each_5_ms_in_half_decibels() -> None:
    full = np.full(240, 32767, "<i2").tobytes()
    assert outline(full + bytes(480)) == "c8c80000"


@given(st.lists(st.integers(0, 2), max_size=60), st.integers(8, 48))
def test_told_marks_say_of_each_chunk_what_its_own_mark_says(kinds: list[int], khz: int) -> None:
    """0 is silence, 1 goes on, 2 ends the utterance."""
    track, batch = MarkedTrack(khz * 1000), MarkBatch()
    utterance, start = 1, 0
    single: dict[int, tuple[int, int]] = {}
    told: list[Mark] = []
    for kind in [*kinds, 0]:
        if kind:
            size = track.chunk_samples if kind == 1 else 10
            track.put(packet(size, start=start, utterance=utterance, last=kind == 2))
            start += size
        _, mark = track.take()
        if mark:
            single[mark.track_sample] = (mark.utterance, mark.start_sample)
        told += batch.add(mark)
        if kind == 2:
            utterance, start = utterance + 1, 0
    chunk = track.chunk_samples
    said = {
        mark.track_sample + at: (mark.utterance, mark.start_sample + at)
        for mark in told
        for at in range(0, mark.samples, chunk)
    }
    assert said == single
    assert sum(len(mark.outline) // 8 for mark in told) == len(single)


@pytest.mark.parametrize(("chunks", "messages"), [(1, 1), (2, 2), (4, 2), (7, 3)])
def test_the_first_mark_is_told_at_once_and_the_rest_three_at_a_time(
    chunks: int, messages: int
) -> None:
    track, batch = MarkedTrack(RATE_HZ), MarkBatch()
    track.put(packet(CHUNK * chunks))
    counts = [len(batch.add(track.take()[1])) for _ in range(chunks)]
    assert counts[0] == 1
    counts.append(len(batch.add(None)))
    assert sum(counts) == messages

"""What was written stays as it was, or the chain says where it did not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.errors import BargeinError, Place
from bargein.tools.audit import (
    MAX_ARGUMENTS_BYTES,
    MAX_REASON_CHARACTERS,
    Event,
    Fact,
    Head,
    Seal,
    read_line,
)
from bargein.tools.audit_check import Fault, check, cut_behind, torn_reason
from bargein.tools.audit_show import to_table, wanted
from tests.tools.audit_scenes import AT, CALL, KEY, chain, raw

PLAIN, KEYED = Seal(), Seal(KEY)
Lines = list[bytes]
HALF = b'{"v":1,"seq":3,"at":"2026-'


def swapped(lines: Lines) -> Lines:
    return [lines[0], lines[2], lines[1], *lines[3:]]


def resealed(lines: Lines) -> Lines:
    """Change a line and make its hash anew, as anybody can where there is no key."""
    entry = read_line(lines[1]).entry.model_copy(update={"tool": "refund"})
    return [lines[0], PLAIN.line(entry)[0].rstrip(), *lines[2:]]


DEEDS: list[tuple[Callable[[Lines], Lines], int, Fault]] = [
    (lambda lines: [lines[0].replace(b"Graz", b"Linz"), *lines[1:]], 1, Fault.CHANGED),
    (lambda lines: [lines[0], lines[1].replace(b'"v":1', b'"v": 1'), *lines[2:]], 2, Fault.CHANGED),
    (resealed, 3, Fault.CHANGED),
    (lambda lines: [*lines[:2], b"garbage", *lines[3:]], 3, Fault.CHANGED),
    (lambda lines: [lines[0], *lines[2:]], 2, Fault.MISSING),
    (lambda lines: lines[1:], 1, Fault.MISSING),
    (swapped, 2, Fault.REORDERED),
    (lambda lines: [*lines[:2], *lines[1:]], 3, Fault.REORDERED),
    (lambda lines: [*lines, lines[0]], 6, Fault.REORDERED),
]


def test_a_chain_that_nobody_touched_holds() -> None:
    for seal in (PLAIN, KEYED):
        found = check(raw(chain(seal=seal)), seal)
        assert (found.broken, found.head.seq) == (None, len(CALL))
        assert [line.entry.event for line in found.lines] == [fact.event for fact in CALL]


@pytest.mark.parametrize(("deed", "number", "fault"), DEEDS)
def test_what_is_done_to_it_shows_at_its_line(
    deed: Callable[[Lines], Lines], number: int, fault: Fault
) -> None:
    broken = check(raw(deed(chain())), PLAIN).broken
    assert broken
    assert (broken.place.line, broken.fault) == (number, fault), str(broken)


@given(data=st.data())
def test_no_byte_of_it_can_be_another_one(data: st.DataObject) -> None:
    lines = chain()
    index = data.draw(st.integers(0, len(lines) - 1))
    at = data.draw(st.integers(0, len(lines[index]) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != lines[index][at]))
    lines[index] = lines[index][:at] + bytes([other]) + lines[index][at + 1 :]
    assert check(raw(lines), PLAIN).broken


def test_a_line_that_is_cut_off_at_the_end_is_named_so() -> None:
    lines = chain()
    broken = check(raw([*lines[:-1], lines[-1][:50]], is_cut=True), PLAIN).broken
    assert broken
    assert (broken.place.line, broken.fault) == (5, Fault.CUT)


def test_a_half_line_that_the_next_one_vouches_for_breaks_nothing() -> None:
    lines = chain(CALL[:2])
    segment = Fact(Event.SEGMENT, reason=torn_reason(HALF, PLAIN))
    later = chain([segment, *CALL[2:]], head=read_line(lines[-1]).head)
    found = check(raw([*lines, HALF, *later]), PLAIN)
    assert found.broken is None
    assert found.notes == ["audit.jsonl:3: half a line, as was noticed"]
    other = check(raw([*lines, HALF + b"x", *later]), PLAIN).broken
    assert other
    assert other.fault is Fault.CHANGED


def test_an_end_that_was_cut_off_shows_only_to_who_kept_its_hash() -> None:
    lines = chain()
    head = check(raw(lines), PLAIN).head.hash
    left = check(raw(lines[:-2]), PLAIN)
    assert left.broken is None
    missing = cut_behind(left, head, Place("audit.jsonl"))
    assert missing
    assert missing.fault is Fault.MISSING
    assert cut_behind(check(raw(lines), PLAIN), head, Place("audit.jsonl")) is None


def test_a_later_part_holds_behind_the_hash_of_the_one_before() -> None:
    lines = chain()
    after = read_line(lines[1]).hash
    assert check(raw(lines[2:]), PLAIN, after=after).broken is None
    assert check(raw(lines[3:]), PLAIN, after=after).broken


def test_who_has_no_key_can_make_no_chain_that_holds() -> None:
    forged = chain()
    for lines, seal in [(forged, KEYED), (chain(seal=KEYED), PLAIN)]:
        broken = check(raw(lines), seal).broken
        assert broken
        assert broken.fault is Fault.OTHER_SEAL
    broken = check(raw(chain(seal=Seal(b"another key, long enough"))), KEYED).broken
    assert broken
    assert broken.fault is Fault.CHANGED


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def test_arguments_that_no_json_holds_stop_nothing() -> None:
    round_and_round: list[Any] = []
    round_and_round.append(round_and_round)
    for arguments in (nested(100_000), round_and_round, {("a", "b"): 1}):
        (line,) = chain([Fact(Event.REFUSED, arguments=arguments)])
        assert read_line(line).entry.arguments_bytes == 0


UNREAD = [
    '{"city": "Gr',
    b"\xff\xfe",
    {"text": "x" * MAX_ARGUMENTS_BYTES},
]


@pytest.mark.parametrize("arguments", UNREAD, ids=["text", "bytes", "too long"])
def test_arguments_that_nobody_could_mask_are_size_and_digest(arguments: Any) -> None:
    line, _ = PLAIN.line(
        Fact(Event.REFUSED, arguments=arguments).entry(at=AT, behind=Head(), seal=PLAIN)
    )
    told = json.loads(line)
    assert "arguments" not in told
    assert told["arguments_bytes"] > 0
    assert told["arguments_digest"].startswith("sha256:")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"b": [1, None, {"ü": "€"}]}, {"b": [1, None, {"ü": "€"}]}),
        ({"half": "\ud800"}, {"half": "?"}),
        ({"none": math.nan}, {"none": "NaN"}),
        ({}, {}),
    ],
)
def test_arguments_are_read_again_as_they_were(arguments: Any, told: Any) -> None:
    line, _ = PLAIN.line(
        Fact(Event.PROPOSED, arguments=arguments).entry(at=AT, behind=Head(), seal=PLAIN)
    )
    assert read_line(line.rstrip()).entry.arguments == told


def test_what_a_vendor_or_an_llm_makes_too_long_is_cut() -> None:
    fact = Fact(Event.REFUSED, tool="t\udc00" * 500, reason="r" * 5000)
    entry = fact.entry(at=AT, behind=Head(), seal=PLAIN)
    assert len(entry.tool) <= 100
    assert len(entry.reason) == MAX_REASON_CHARACTERS
    assert read_line(PLAIN.line(entry)[0].rstrip()).entry == entry


SHOWN = [
    ({}, [1, 2, 3, 4, 5]),
    ({"tool": "book"}, [1, 2, 3]),
    ({"events": ["refused", "limit"]}, [4, 5]),
    ({"since": "2026-11-21T21:00"}, [1, 2, 3, 4, 5]),
    ({"since": "2026-11-21T22:00:01+01:00"}, []),
    ({"until": "2026-11-21"}, []),
    ({"session": "x"}, []),
    ({"identity": "", "tool": "transfer"}, [4]),
]


@pytest.mark.parametrize(("asked", "seqs"), SHOWN)
def test_one_sees_what_one_asks_for(asked: dict[str, Any], seqs: list[int]) -> None:
    lines = check(raw(chain()), PLAIN).lines
    assert [each.entry.seq for each in lines if wanted(**asked).takes(each.entry)] == seqs


@pytest.mark.parametrize("asked", [{"since": "yesterday"}, {"events": ["eaten"]}])
def test_what_can_not_be_asked_for_is_named(asked: dict[str, Any]) -> None:
    (option,) = asked
    with pytest.raises(BargeinError, match=f"--{option.removesuffix('s')}"):
        wanted(**asked)


def test_the_table_moves_no_cursor() -> None:
    evil = Fact(Event.PROPOSED, tool="\x1b[2Jbook", arguments={"a": "\x1b]0;x\x07"}, reason="\r\n")
    shown = to_table(check(raw(chain([evil])), PLAIN).lines)
    assert not any(each in shown for each in "\x1b\x07\r")
    assert len(shown.splitlines()) == 2

"""What the recogniser still says of a rejected sound is told from what comes after it."""

from __future__ import annotations

import pytest

from bargein.leftover import Leftover

INTERIM, FINAL = False, True
REJECTED = None
Heard = tuple[str, bool] | None


@pytest.mark.parametrize(
    ("heard", "counts"),
    [
        ([("uh", INTERIM), ("uh no", INTERIM)], ["uh", "uh no"]),
        ([("uh", INTERIM), REJECTED, ("uh", INTERIM), ("Uh,", FINAL)], ["uh", "", ""]),
        ([("uh", INTERIM), REJECTED, ("Uh, no", INTERIM)], ["uh", "no"]),
        ([("uh", INTERIM), REJECTED, ("uh no", FINAL), ("uh", FINAL)], ["uh", "no", "uh"]),
        ([("uh", FINAL), REJECTED, ("uh", INTERIM)], ["uh", "uh"]),
        ([("a", INTERIM), REJECTED, ("a  no", INTERIM), REJECTED, ("a no go", FINAL)],
         ["a", "no", "go"]),
        ([("uh", INTERIM), REJECTED, ("stop it", INTERIM)], ["uh", "stop it"]),
        ([REJECTED, (" two  teas", FINAL)], [" two  teas"]),
    ],
)  # fmt: skip
def test_only_what_was_told_of_a_rejected_sound_is_struck(
    heard: list[Heard], counts: list[str]
) -> None:
    leftover, given = Leftover(), []
    for each in heard:
        if each is REJECTED:
            leftover.reject()
        else:
            text, final = each
            given.append(leftover.strike(text, final=final))
    assert given == counts


def test_once_a_turn_is_open_all_that_comes_counts() -> None:
    leftover = Leftover()
    leftover.strike("uh", final=INTERIM)
    leftover.reject()
    leftover.forget()
    assert leftover.strike("uh no", final=FINAL) == "uh no"

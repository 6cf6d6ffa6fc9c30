"""Who gets into a room, where some are away and may come back."""

from __future__ import annotations

import pytest

from bargein.errors import ProtocolError
from bargein.transports.local.seats import Seats


def test_a_seat_is_given_back_once_however_often_that_is_said() -> None:
    seats = Seats(1)
    seat = seats.take()
    with pytest.raises(ProtocolError, match="full"):
        seats.take()
    seat.give_back()
    seat.give_back()
    assert seats.taken == 0


def test_who_hands_a_seat_on_has_none_to_give_back() -> None:
    seats = Seats(1)
    mine = seats.take()
    theirs = mine.hand_on()
    mine.give_back()
    assert seats.taken == 1
    theirs.give_back()
    assert seats.taken == 0


def test_the_seat_of_somebody_away_is_lent_once_and_is_not_for_a_stranger() -> None:
    seats = Seats(1)
    seats.take()
    seats.count_away = lambda: 1
    with pytest.raises(ProtocolError, match="full"):
        seats.take()
    lent = seats.take(lent=True)
    with pytest.raises(ProtocolError, match="full"):
        seats.take(lent=True)
    with pytest.raises(ProtocolError, match="full"):
        lent.hand_on()
    assert seats.taken == 1

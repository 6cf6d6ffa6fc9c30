"""Which device a name means; what is said where it means none, or several."""

from __future__ import annotations

import pytest

from bargein.errors import PartError
from bargein.pipelines.devices import described
from bargein.transports.device.cards import Card, End, choose

BOTH = frozenset(End)
CARDS = [
    Card(0, "HDA Intel PCH: ALC257 (hw:0,0)", "ALSA", 2, 2, 48_000),
    Card(1, "USB Headset: Audio (hw:1,0)", "ALSA", 1, 2, 44_100),
    Card(2, "default", "ALSA", 32, 32, 44_100, default_for=BOTH),
    Card(3, "HDMI 0", "ALSA", 0, 8, 48_000),
]
WINDOWS = [
    Card(0, "Headset", "MME", 1, 2, 44_100),
    Card(1, "Headset", "Windows WASAPI", 1, 2, 48_000, of_default_api=False),
]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (None, 2),
        ("", 2),  # `output: ${SPEAKER:-}`
        ("usb headset", 1),
        ("hw:0", 0),
        ("default", 2),
        ("HDMI 0", 3),
    ],
)
def test_a_part_of_the_name_is_enough(wanted: str | None, index: int) -> None:
    assert choose(CARDS, End.OUTPUT, wanted).index == index


@pytest.mark.parametrize(("wanted", "index"), [("headset", 0), ("Headset, Windows WASAPI", 1)])
def test_of_one_device_at_two_interfaces_the_default_one_is_meant(wanted: str, index: int) -> None:
    assert choose(WINDOWS, End.INPUT, wanted).index == index


@pytest.mark.parametrize(
    ("cards", "end", "wanted", "said"),
    [
        (CARDS, End.INPUT, "HDMI", "no microphone has 'HDMI' in its name. There is: 'HDA Intel"),
        (CARDS, End.OUTPUT, "hw:", "may mean 'HDA Intel PCH: ALC257 (hw:0,0)'; 'USB Headset"),
        (CARDS[:2], End.INPUT, None, "names no microphone of its own choice"),
        (CARDS[3:], End.INPUT, None, "this machine has no microphone"),
        ([], End.OUTPUT, "USB", "this machine has no loudspeaker"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(
    cards: list[Card], end: End, wanted: str | None, said: str
) -> None:
    with pytest.raises(PartError) as caught:
        choose(cards, end, wanted)
    assert said in str(caught.value)


def test_the_list_shows_what_to_write() -> None:
    text = described(CARDS)
    rows = [line.split() for line in text.splitlines()]
    assert ["USB", "Headset:", "Audio", "(hw:1,0),", "ALSA", "1", "2", "44100"] in rows
    assert ["default,", "ALSA", "32", "32", "44100", "microphone", "and", "loudspeaker"] in rows
    assert text.endswith('  use: device\n  input: "default"\n  output: "default"\n')

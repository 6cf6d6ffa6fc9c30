"""What random conversations found, each as short as it could be made; every one broke a rule."""

from __future__ import annotations

import pytest

from bargein.client.client import ClientSettings
from bargein.rehearsal.network import NetworkSettings
from tests.fire.bot import Speech
from tests.fire.deeds import failure
from tests.fire.world import Deed, Setting

FAST_VOICE = Speech(utterances=((5,), (5, 1, 3, 2, 4, 4)), speed=4)
LONG_VOICE = Speech(utterances=((6, 5, 4, 4, 5), (6, 5, 5, 3)), speed=20)
BAD = NetworkSettings(delay_ms=20, jitter_ms=100, loss=0.5, duplicate=0.3, reorder=0.3)

MANY = Speech(utterances=((1,),) * 12, speed=20)

CASES: list[tuple[str, Setting, list[Deed]]] = [
    (
        "what was heard after the connection was lost is believed, although it is sent again",
        Setting(1019, ordered=True, client=ClientSettings(overlap="duck")),
        [
            ("outage", (1500.0,)),
            ("say", (FAST_VOICE,)),
            ("run", (1500.0,)),
            ("say", (Speech(utterances=((4, 5), (2, 1, 4, 6, 4, 2)), speed=1.5),)),
            ("run", (20.0,)),
            ("sound", ("speech", 300.0)),
            ("heal", ()),
            ("reconnect", (1200.0,)),
            ("run", (700.0,)),
        ],
    ),
    (
        "a verdict that is sent again does not bring back the floor of its time",
        Setting(4, ordered=True, network=BAD),
        [
            ("run", (1500.0,)),
            ("say", (LONG_VOICE,)),
            ("sound", ("speech", 100.0)),
            ("run", (100.0,)),
            ("sound", ("speech", 1200.0)),
            ("run", (400.0,)),
            ("end", ()),
        ],
    ),
    (
        "what was played to its end is not played again, however much was played since",
        Setting(1, ordered=True, client=ClientSettings(report_played=False)),
        [
            ("say", (MANY,)),
            ("say", (LONG_VOICE,)),
            ("run", (1500.0,)),
            ("sound", ("only the server hears it", 40.0)),
            ("run", (700.0,)),
            ("sound", ("only the client hears it", 40.0)),
            ("end", ()),
        ],
    ),
    (
        "a mute ends although nothing comes of the server any more",
        Setting(1, ordered=True),
        [
            ("say", (LONG_VOICE,)),
            ("run", (400.0,)),
            ("outage", (8000.0,)),
            ("sound", ("speech", 300.0)),
            ("run", (3500.0,)),
        ],
    ),
    (
        "a listener who heard nothing of the cut says so",
        Setting(53, ordered=False, client=ClientSettings(overlap="duck"), network=BAD),
        [("say", (LONG_VOICE,)), ("run", (100.0,)), ("interrupt", ()), ("end", ())],
    ),
    (
        "whoever comes back has heard nothing behind the place that it tells",
        Setting(602, ordered=True, client=ClientSettings(vad=False), network=BAD),
        [
            ("say", (Speech(utterances=((6, 3, 1, 1), (4,)), speed=1.5),)),
            ("run", (150.0,)),
            ("interrupt", ()),
            ("reconnect", (0.0,)),
            ("end", ()),
        ],
    ),
]


@pytest.mark.parametrize(
    ("setting", "deeds"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_what_once_broke_a_rule_breaks_it_no_more(setting: Setting, deeds: list[Deed]) -> None:
    assert failure(setting, deeds) is None

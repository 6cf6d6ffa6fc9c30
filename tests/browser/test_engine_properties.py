"""Whatever the order of speech, packets and verdicts: nothing is lost, repeated or stuck."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from bargein.floor import Floor
from bargein.protocol import Accepted, Contested, Ignored, Reason, Rejected, State

from .ramp import RAMP_SAMPLES, Stretch
from .scene import Scene

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHUNK_SAMPLES = 1920
OVERLAP_SAMPLES = 700
LONGER_THAN_A_LOST_VERDICT_MS = 4000
DEEDS = ("send", "send", "run", "run", "speak", "hush", "contest", "accept", "reject")
ODD_DEEDS = ("ignore", "say it again", "state", "late packet")


@dataclass
class Server:
    """The server's side of the scene, which keeps the rules but hears little."""

    scene: Scene
    epoch: int = 1
    utterance: int = 1
    sent: int = 0
    """Sent of this utterance under this epoch..."""
    length: int = 0
    """...and under any: an utterance never gets shorter."""
    verdict: Accepted | Rejected | None = None

    def do(self, deed: str) -> None:
        match deed:
            case "send":
                self.send()
            case "run":
                self.scene.run(130)
            case "speak":
                self.scene.speak()
            case "hush":
                self.scene.hush()
            case "contest":
                self.scene.hear(
                    Contested(epoch=self.epoch, utterance=self.utterance, verdict_deadline_ms=600)
                )
            case "accept":
                self.accept()
            case "reject":
                self.reject()
            case "ignore":
                self.scene.hear(Ignored(epoch=self.epoch, state=Floor.LISTENING))
            case "say it again" if self.verdict is not None:
                self.scene.hear(self.verdict)
            case "state":
                self.scene.hear(State(epoch=self.epoch, state=Floor.SPEAKING))
            case "late packet" if self.epoch > 1:
                self.scene.play(self.utterance, 0, CHUNK_SAMPLES, epoch=self.epoch - 1)

    def send(self, *, last: bool = False) -> None:
        first = max(0, self.sent - OVERLAP_SAMPLES)
        self.sent += CHUNK_SAMPLES
        if last:
            self.sent = max(self.sent, self.length)
        self.length = max(self.sent, self.length)
        self.scene.play(self.utterance, first, self.sent - first, epoch=self.epoch, last=last)

    def accept(self) -> None:
        self.epoch += 1
        self.verdict = Accepted(epoch=self.epoch, utterance=self.utterance, cut_samples=0)
        self.scene.hear(self.verdict)
        self.utterance += 1
        self.sent = self.length = 0

    def reject(self) -> None:
        self.epoch += 1
        told = [m["played_samples"] for m in self.scene.log("played") if self.is_current(m)]
        at = max(told, default=0)
        self.verdict = Rejected(
            epoch=self.epoch, utterance=self.utterance, at_sample=at, reason=Reason.ECHO
        )
        self.scene.hear(self.verdict)
        self.sent = at

    def is_current(self, message: dict[str, object]) -> bool:
        return message["utterance"] == self.utterance


def joins(before: Stretch, after: Stretch) -> bool:
    """The second goes on exactly where the first stopped, or is another utterance's beginning."""
    same = after.odd == before.odd and after.start == before.next
    return same or after.start == 0


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["mute", "duck"]), st.lists(st.sampled_from(DEEDS + ODD_DEEDS), max_size=20))
def test_nothing_is_lost_repeated_or_stuck(
    engine_page: Page, overlap: str, deeds: list[str]
) -> None:
    scene = Scene(engine_page, overlap=overlap)
    server = Server(scene)
    for deed in deeds:
        server.do(deed)
    scene.hush()
    server.send(last=True)
    scene.run(LONGER_THAN_A_LOST_VERDICT_MS)
    found = scene.stretches
    assert all(joins(before, after) for before, after in pairwise(found))
    assert scene.finished[-1]["utterance"] == server.utterance
    assert scene.finished[-1]["played_samples"] == server.sent
    assert found[-1].next == server.sent % RAMP_SAMPLES
    assert scene.phases[-1:] != ["contested"]

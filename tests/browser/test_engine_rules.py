"""The engine's rules, one scenario each: no audio, no clock, a VAD that hears what it is told.

Long, since it is one list of rules.
"""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page

from bargein.floor import Floor
from bargein.protocol import (
    Accepted,
    Contested,
    Ignored,
    Reason,
    Rejected,
    State,
)

from .ramp import DUCKED_GAIN
from .scene import Scene

pytestmark = pytest.mark.browser

QUANTUM_SAMPLES = 128
LEAD_IN_SAMPLES = 120
"""What follows a loss is led in over 5 ms."""


@pytest.fixture
def scene(engine_page: Page) -> Scene:
    return Scene(engine_page)


def rejected(at: int, *, epoch: int = 2, utterance: int = 1) -> Rejected:
    return Rejected(epoch=epoch, utterance=utterance, at_sample=at, reason=Reason.NO_SPEECH)


def accepted(cut: int, *, epoch: int = 2) -> Accepted:
    return Accepted(epoch=epoch, utterance=1, cut_samples=cut, heard_text="a", unheard_text="b")


def contested() -> Contested:
    return Contested(epoch=1, utterance=1, verdict_deadline_ms=600)


def interrupted(scene: Scene, samples: int = 24_000) -> int:
    """The bot speaks, the user too; gives the position at which the bot fell silent."""
    scene.play(1, 0, samples)
    scene.run(200)
    scene.speak()
    position: int = scene.log("truncate")[0]["played_samples"]
    return position


def test_detection_silences_the_quantum_in_which_it_happens(scene: Scene) -> None:
    position = interrupted(scene)
    (stretch,) = scene.stretches
    assert stretch.samples == position
    assert stretch.at + stretch.samples == scene.tape.at("detected") == scene.tape.at("silent")
    assert scene.log("bargein")[0]["quanta"] == 0


def test_a_truncate_repeats_every_100_ms_until_it_is_contested_and_then_every_500(
    scene: Scene,
) -> None:
    interrupted(scene)
    scene.run(320)
    assert len(scene.log("truncate")) == 4
    scene.hear(contested())
    scene.run(1100)
    gaps = np.diff([entry["ms"] for entry in scene.log("truncate")])
    assert np.allclose(gaps, [100, 100, 100, 500, 500], atol=6)


def test_after_a_rejection_the_next_sample_follows_whatever_is_sent_again(scene: Scene) -> None:
    position = interrupted(scene, samples=12_000)
    scene.hear(rejected(position))
    scene.play(1, position - 960, 9600, epoch=2)
    scene.play(1, 12_000, 1200, epoch=2, last=True)
    scene.run(600)
    before, after = scene.stretches
    assert after.start == before.next == position
    assert before.samples + after.samples == 13_200
    assert scene.log("played")[-1]["finished"]
    assert scene.phases == ["contested", "rejected"]


def test_after_acceptance_nothing_of_the_old_epoch_sounds(scene: Scene) -> None:
    position = interrupted(scene)
    scene.hear(accepted(position))
    scene.play(1, 24_000, 2400)
    scene.hush()
    (stretch,) = scene.stretches
    assert stretch.samples == position
    attempt = scene.log("bargein")[-1]
    assert (attempt["phase"], attempt["heardText"], attempt["cutSamples"]) == (
        "accepted",
        "a",
        position,
    )


def test_audio_that_overtakes_its_verdict_is_kept_for_it(scene: Scene) -> None:
    interrupted(scene)
    scene.hush()
    scene.play(2, 0, 4800, epoch=2, last=True)
    scene.hear(accepted(0))
    scene.run(300)
    _, reply = scene.stretches
    assert (reply.odd, reply.start, reply.samples) == (False, 0, 4800)


def test_a_reply_that_begins_while_the_user_speaks_is_contested_at_its_first_sample(
    scene: Scene,
) -> None:
    scene.speak()
    scene.play(1, 0, 4800)
    scene.run(100)
    assert scene.log("truncate")[0]["played_samples"] == 0
    assert scene.stretches == []
    scene.hear(rejected(0))
    scene.run(100)
    assert scene.stretches[0].start == 0
    assert len(scene.log("bargein")) == 2


def test_a_ducked_bot_goes_on_softly_and_truncates_follow_it(engine_page: Page) -> None:
    scene = Scene(engine_page, overlap="duck")
    first = interrupted(scene)
    scene.run(210)
    loud, soft = scene.stretches
    assert (loud.gain, soft.gain) == (1, DUCKED_GAIN)
    assert soft.start == loud.next == first
    positions = [entry["played_samples"] for entry in scene.log("truncate")]
    assert np.allclose(np.diff(positions), 2400, atol=2 * QUANTUM_SAMPLES)
    scene.hear(rejected(positions[-1]))
    scene.run(100)
    assert [stretch.gain for stretch in scene.stretches] == [1, DUCKED_GAIN, 1]
    assert scene.stretches[2].start == scene.stretches[1].next


def test_a_ducked_bot_stops_at_acceptance_and_says_where(engine_page: Page) -> None:
    scene = Scene(engine_page, overlap="duck")
    interrupted(scene)
    scene.run(150)
    scene.hear(accepted(0))
    scene.run(100)
    assert scene.log("played")[-1]["played_samples"] == scene.stretches[-1].next
    assert scene.stretches[-1].gain == DUCKED_GAIN


def test_a_contest_of_the_servers_own_mutes_and_is_answered_with_the_position(scene: Scene) -> None:
    scene.play(1, 0, 24_000)
    scene.run(200)
    scene.hear(contested())
    scene.run(100)
    (truncate,) = scene.log("truncate")
    assert (truncate["detected"], truncate["played_samples"]) == (False, scene.stretches[0].samples)
    scene.hear(rejected(truncate["played_samples"]))
    scene.run(100)
    assert scene.stretches[1].start == scene.stretches[0].next


def test_a_contest_of_an_utterance_that_is_over_is_answered_with_its_length(scene: Scene) -> None:
    scene.play(1, 0, 2400, last=True)
    scene.run(200)
    scene.hear(contested())
    assert scene.log("truncate")[0]["played_samples"] == 2400


def test_without_a_verdict_the_bot_plays_on_after_3_s(scene: Scene) -> None:
    interrupted(scene)
    scene.hear(contested())
    scene.run(3100)
    before, after = scene.stretches
    assert after.start == before.next
    assert scene.phases == ["contested", "lost"]
    begun, ended = scene.log("bargein")[0], scene.log("bargein")[-1]
    assert ended["ms"]["toVerdict"] == pytest.approx(3000, abs=6)
    assert begun["id"] == ended["id"]


def test_a_verdict_that_comes_after_all_still_holds(scene: Scene) -> None:
    position = interrupted(scene)
    scene.run(3100)
    scene.hear(accepted(position))
    scene.run(100)
    played = sum(stretch.samples for stretch in scene.stretches)
    assert played < 24_000
    assert scene.log("played")[-1]["played_samples"] == played


def test_an_ignored_truncate_drops_the_mute(scene: Scene) -> None:
    interrupted(scene)
    scene.hear(Ignored(epoch=1, state=Floor.LISTENING, reason="nobody spoke"))
    scene.run(100)
    before, after = scene.stretches
    assert after.start == before.next
    assert scene.phases == ["contested", "ignored"]


def test_the_verdict_of_an_earlier_attempt_does_not_settle_a_new_one(scene: Scene) -> None:
    position = interrupted(scene)
    scene.hear(rejected(position))
    scene.hush()
    scene.speak()
    scene.hear(rejected(position))
    scene.run(100)
    assert scene.log("bargein")[-1]["phase"] == "contested"
    assert scene.log("bargein")[-1]["id"] == 2


def test_speech_that_was_rejected_contests_nothing_until_a_new_onset(scene: Scene) -> None:
    scene.play(1, 0, 7200, last=True)
    scene.run(200)
    scene.speak()
    scene.hear(rejected(scene.log("truncate")[0]["played_samples"]))
    scene.play(2, 0, 24_000, epoch=2)
    scene.run(400)
    assert len(scene.stretches) == 3
    scene.hush()
    scene.speak()
    assert scene.log("truncate")[-1]["utterance"] == 2


def test_two_utterances_follow_each_other_without_a_gap_in_order_of_their_ids(scene: Scene) -> None:
    scene.play(2, 0, 2400, last=True)
    scene.play(1, 0, 2500, last=True)
    scene.run(400)
    first, second = scene.stretches
    assert (first.odd, second.odd) == (True, False)
    assert second.at == first.at + 2500
    assert [entry["utterance"] for entry in scene.finished] == [1, 2]


def test_an_utterance_begins_when_40_ms_of_it_are_there(scene: Scene) -> None:
    scene.play(1, 0, 959)
    scene.run(50)
    assert scene.stretches == []
    scene.play(1, 959, 1)
    scene.run(20)
    assert len(scene.stretches) == 1


def test_a_starved_utterance_stands_still_and_the_underrun_is_told(scene: Scene) -> None:
    scene.play(1, 0, 2400)
    scene.run(300)
    scene.play(1, 2400, 2400, last=True)
    scene.run(200)
    before, after = scene.stretches
    assert after.start == before.next == 2400
    (underrun,) = scene.log("underrun")
    assert underrun["samples"] == after.at - before.at - before.samples


def test_silence_before_a_late_end_is_no_underrun(scene: Scene) -> None:
    scene.play(1, 0, 2400)
    scene.run(300)
    scene.play(1, 2400, 0, last=True)
    scene.run(20)
    assert scene.log("underrun") == []
    assert scene.log("played")[-1]["finished"]


def test_a_gap_is_closed_by_what_was_overtaken(scene: Scene) -> None:
    scene.play(1, 0, 2400)
    scene.play(1, 3600, 2400, last=True)
    scene.run(70)
    scene.play(1, 2400, 1200)
    scene.run(400)
    assert sum(stretch.samples for stretch in scene.stretches) == 6000


@pytest.mark.parametrize(
    ("known_ms", "gap_ms", "silence_ms", "concealed_ms"),
    [(0, 20, 80, 20), (30, 20, 50, 20), (100, 20, 0, 20), (100, 200, 0, 200), (0, 1_000, 80, 500)],
)
def test_a_gap_that_stays_is_concealed_in_its_length_after_80_ms_of_patience(
    scene: Scene, known_ms: int, gap_ms: int, silence_ms: int, concealed_ms: int
) -> None:
    behind = 4800 + gap_ms * 24
    scene.play(1, 0, 4800)
    scene.run(200 - known_ms)
    scene.play(1, behind, 2400, last=True)
    scene.run(known_ms + silence_ms + concealed_ms + 200)
    before, after = scene.stretches[0], scene.stretches[-1]
    assert (before.next, after.next) == (4800, behind + 2400)
    assert after.end - before.end == pytest.approx(
        (silence_ms + concealed_ms + 100) * 24, abs=2 * 128
    )
    assert after.samples == 2400 - LEAD_IN_SAMPLES
    (underrun,) = scene.log("underrun")
    assert underrun["lost"] == gap_ms * 24
    assert underrun["samples"] == pytest.approx(silence_ms * 24, abs=2 * 128)


def test_a_gap_behind_a_gap_has_its_own_patience(scene: Scene) -> None:
    scene.play(1, 0, 2400)
    scene.play(1, 2880, 480)
    scene.run(90)
    scene.play(1, 2400, 480)
    scene.play(1, 3840, 480, last=True)
    scene.run(75)
    scene.play(1, 3360, 480)
    scene.run(200)
    assert sum(stretch.samples for stretch in scene.stretches) == 4320


def test_an_utterance_whose_end_was_lost_makes_room_for_the_next(scene: Scene) -> None:
    scene.play(1, 0, 2400)
    scene.play(2, 0, 2400, last=True)
    scene.run(900)
    assert [stretch.odd for stretch in scene.stretches] == [True, False]


def test_an_empty_utterance_is_finished_at_once(scene: Scene) -> None:
    scene.play(1, 0, 0, last=True)
    scene.run(20)
    assert len(scene.finished) == 1


def test_an_utterance_that_is_sent_again_after_its_end_is_answered_not_played(scene: Scene) -> None:
    scene.play(1, 0, 2400, last=True)
    scene.run(200)
    scene.play(1, 1200, 1200, last=True)
    scene.run(200)
    assert len(scene.stretches) == 1
    assert [entry["played_samples"] for entry in scene.finished] == [2400, 2400]


def test_played_is_told_every_200_ms_and_at_each_stop(scene: Scene) -> None:
    position = interrupted(scene)
    told = [entry["played_samples"] for entry in scene.log("played")]
    assert told[-1] == position
    scene.hear(rejected(position))
    scene.run(650)
    later = [entry["ms"] for entry in scene.log("played")][len(told) :]
    assert np.allclose(np.diff(later), 200, atol=6)


def test_when_the_connection_is_lost_what_is_here_plays_on(scene: Scene) -> None:
    interrupted(scene)
    scene.call("loseConnection")
    scene.run(100)
    assert scene.stretches[1].start == scene.stretches[0].next
    assert scene.phases == ["contested", "lost"]


@pytest.mark.parametrize("newer", ["state", "packet"])
def test_a_lost_verdict_is_asked_for_until_it_comes(scene: Scene, newer: str) -> None:
    position = interrupted(scene)
    if newer == "state":
        scene.hear(State(epoch=2, state=Floor.LISTENING))
    else:
        scene.play(2, 0, 4800, epoch=2, last=True)
    scene.run(650)
    assert [entry["epoch"] for entry in scene.log("ping")] == [1, 1]
    scene.hear(accepted(position))
    scene.run(650)
    assert len(scene.log("ping")) == 2
    assert scene.phases[:2] == ["contested", "accepted"]


def test_a_rejection_behind_a_verdict_that_was_lost_drops_what_may_be_stale(scene: Scene) -> None:
    position = interrupted(scene)
    scene.hear(rejected(position, epoch=3))
    scene.run(100)
    assert len(scene.stretches) == 1
    scene.play(1, 0, 24_000, epoch=3, last=True)
    scene.run(200)
    before, after = scene.stretches
    assert after.start == before.next == position


def test_where_the_bot_was_cut_off_is_told_again_with_the_heartbeat(scene: Scene) -> None:
    position = interrupted(scene)
    scene.hear(accepted(position))
    scene.play(2, 0, 24_000, epoch=2)
    scene.run(300)
    scene.call("report")
    told = scene.log("played")[-1]
    assert (told["utterance"], told["played_samples"]) == (1, position)


def test_a_state_that_overtakes_its_verdict_does_not_replace_it(scene: Scene) -> None:
    position = interrupted(scene)
    scene.hear(State(epoch=2, state=Floor.LISTENING))
    scene.run(100)
    scene.hear(accepted(position))
    scene.run(400)
    assert scene.phases == ["contested", "accepted"]


def test_speech_that_ends_is_told_with_its_first_silent_window(scene: Scene) -> None:
    scene.speak()
    scene.hush()
    assert [entry["window_index"] for entry in scene.log("speech_ended")] == [1]


def test_a_session_that_is_taken_up_goes_on_where_it_was(engine_page: Page) -> None:
    scene = Scene(engine_page, resume={"utterance": 1, "played": 5000})
    scene.play(1, 4000, 4000, last=True)
    scene.run(300)
    (stretch,) = scene.stretches
    assert (stretch.start, stretch.samples) == (5000, 3000)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 16_000])
def test_at_another_rate_every_sample_is_counted(engine_page: Page, rate_hz: int) -> None:
    scene = Scene(engine_page, rateHz=rate_hz)
    scene.play(1, 0, 4800)
    scene.run(100)
    scene.play(1, 4800, 2400, last=True)
    scene.run(400)
    assert (
        scene.log("played")[-1] | {"played_samples": 7200, "finished": True}
        == scene.log("played")[-1]
    )
    sounding = np.flatnonzero(scene.tape.samples)
    assert np.ptp(sounding) == pytest.approx(7200 * rate_hz / 24_000, abs=3)
    # The ramp is a straight line, and stays one.
    middle = scene.tape.samples[sounding[0] + 200 : sounding[0] + 2000] * 32_768
    assert np.allclose(np.diff(middle), 24_000 / rate_hz, atol=0.2)

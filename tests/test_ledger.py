"""What a line says of a barge-in and of a turn, by the real arbiter and a clock of our own."""

from __future__ import annotations

import pytest

from bargein.endpointing import EndedBy
from bargein.floor import Heard
from bargein.latency import Stage
from bargein.ledger.barge_ins import MOST_REPEATS
from bargein.ledger.client_clock import ClientClock
from bargein.ledger.entries import Aftermath, BargeIn, Opener, Result
from bargein.ledger.privacy import without_words
from bargein.protocol import Ping, Played, SpokenWord, Words
from bargein.verdict import VerdictRules
from tests.ledger_scenes import BEGAN_MS, SILENCE, SPEECH, Scene, cut_at

QUIET = [SILENCE] * 20
LATER = [SILENCE] * 40


def accepted() -> Scene:
    """A second of silence, then the client's VAD fires, and it is speech."""
    scene = Scene()
    scene.hears(*QUIET, SPEECH)
    scene.truncate()
    scene.hears(*[SPEECH] * 6)
    return scene


def rejected() -> Scene:
    """The client's VAD fires, and it was a click."""
    scene = Scene()
    scene.hears(*QUIET, SPEECH)
    scene.truncate()
    scene.hears(*[SILENCE] * 10)
    return scene


def test_a_barge_in_that_is_accepted_is_a_line_with_what_was_lost() -> None:
    scene = accepted()
    scene.says("what about tea")
    scene.turn_ends(has_words=True)
    scene.hears(*LATER)
    (line,) = scene.barge_ins
    assert (line.result, line.reason, line.verdict_ms) == (Result.ACCEPTED, None, 128.0)
    assert (line.opened_by, line.utterance, line.at_sample) == (Opener.CLIENT_VAD, 3, 4800)
    assert line.at_stake
    assert (line.at_stake.heard_text, line.at_stake.unheard_text) == ("Our house", "blend")
    assert line.evidence
    assert (line.evidence.speech_ms, line.evidence.client_probability) == (160, 0.8)
    assert (line.aftermath, line.resumed) == (Aftermath.TURN, False)
    assert line.config == "0123456789abcdef"


def test_its_wall_time_is_for_people_and_all_else_counts_from_its_opening() -> None:
    scene = rejected()
    scene.hears(*LATER)
    (line,) = scene.barge_ins
    opened_ms = 21 * 32.0
    assert line.opened_ms == BEGAN_MS + opened_ms
    assert line.wall_time == "2026-01-02T03:04:05.672+00:00"
    assert line.inputs[0].at_ms == pytest.approx(-512)
    assert line.standing["processing_since_ms"] == -line.opened_ms
    assert line.inputs[-1].at_ms - (line.verdict_ms or 0) <= 1000


def test_a_rejected_one_tells_why_and_where_the_bot_goes_on() -> None:
    scene = rejected()
    scene.hears(*LATER)
    (line,) = scene.barge_ins
    assert (line.result, line.reason, line.aftermath) == (Result.REJECTED, "no_speech", None)
    assert line.at_stake
    assert (line.at_stake.at_sample, line.at_stake.unheard_text) == (4800, "")


def test_an_accepted_one_without_words_is_a_misfire_that_may_be_taken_up_again() -> None:
    scene = accepted()
    scene.turn_ends(has_words=False)
    scene.recorder.resumed()
    scene.hears(*LATER)
    (line,) = scene.barge_ins
    assert (line.aftermath, line.resumed) == (Aftermath.MISFIRE, True)


def test_repeats_are_counted_and_one_after_the_verdict_belongs_to_it() -> None:
    scene = rejected()
    scene.truncate(epoch=1)
    scene.hears(*LATER)
    (line,) = scene.barge_ins
    assert line.client
    assert line.client.truncates_ms == (0.0, 320.0)
    assert line.sent.contested_ms == (0.0,)


def test_a_truncate_that_does_not_apply_is_one_line_however_often_it_comes() -> None:
    scene = Scene(enabled=False)
    scene.hears(SILENCE)
    for _ in range(3):
        scene.truncate()
        scene.hears(SILENCE, SILENCE, SILENCE)
    scene.hears(*LATER)
    (line,) = scene.barge_ins
    assert (line.result, line.reason) == (Result.IGNORED, "this bot may not be interrupted")
    assert line.client
    assert len(line.client.truncates_ms) == 3
    assert line.sent.verdicts_ms == line.client.truncates_ms


def test_a_client_that_asks_in_vain_without_end_keeps_a_line_of_bounded_length() -> None:
    scene = Scene(enabled=False)
    for _ in range(3 * MOST_REPEATS):
        scene.hears(SILENCE)
        scene.truncate()
    scene.hears(*LATER)
    (line,) = scene.barge_ins
    assert line.client
    assert len(line.client.truncates_ms) == len(line.sent.verdicts_ms) == MOST_REPEATS


def test_a_client_without_a_vad_leaves_the_opening_to_the_server() -> None:
    scene = Scene()
    scene.hears(*QUIET, *[SPEECH] * 6)
    scene.turn_ends(has_words=True)
    scene.hears(*LATER)
    (line,) = scene.barge_ins
    assert (line.opened_by, line.client) == (Opener.SERVER_VAD, None)


def test_a_correction_of_the_cut_replaces_what_was_lost() -> None:
    scene = accepted()
    scene.recorder.cut(cut_at(4000, number=1, heard="Our", unheard="house blend"))
    scene.turn_ends(has_words=True)
    scene.hears(*LATER)
    (line,) = scene.barge_ins
    assert line.at_stake
    stake = line.at_stake
    assert (stake.at_sample, stake.heard_words, stake.corrected) == (4000, 1, True)


def test_a_session_that_ends_leaves_nothing_unwritten() -> None:
    scene = Scene()
    scene.hears(*QUIET, SPEECH)
    scene.truncate()
    scene.recorder.close()
    (line,) = scene.barge_ins
    assert (line.result, line.verdict_ms) == (Result.UNDECIDED, None)


def test_the_way_to_the_acknowledgement_is_an_estimate_with_its_error() -> None:
    scene = Scene()
    scene.recorder.received(Ping(clock_ms=1, round_trip_ms=30, offset_ms=BEGAN_MS - 100))
    scene.recorder.received(Ping(clock_ms=1, round_trip_ms=400, offset_ms=BEGAN_MS + 900))
    scene.hears(*QUIET, SPEECH)
    # Detected 120 ms ago by the client's clock, of which 100 were lost with the first message.
    scene.truncate(clock_ms=21 * 32 + 100 - 20, age_ms=100)
    scene.hears(*[SILENCE] * 10, *LATER)
    (line,) = scene.barge_ins
    assert line.client
    assert line.client.latency
    assert line.client.latency.detected_to_acknowledged_ms == 120
    assert line.client.latency.error_ms == 15
    assert line.client.latency.estimate


@pytest.mark.parametrize(
    ("enabled", "speech_ms", "result"),
    [(True, 32, Result.REJECTED), (True, 192, Result.ACCEPTED), (False, 192, Result.IGNORED)],
)
def test_each_truncate_tells_the_way_to_its_answer_also_where_the_verdict_is_there_at_once(
    enabled: bool, speech_ms: int, result: Result
) -> None:
    scene = Scene(enabled=enabled)
    scene.recorder.received(Ping(clock_ms=1, round_trip_ms=30, offset_ms=BEGAN_MS))
    scene.hears(*QUIET)
    # The server has heard so much already: nobody told it of windows, like a VAD of one's own.
    scene.arbiter.speech_ms = speech_ms
    scene.truncate(clock_ms=scene.now_ms - BEGAN_MS - 40)
    scene.hears(*LATER)
    scene.recorder.close()
    (line,) = scene.barge_ins
    assert line.result is result
    assert line.client
    assert line.client.latency
    assert line.client.latency.detected_to_acknowledged_ms == 40


def test_without_a_ping_nobody_knows_how_long_the_way_is() -> None:
    assert ClientClock().latency(5, 10) is None


def test_a_turn_tells_each_stage_from_its_end_of_speech_to_the_first_sound() -> None:
    scene = accepted()
    scene.says("what about tea")
    scene.hears(*[SILENCE] * 13)
    scene.recorder.turn_over(EndedBy.SILENCE)
    scene.turn_ends(has_words=True)
    scene.bot(Heard.REPLY_BEGUN)
    scene.recorder.stage(Stage.FIRST_TOKEN)
    scene.hears(SILENCE)
    scene.recorder.stage(Stage.FIRST_TTS_AUDIO)
    scene.recorder.sent_audio(4)
    scene.recorder.sounds(4, 192)
    words = (SpokenWord(text="We", start_sample=0, end_sample=99),)
    scene.recorder.sent(Words(utterance=4, words=words))
    scene.bot(Heard.BOT_STARTED)
    scene.hears(SILENCE, SILENCE)
    scene.recorder.received(Played(utterance=4, played_samples=768))
    scene.bot(Heard.BOT_FINISHED)
    scene.hears(*LATER)
    turn = scene.turns[-1]
    stages = turn.stages
    assert (turn.transcript, turn.ended_by, turn.barge_in) == ("what about tea", "silence", 1)
    assert (turn.heard_text, turn.unheard_text, turn.interrupted) == ("We", "", False)
    assert (stages.onset, stages.speech_ended) == (-160, 64)
    assert (stages.endpoint, stages.first_token) == (480, 480)
    assert (stages.first_tts_audio, stages.first_audio_sent) == (512, 512)
    assert (stages.playout_began, stages.first_audio_heard) == (544, 552)
    assert turn.response_ms == 488
    assert stages.reply_ended == 576


def test_what_the_bot_says_unasked_is_a_line_without_an_onset() -> None:
    scene = Scene()
    scene.recorder.sent_audio(1)
    words = (SpokenWord(text="Hello.", start_sample=0, end_sample=99),)
    scene.recorder.sent(Words(utterance=1, words=words))
    scene.bot(Heard.BOT_FINISHED)
    scene.hears(*LATER)
    (turn,) = scene.turns
    assert (turn.heard_text, turn.stages.onset, turn.ended_by) == ("Hello.", None, None)


def test_the_reply_that_a_barge_in_cuts_belongs_to_the_turn_before() -> None:
    scene = Scene()
    scene.recorder.sent_audio(3)
    scene.hears(*QUIET, SPEECH)
    scene.truncate()
    scene.hears(*[SPEECH] * 6)
    # What still comes of the reply that was cut off says nothing of the new turn.
    scene.bot(Heard.REPLY_EMPTY)
    scene.hears(*LATER)
    scene.recorder.close()
    before, turn = scene.turns
    assert (before.interrupted, before.heard_text) == (True, "Our house")
    assert (turn.interrupted, turn.ended_by, turn.stages.reply_ended) == (False, "session", None)


def test_words_can_be_left_out_and_what_they_weighed_stays() -> None:
    scene = Scene(VerdictRules(min_words=2))
    scene.hears(*QUIET, SPEECH)
    scene.truncate()
    scene.says("mm-hm. Secret", final=False)
    scene.hears(*[SILENCE] * 10, *LATER)
    line = without_words(scene.barge_ins[0])
    assert isinstance(line, BargeIn)
    assert line.evidence
    assert line.evidence.words == ("mm-hm.", "*")
    assert "Secret" not in str(line.model_dump_json())
    assert [each.facts["words"] for each in line.inputs if each.input == "words"] == [
        ("mm-hm.", "*")
    ]

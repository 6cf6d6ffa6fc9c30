"""What the ledger says of an answer's latency, of predictions, and of a session as a whole."""

from __future__ import annotations

import json

import pytest

from bargein.endpointing import EndedBy
from bargein.floor import Floor, Heard
from bargein.latency import Stage
from bargein.ledger.entries import Line, Result, Turn
from bargein.ledger.privacy import without_words
from bargein.ledger.reporter import Answered, Reporter
from bargein.protocol import Played, SpokenWord, Words
from bargein.speculation import Because, Outcome, Prediction, Resolved
from tests.ledger_scenes import SILENCE, SPEECH, Scene

PAUSE = [SILENCE] * 10
LATER = [SILENCE] * 40
WINDOW_MS = 32


class Notes(Reporter):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.answers: list[Answered] = []
        self.turns: list[tuple[EndedBy, bool]] = []
        self.verdicts: list[tuple[Result, str]] = []
        self.outcomes: list[Outcome] = []

    def answered(self, answered: Answered) -> None:
        self.answers.append(answered)

    def turn_ended(self, ended_by: EndedBy, *, has_words: bool) -> None:
        self.turns.append((ended_by, has_words))

    def judged(self, result: Result, reason: str) -> None:
        self.verdicts.append((result, reason))

    def resolved(self, resolved: Resolved) -> None:
        self.outcomes.append(resolved.outcome)


def asked(text: str = "a table for two", *, keeps: bool = True) -> tuple[Scene, Notes]:
    """The bot is silent; the user has asked for something and is silent since one pause."""
    reporter = Notes()
    scene = Scene(reporter=reporter, keeps_lines=keeps, floor=Floor.IDLE)
    scene.hears(*[SILENCE] * 5, *[SPEECH] * 10, *PAUSE)
    if text:
        scene.says(text)
    return scene, reporter


def predict(scene: Scene, number: int, text: str = "a table for two") -> Prediction:
    prediction = Prediction(number, text, scene.now_ms, Because.PAUSE)
    scene.recorder.predicted(prediction)
    return prediction


def resolve(scene: Scene, prediction: Prediction, outcome: Outcome, saved_ms: float = 0) -> None:
    resolved = Resolved(
        prediction,
        outcome,
        scene.now_ms,
        prompt_tokens=100,
        completion_tokens=20,
        tool_calls=1,
        saved_ms=saved_ms,
    )
    scene.recorder.resolved(resolved)


def reply(scene: Scene, *stages: Stage) -> None:
    """One stage of the reply after the other, each a window of audio later."""
    for stage in stages:
        scene.hears(SILENCE)
        scene.recorder.stage(stage)


def plays(scene: Scene, utterance: int = 1, *, lead_ms: int = 0) -> None:
    """The reply goes to the client, which plays 96 ms of it; it begins with silence."""
    scene.recorder.sent_audio(utterance)
    scene.recorder.sounds(utterance, lead_ms * 24)
    words = (SpokenWord(text="Sure.", start_sample=0, end_sample=99),)
    scene.recorder.sent(Words(utterance=utterance, words=words))
    scene.bot(Heard.BOT_STARTED)
    scene.hears(*[SILENCE] * 4)
    scene.recorder.received(Played(utterance=utterance, played_samples=96 * 24))
    scene.bot(Heard.BOT_FINISHED)
    scene.hears(*LATER)


ALL = (Stage.FIRST_TOKEN, Stage.FIRST_CLAUSE, Stage.FIRST_TTS_AUDIO)


def test_a_turn_says_what_each_stage_added_to_the_response() -> None:
    scene, reporter = asked()
    scene.hears(SILENCE)
    scene.turn_ends(has_words=True)
    reply(scene, *ALL)
    plays(scene, lead_ms=40)
    turn = scene.turns[-1]
    assert turn.latency
    assert turn.latency.model_dump() == {
        "final_transcript": 10 * WINDOW_MS,
        "endpoint": WINDOW_MS,
        "first_token": WINDOW_MS,
        "first_clause": WINDOW_MS,
        "first_tts_audio": WINDOW_MS,
        "first_audio_sent": 0,
        "playout_began": WINDOW_MS,
        "first_audio_heard": 40,
    }
    assert turn.response_ms == 15 * WINDOW_MS + 40 == sum(turn.latency.model_dump().values())
    (answer,) = reporter.answers
    assert (answer.turn, answer.latency.total_ms) == (turn.number, turn.response_ms)
    assert not answer.speculated


def test_of_a_confirmed_prediction_the_stages_are_the_turns_and_add_nothing() -> None:
    scene, reporter = asked("")
    prediction = predict(scene, 1)
    reply(scene, *ALL)
    scene.says("a table for two")
    resolve(scene, prediction, Outcome.CONFIRMED, saved_ms=900)
    scene.turn_ends(has_words=True)
    plays(scene)
    turn = scene.turns[-1]
    assert turn.stages.first_token is not None
    assert turn.stages.endpoint is not None
    assert turn.stages.first_token < turn.stages.endpoint
    assert turn.latency
    assert (turn.latency.first_token, turn.latency.first_tts_audio) == (0, 0)
    assert turn.response_ms == 14 * WINDOW_MS
    assert (turn.saved_ms, turn.wasted_tokens) == (900, 0)
    (answer,) = reporter.answers
    assert (answer.speculated, answer.saved_ms) == (True, 900)


def test_what_a_confirmed_reply_reaches_later_is_the_turns_also_before_it_ends() -> None:
    scene, _ = asked()
    prediction = predict(scene, 1)
    reply(scene, Stage.FIRST_TOKEN)
    resolve(scene, prediction, Outcome.CONFIRMED)
    reply(scene, Stage.FIRST_CLAUSE)
    scene.turn_ends(has_words=True)
    reply(scene, Stage.FIRST_TTS_AUDIO)
    plays(scene)
    stages = scene.turns[-1].stages
    reached = (stages.first_token, stages.first_clause, stages.first_tts_audio)
    assert [None if at is None else at - reached[0] for at in reached if reached[0]] == [0, 32, 64]


def test_what_a_dropped_reply_had_under_way_is_no_stage_of_the_next_one() -> None:
    scene, _ = asked("")
    dropped = predict(scene, 1, "a table")
    reply(scene, Stage.FIRST_TOKEN)
    resolve(scene, dropped, Outcome.OTHER_WORDS)
    confirmed = predict(scene, 2)
    reply(scene, Stage.FIRST_CLAUSE, Stage.FIRST_TTS_AUDIO)
    reply(scene, *ALL)
    scene.says("a table for two")
    resolve(scene, confirmed, Outcome.CONFIRMED)
    scene.turn_ends(has_words=True)
    plays(scene)
    stages = scene.turns[-1].stages
    reached = [stages.first_token, stages.first_clause, stages.first_tts_audio]
    assert None not in reached
    assert reached == sorted(each for each in reached if each is not None)


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.CONFIRMED])
def test_of_a_dropped_prediction_the_stages_never_were(outcome: Outcome) -> None:
    scene, reporter = asked("")
    prediction = predict(scene, 1, "a table")
    reply(scene, *ALL)
    resolve(scene, prediction, outcome)
    scene.says("a table for two")
    scene.turn_ends(has_words=True)
    reply(scene, Stage.FIRST_TOKEN)
    plays(scene)
    turn = scene.turns[-1]
    assert (turn.stages.first_token or 0) > (turn.stages.endpoint or 0)
    assert (turn.stages.first_clause, turn.stages.first_tts_audio) == (None, None)
    assert (turn.wasted_tokens, turn.saved_ms) == (120, 0)
    (told,) = turn.predictions
    assert (told.number, told.outcome, told.words, told.because) == (1, outcome, 2, Because.PAUSE)
    assert (told.resolved_ms or 0) - told.at_ms == 3 * WINDOW_MS
    assert reporter.outcomes == [outcome]
    assert not reporter.answers[0].speculated


def test_of_several_predictions_only_the_confirmed_one_gives_its_stages() -> None:
    scene, _ = asked("")
    first = predict(scene, 1, "a table")
    reply(scene, Stage.FIRST_TOKEN, Stage.FIRST_CLAUSE)
    resolve(scene, first, Outcome.OTHER_WORDS)
    second = predict(scene, 2)
    reply(scene, Stage.FIRST_TOKEN)
    scene.says("a table for two")
    resolve(scene, second, Outcome.CONFIRMED, saved_ms=500)
    scene.turn_ends(has_words=True)
    plays(scene)
    turn = scene.turns[-1]
    assert [each.outcome for each in turn.predictions] == ["other_words", "confirmed"]
    assert turn.stages.first_token == turn.predictions[1].at_ms + WINDOW_MS
    assert (turn.stages.first_clause, turn.wasted_tokens, turn.saved_ms) == (None, 120, 500)


def test_a_voice_that_begins_with_silence_is_heard_behind_it() -> None:
    scene, reporter = asked()
    scene.turn_ends(has_words=True)
    scene.recorder.sent_audio(1)
    scene.recorder.sounds(1, 4800)
    scene.hears(*[SILENCE] * 5)
    scene.recorder.received(Played(utterance=1, played_samples=2400))
    assert reporter.answers == []
    scene.hears(*[SILENCE] * 5)
    scene.recorder.received(Played(utterance=1, played_samples=7200))
    (answer,) = reporter.answers
    assert answer.latency.added_ms[Stage.FIRST_AUDIO_HEARD] == 200


def test_what_the_bot_says_after_a_misfire_is_no_answer() -> None:
    scene, reporter = asked("")
    scene.turn_ends(has_words=False)
    plays(scene)
    assert scene.turns[-1].heard_text == "Sure."
    assert (scene.turns[-1].response_ms, reporter.answers) == (None, [])
    assert reporter.turns == [(EndedBy.OTHER, False)]


def test_a_turn_that_ends_on_partial_words_did_not_wait_for_the_final_ones() -> None:
    scene, _ = asked("two black")
    scene.recorder.words_stand()
    scene.says("coffees")
    scene.turn_ends(has_words=True)
    plays(scene)
    turn = scene.turns[-1]
    assert turn.transcript == "two black coffees"
    assert turn.latency
    assert (turn.latency.final_transcript, turn.latency.endpoint) == (None, 10 * WINDOW_MS)


def test_a_session_ends_with_its_figures() -> None:
    scene, _ = asked()
    resolve(scene, predict(scene, 1, "a"), Outcome.OTHER_WORDS)
    resolve(scene, predict(scene, 2), Outcome.CONFIRMED, saved_ms=700)
    scene.turn_ends(has_words=True)
    plays(scene)
    scene.recorder.close()
    end = scene.end
    assert (end.turns, end.misfires, end.answers) == (1, 0, 1)
    assert end.response_p50_ms == end.response_p95_ms == scene.turns[-1].response_ms
    did = end.speculation
    assert (did.predictions, did.hit_rate, did.wasted_calls) == (2, 0.5, 1)
    assert did.outcomes == {Outcome.OTHER_WORDS: 1, Outcome.CONFIRMED: 1}
    assert (did.prompt_tokens, did.completion_tokens, did.wasted_tokens) == (200, 40, 120)
    assert (did.saved_ms, did.tool_calls) == (700, 2)


@pytest.mark.parametrize(
    ("played_ms", "heard", "unheard"),
    [
        (0, "", "We open at nine."),
        (140, "We", "open at nine."),
        (160, "We open", "at nine."),
        (400, "We open at nine.", ""),
    ],
)
def test_who_leaves_in_the_middle_of_a_reply_heard_what_was_played_by_then(
    played_ms: int, heard: str, unheard: str
) -> None:
    scene, _ = asked()
    scene.turn_ends(has_words=True)
    scene.recorder.sent_audio(1)
    texts = ("We", "open", "at", "nine.")
    words = (
        SpokenWord(text=text, start_sample=n * 2400, end_sample=n * 2400 + 2400)
        for n, text in enumerate(texts)
    )
    scene.recorder.sent(Words(utterance=1, words=tuple(words)))
    scene.bot(Heard.BOT_STARTED)
    scene.recorder.received(Played(utterance=1, played_samples=played_ms * 24))
    scene.recorder.close()
    turn = scene.turns[-1]
    assert (turn.heard_text, turn.unheard_text) == (heard, unheard)
    assert (turn.heard_words, turn.unheard_words) == (len(heard.split()), len(unheard.split()))
    assert (turn.interrupted, turn.stages.reply_ended) == (False, None)


def test_without_a_ledger_no_line_is_kept_and_the_same_is_told() -> None:
    with_lines, without = asked(), asked(keeps=False)
    for scene, _ in (with_lines, without):
        resolve(scene, predict(scene, 1), Outcome.CONFIRMED)
        scene.turn_ends(has_words=True)
        reply(scene, *ALL)
        plays(scene)
        scene.hears(*[SPEECH] * 12)
        scene.recorder.close()
    assert without[0].lines == []
    assert with_lines[0].lines
    assert without[1].answers == with_lines[1].answers != []
    assert without[1].turns == with_lines[1].turns == [(EndedBy.OTHER, True)]
    assert not without[0].recorder.needs_standing


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize(
    ("sound", "verdict"),
    [
        ([SPEECH] * 6, (Result.ACCEPTED, "")),
        ([SILENCE] * 10, (Result.REJECTED, "no_speech")),
    ],
)
def test_each_verdict_is_told_once(
    keeps: bool, sound: list[float], verdict: tuple[Result, str]
) -> None:
    reporter = Notes()
    scene = Scene(reporter=reporter, keeps_lines=keeps)
    scene.hears(*PAUSE, SPEECH)
    scene.truncate()
    scene.hears(*sound)
    scene.truncate(epoch=1)
    scene.hears(*LATER)
    assert reporter.verdicts == [verdict]


def test_a_line_without_words_has_none_of_a_prediction() -> None:
    scene, _ = asked("")
    resolve(scene, predict(scene, 1, "my secret"), Outcome.EXPIRED)
    scene.recorder.close()
    full, end = without_words(scene.turns[-1]), without_words(scene.end)
    assert isinstance(full, Turn)
    assert (full.predictions[0].text, full.predictions[0].words) == ("", 2)
    assert "secret" not in full.model_dump_json() + end.model_dump_json()


def test_lines_of_older_versions_are_read_as_they_were() -> None:
    older = {
        "v": 1, "session": "s", "config": "c", "number": 4, "kind": "turn",
        "wall_time": "2026-11-21T12:40:50.249+00:00", "opened_ms": 4318888.875,
        "stages": {"speech_ended": 2520.125, "first_audio_heard": 3446.667},
        "response_ms": 926.542,
    }  # fmt: skip
    turn = Line.read(json.dumps(older))
    assert isinstance(turn, Turn)
    assert (turn.response_ms, turn.latency, turn.predictions) == (926.542, None, ())

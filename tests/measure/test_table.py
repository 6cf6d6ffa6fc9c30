"""Figures, rows and the table: what is missed is shown, what is missing says why."""

from __future__ import annotations

from bargein.latency import Stage
from bargein.measure.encounter import Encounter, SoundKind
from bargein.measure.figures import Figure, percentile
from bargein.measure.request import Answer, Meeting, Request, Sound
from bargein.measure.results import NO_PREDICTION, NOT_SEEN, figures_of
from bargein.measure.rows import KEYS, ROWS, meets, summary
from bargein.measure.table import Result, as_json, lines

BY_KEY = {row.key: row for row in ROWS}


def test_a_percentile_is_one_of_the_values() -> None:
    hundred = [float(n) for n in range(1, 101)]
    assert [percentile(hundred, each) for each in (50, 90, 99, 100)] == [50, 90, 99, 100]
    assert percentile([3.0, 1.0], 50) == 1.0
    assert percentile([3.0, 1.0], 99) == 3.0
    assert percentile([7.0], 50) == 7.0


def test_a_row_without_values_says_why_and_has_no_statistics() -> None:
    row = BY_KEY["vad_ms_per_window"]
    assert summary(row, Figure(reason="there is no node here")) == {
        "n": 0,
        "reason": "there is no node here",
    }
    assert meets(row, {"n": 0}) is None


def test_a_rate_is_a_share() -> None:
    row = BY_KEY["accepted_rate"]
    shown = summary(row, Figure((1, 1, 1, 0)))
    assert shown == {"n": 4, "value": 0.75}
    assert meets(row, shown) is False


def test_all_goals_of_a_row_must_hold() -> None:
    row = BY_KEY["onset_to_mute_ms"]
    assert meets(row, summary(row, Figure((50.0, 55.0, 100.0)))) is True
    assert meets(row, summary(row, Figure((50.0, 55.0, 111.0)))) is False
    assert meets(row, summary(row, Figure((61.0, 62.0, 63.0)))) is False


def met_as(kind: SoundKind, **more: object) -> Encounter:
    times = {"onset_ms": 1000.0, "offset_ms": 1500.0, "taken": False}
    return Encounter(**{"sound": "it", "kind": kind} | times | more)  # type: ignore[arg-type]


def test_figures_come_of_the_encounters_that_they_are_about() -> None:
    figures = figures_of(
        [
            met_as(
                SoundKind.SPEECH,
                taken=True,
                silent_ms=1060.0,
                detected_ms=1060.0,
                acknowledged_ms=1064.0,
                context_word_error=1,
                reply_ms=2000.0,
            ),
            met_as(SoundKind.SPEECH),
            met_as(SoundKind.NOISE, silent_ms=1030.0, audible_ms=1300.0, lost_samples=0),
            met_as(SoundKind.NOISE),
            met_as(SoundKind.BACKCHANNEL, taken=True, silent_ms=1500.0),
        ]
    )
    values = {key: figure.values for key, figure in figures.items() if figure.values}
    assert values == {
        "onset_to_mute_ms": (60.0,),
        "detect_to_silence_ms": (0.0,),
        "detect_to_ack_ms": (4.0,),
        "reject_to_audible_ms": (300.0,),
        "lost_samples": (0.0,),
        "context_word_error": (1.0,),
        "voice_to_voice_ms": (500.0,),
        "accepted_rate": (1.0, 0.0),
        "rejected_rate": (1.0, 1.0, 0.0),
    }
    assert all(figure.reason for figure in figures.values() if not figure.values)


OURS = Result("mine", {"onset_to_mute_ms": Figure((70.0, 71.0))}, {"bargein": "1"})
PEERS = [
    Result("theirs", {"onset_to_mute_ms": Figure((553.0,))}),
    Result("absent", {}, failure="not installed: uv sync --inexact --group peers"),
]


def test_the_table_shows_what_is_missed_and_peers_below() -> None:
    shown = list(lines(OURS, PEERS, ("onset_to_mute_ms",)))
    assert shown[1].endswith("p50 <= 60, p90 <= 110 MISSED")
    assert shown[3].split() == ["theirs", "1", "553", "553", "553"]
    assert "absent: not installed: uv sync --inexact --group peers" in shown


def test_the_json_has_the_rows_that_were_asked_for() -> None:
    told = as_json(OURS, KEYS)
    assert [key for key in told if key in KEYS] == list(KEYS)
    assert told["onset_to_mute_ms"] == {"n": 2, "p50": 70.0, "p90": 71.0, "p99": 71.0}
    assert told["client_bytes"] == {"n": 0, "reason": "not asked for"}


def test_requests_and_answers_travel_as_json() -> None:
    sound = Sound("click", SoundKind.NOISE, "", "1.wav", 30.0)
    request = Request("a.yaml", ("b=1",), "Hello.", (sound,), (Meeting(0, 1200.5, 7),), 3)
    assert Request.from_json(request.to_json()) == request
    answer = Answer(
        {"them": "2"},
        (met_as(SoundKind.NOISE, silent_ms=3.0),),
        {"voice_to_voice_ms": Figure(reason="no")},
        ("set so",),
    )
    assert Answer.from_json(answer.to_json()) == answer


def test_each_stage_has_a_row_and_an_answer_counts_where_it_went_through_it() -> None:
    seen = [
        met_as(SoundKind.SPEECH, added_ms={"endpoint": 200.0, "first_token": 0.0}),
        met_as(SoundKind.SPEECH, added_ms={"endpoint": 300.0}),
        met_as(SoundKind.SPEECH, added_ms={}),
    ]
    figures = figures_of(seen)
    assert {f"stage_{stage}_ms" for stage in Stage} <= figures.keys() & BY_KEY.keys()
    assert figures["stage_endpoint_ms"].values == (200, 300)
    assert figures["stage_first_token_ms"].values == (0,)
    assert figures["stage_first_clause_ms"].reason == "no answer went through this stage"
    assert figures["prediction_hit_rate"].reason == NO_PREDICTION


def test_of_predictions_the_hits_the_saving_and_the_waste_of_each_answer_are_told() -> None:
    answered = {"endpoint": 200.0}
    seen = [
        met_as(SoundKind.SPEECH, added_ms=answered, confirmed=1, saved_ms=900.0),
        met_as(SoundKind.SPEECH, added_ms=answered, wasted_calls=3, wasted_tokens=60),
        met_as(SoundKind.SPEECH, added_ms=answered),
        met_as(SoundKind.SPEECH, added_ms={}, wasted_calls=1, wasted_tokens=9),
    ]
    shown = {
        key: summary(BY_KEY[key], figure)
        for key, figure in figures_of(seen).items()
        if key in BY_KEY
    }
    assert shown["prediction_hit_rate"] == {"n": 5, "value": 0.2}
    assert shown["prediction_saved_ms"]["p50"] == 900
    assert shown["wasted_calls"] == {"n": 3, "value": 1}
    assert shown["wasted_tokens"] == {"n": 3, "value": 20}


def test_what_is_inside_of_a_peer_is_not_seen() -> None:
    figures = figures_of([met_as(SoundKind.SPEECH, taken=True)])
    assert figures["stage_endpoint_ms"].reason == figures["wasted_calls"].reason == NOT_SEEN

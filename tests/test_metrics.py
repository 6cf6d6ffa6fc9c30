"""What Prometheus reads of a room, and who may read it."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bargein.endpointing import EndedBy
from bargein.failover import Cause, FailedOver
from bargein.latency import Stage, latency
from bargein.ledger.entries import Result
from bargein.ledger.reporter import Answered
from bargein.speculation import Because, Outcome, Prediction, Resolved
from bargein.transports.local.conversations import Conversations
from bargein.transports.local.metrics import RoomMetrics
from bargein.transports.local.room import LocalRoom
from bargein.transports.local.seats import Seats
from bargein.transports.local.server import LocalServer

SECRET = "my number is five five five"


async def nobody(*_: object) -> None:
    """Serve no conversation."""


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Each sample by its name and its labels' values, in the order of their names."""
    families = list(text_string_to_metric_families(text))
    return {
        (each.name, *(each.labels[name] for name in sorted(each.labels))): each.value
        for family in families
        for each in family.samples
    }


def after_a_conversation() -> RoomMetrics:
    """One answer of 250 ms, a rejected and an accepted barge-in, a wrong and a right prediction."""
    metrics = RoomMetrics(lambda: 2)
    made_of = latency(0, {Stage.ENDPOINT: 190, Stage.FIRST_TOKEN: 0, Stage.FIRST_AUDIO_HEARD: 250})
    assert made_of
    metrics.answered(Answered(1, made_of, speculated=True, saved_ms=800))
    metrics.turn_ended(EndedBy.SMART_TURN, has_words=True)
    metrics.turn_ended(EndedBy.SILENCE, has_words=False)
    metrics.judged(Result.ACCEPTED, "")
    metrics.judged(Result.REJECTED, "echo")
    for number, outcome in enumerate((Outcome.OTHER_WORDS, Outcome.CONFIRMED), start=1):
        prediction = Prediction(number, SECRET, 0, Because.PAUSE)
        right = outcome is Outcome.CONFIRMED
        metrics.resolved(Resolved(prediction, outcome, 9, 100, 20, saved_ms=800 if right else 0))
    metrics.failed_over(FailedOver("some_llm", "other_llm", Cause.REFUSED, 9))
    return metrics


def test_all_that_happens_is_counted_in_seconds_and_by_words_of_this_program() -> None:
    text = after_a_conversation().text().decode()
    found = samples(text)
    wanted = {
        ("bargein_response_seconds_count",): 1,
        ("bargein_response_seconds_sum",): 0.25,
        ("bargein_response_seconds_bucket", "0.3"): 1,
        ("bargein_response_seconds_bucket", "0.2"): 0,
        ("bargein_response_stage_seconds_sum", "endpoint"): 0.19,
        ("bargein_response_stage_seconds_sum", "first_token"): 0,
        ("bargein_response_stage_seconds_sum", "first_audio_heard"): 0.06,
        ("bargein_response_stage_seconds_count", "first_clause"): 0,
        ("bargein_turns_total", "smart_turn", "yes"): 1,
        ("bargein_turns_total", "silence", "no"): 1,
        ("bargein_barge_ins_total", "none", "accepted"): 1,
        ("bargein_barge_ins_total", "echo", "rejected"): 1,
        ("bargein_predictions_total", "confirmed"): 1,
        ("bargein_predictions_total", "other_words"): 1,
        ("bargein_predictions_total", "expired"): 0,
        ("bargein_prediction_tokens_total", "prompt"): 200,
        ("bargein_prediction_tokens_total", "completion"): 40,
        ("bargein_wasted_tokens_total",): 120,
        ("bargein_saved_seconds_total",): 0.8,
        ("bargein_sessions",): 2,
        ("bargein_fail_overs_total", "refused", "some_llm", "other_llm"): 1,
    }
    assert {key: found[key] for key in wanted} == pytest.approx(wanted)
    assert SECRET not in text


def test_each_room_counts_for_itself() -> None:
    after_a_conversation()
    other = samples(RoomMetrics(lambda: 0).text().decode())
    assert other[("bargein_response_seconds_count",)] == 0


HERE, ELSEWHERE = "127.0.0.1", "192.168.1.7"


@pytest.mark.parametrize(
    ("metrics", "client", "host", "headers", "status"),
    [
        (None, HERE, "127.0.0.1:7860", {}, 200),
        (None, HERE, "localhost:7860", {}, 200),
        (None, "::1", "[::1]:7860", {}, 200),
        (None, ELSEWHERE, "192.168.1.2:7860", {}, 403),
        (None, HERE, "127.0.0.1:7860", {"X-Forwarded-For": "8.8.8.8"}, 403),
        (None, HERE, "127.0.0.1:7860", {"Forwarded": "for=8.8.8.8"}, 403),
        # A page whose name was led to this machine reads as its own origin.
        (None, HERE, "evil.example:7860", {}, 403),
        (True, ELSEWHERE, "192.168.1.2:7860", {}, 200),
        (False, HERE, "127.0.0.1:7860", {}, 404),
    ],
)
async def test_strangers_read_the_metrics_only_where_the_config_says_so(
    metrics: bool | None, client: str, host: str, headers: dict[str, str], status: int
) -> None:
    room = LocalRoom(metrics=metrics)
    counted = None if metrics is False else after_a_conversation()
    seats = Seats(1)
    server = LocalServer(room, seats, Conversations(room, seats, nobody), metrics=counted)
    transport = httpx.ASGITransport(server.app, client=(client, 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as web:
        answer = await web.get("/metrics", headers={**headers, "Host": host})
    assert answer.status_code == status
    assert ("bargein_response_seconds" in answer.text) is (status == 200)

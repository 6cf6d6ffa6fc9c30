"""The figures of many encounters: the same for every system that is measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bargein.latency import Stage
from bargein.measure.encounter import Encounter, SoundKind
from bargein.measure.figures import Figure, of
from bargein.measure.rows import stage_key

NOT_SEEN = "this side of it can't be seen from outside"
NO_FALSE_ALARM = "no false alarm silenced the bot"
NO_FLOOR = "nothing took the floor"
NO_PREDICTION = "no reply was begun before its turn was over"


def figures_of(seen: Sequence[Encounter]) -> Mapping[str, Figure]:
    """Give the figures of all rows that come of encounters."""
    speech = [each for each in seen if each.kind is SoundKind.SPEECH]
    others = [each for each in seen if each.kind is not SoundKind.SPEECH]
    taken = [each for each in seen if each.taken]
    alarms = [each for each in seen if not each.taken and each.audible_ms is not None]
    return {
        "onset_to_mute_ms": of(
            [_since(each.onset_ms, each.silent_ms) for each in speech if each.taken], NO_FLOOR
        ),
        "detect_to_silence_ms": of(
            [_at_least_0(_since(each.detected_ms, each.silent_ms)) for each in seen], NOT_SEEN
        ),
        "detect_to_ack_ms": of(
            [_since(each.detected_ms, each.acknowledged_ms) for each in seen], NOT_SEEN
        ),
        "server_stop_ms": of(
            [_since(each.detected_ms, each.server_silent_ms) for each in seen], NOT_SEEN
        ),
        "reject_to_audible_ms": of(
            [
                _since(each.onset_ms, each.audible_ms)
                for each in alarms
                if each.kind is not SoundKind.SPEECH
            ],
            NO_FALSE_ALARM,
        ),
        "lost_samples": of([each.lost_samples for each in alarms], NO_FALSE_ALARM),
        "repeated_samples": of([each.repeated_samples for each in alarms], NO_FALSE_ALARM),
        "context_word_error": of(
            [each.context_word_error for each in taken],
            "no context to compare: its voice tells no word times" if taken else NO_FLOOR,
        ),
        "voice_to_voice_ms": of(
            [_since(each.offset_ms, each.reply_ms) for each in speech if each.taken],
            "the bot gave no answer",
        ),
        **_stages(seen),
        **_predictions(seen),
        "accepted_rate": of([each.taken for each in speech], "nobody spoke"),
        "rejected_rate": of([not each.taken for each in others], "there was no noise"),
    }


def _stages(seen: Sequence[Encounter]) -> dict[str, Figure]:
    inside = [each.added_ms for each in seen if each.added_ms is not None]
    missing = "no answer went through this stage" if inside else NOT_SEEN
    return {
        stage_key(stage): of([added_ms.get(stage) for added_ms in inside], missing)
        for stage in Stage
    }


def _predictions(seen: Sequence[Encounter]) -> dict[str, Figure]:
    """Nothing is wasted, nor saved, where no reply was begun early."""
    inside = any(each.added_ms is not None for each in seen)
    missing = NO_PREDICTION if inside else NOT_SEEN
    made = [each for each in seen if each.confirmed or each.wasted_calls]
    answered = [each for each in seen if each.added_ms] if made else []
    outcomes = [hit for each in made for hit in [1] * each.confirmed + [0] * each.wasted_calls]
    return {
        "prediction_hit_rate": of(outcomes, missing),
        "prediction_saved_ms": of([each.saved_ms for each in made if each.confirmed], missing),
        "wasted_calls": of([each.wasted_calls for each in answered], missing),
        "wasted_tokens": of([each.wasted_tokens for each in answered], missing),
    }


def rates_by_sound(seen: Iterable[Encounter]) -> dict[str, tuple[int, int]]:
    """How often each sound took the floor, and how often it was made."""
    counted: dict[str, tuple[int, int]] = {}
    for each in sorted(seen, key=lambda one: (one.kind, one.sound)):
        took, made = counted.get(each.sound, (0, 0))
        counted[each.sound] = took + each.taken, made + 1
    return counted


def _since(begin_ms: float | None, end_ms: float | None) -> float | None:
    return None if begin_ms is None or end_ms is None else end_ms - begin_ms


def _at_least_0(value: float | None) -> float | None:
    return None if value is None else max(0.0, value)

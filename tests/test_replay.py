"""A ledger is decided again: exactly as it was, or as other settings would have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from bargein.cli import main
from bargein.errors import BargeinError
from bargein.floor import Heard
from bargein.ledger.entries import BargeIn, Input, Line
from bargein.ledger.privacy import without_words
from bargein.pipelines.parameters import parameter_model
from bargein.processors.interruption import Interruption as InterruptionPart
from bargein.processors.vad import SileroVad as Vad
from bargein.protocol import SpokenWord, Words
from bargein.replay.again import Decision, Outcome, decide_again, recorded
from bargein.replay.settings import Interruption, SileroVad, read_changes
from bargein.verdict import VerdictRules
from tests.ledger_scenes import SILENCE, SPEECH, Scene

QUIET = [SILENCE] * 20
LATER = [SILENCE] * 45


def contested(*after: float, words: str = "", before: float = SPEECH) -> BargeIn:
    """The client's VAD fires, these windows follow, and then silence; words come in the middle."""
    scene = Scene()
    scene.hears(*QUIET, before)
    scene.truncate()
    middle = len(after) // 2
    scene.hears(*after[:middle])
    if words:
        scene.says(words)
    scene.hears(*after[middle:], *LATER)
    scene.recorder.close()
    return scene.barge_ins[0]


SPEAKS = contested(*[SPEECH] * 20)
CLICK = contested(*[SILENCE] * 4)
SHORT = contested(SPEECH, SPEECH, SPEECH)
SAYS_ONE_WORD = contested(SPEECH, SILENCE, words="wait")
BORDERLINE = contested(0.7, 0.7, 0.95, 0.7, 0.7, 0.7, before=0.7)


@pytest.mark.parametrize("entry", [SPEAKS, CLICK, SHORT, SAYS_ONE_WORD, BORDERLINE])
def test_without_changes_it_is_decided_as_it_was(entry: BargeIn) -> None:
    assert decide_again(entry) == recorded(entry)


@pytest.mark.parametrize(
    ("entry", "settings", "outcome", "reason", "at_ms"),
    [
        (SPEAKS, ["interruption.min_words=5"], Outcome.ACCEPTED, None, 128),
        (SPEAKS, ["silero_vad.min_speech_duration_ms=300"], Outcome.ACCEPTED, None, 288),
        (SPEAKS, ["silero_vad.probability_threshold=0.95"], Outcome.NOT_OPENED, None, None),
        (SPEAKS, ["interruption.barge_in_enabled=false"], Outcome.IGNORED, "this bot", None),
        (SHORT, ["silero_vad.min_speech_duration_ms=100"], Outcome.ACCEPTED, None, 96),
        (CLICK, ["interruption.quiet_ms=100"], Outcome.REJECTED, "no_speech", 128),
        (CLICK, ["interruption.quiet_ms=2000"], Outcome.REJECTED, "timeout", 600),
        (
            CLICK,
            ["interruption.quiet_ms=2000", "interruption.verdict_deadline_ms=300"],
            Outcome.REJECTED,
            "timeout",
            300,
        ),
        (
            CLICK,
            ["interruption.quiet_ms=2000", "interruption.verdict_deadline_ms=2500"],
            Outcome.UNDECIDED,
            "record ends",
            None,
        ),
        (SAYS_ONE_WORD, ["interruption.min_words=2"], Outcome.REJECTED, "no_speech", 256),
        (SAYS_ONE_WORD, ["interruption.trust_words=false"], Outcome.REJECTED, "no_speech", 256),
        (SAYS_ONE_WORD, ["interruption.backchannels=[wait]"], Outcome.REJECTED, "backchannel", 256),
    ],
)
def test_other_settings_decide_otherwise(
    entry: BargeIn, settings: list[str], outcome: Outcome, reason: str | None, at_ms: float | None
) -> None:
    decision = decide_again(entry, read_changes(settings))
    assert decision.outcome is outcome
    assert (decision.reason or "").startswith(reason or "")
    if at_ms is not None:
        assert decision.at_ms == at_ms


def test_a_client_with_a_higher_threshold_fires_where_a_window_reaches_it() -> None:
    decision = decide_again(BORDERLINE, read_changes(["silero_vad.probability_threshold=0.9"]))
    assert decision == Decision(Outcome.REJECTED, "no_speech", 96, 96 + 32 * 7)


@given(
    windows=st.lists(
        st.tuples(st.sampled_from([0.01, 0.4, 0.55, 0.66, 0.9]), st.integers(0, 4).map(bool)),
        min_size=1,
        max_size=60,
    ),
    truncate_at=st.none() | st.integers(0, 40),
    words_at=st.none() | st.integers(0, 40),
    trusted=st.booleans(),
    private=st.booleans(),
    client_has_vad=st.booleans(),
)
def test_whatever_was_recorded_is_decided_again_as_it_was(
    windows: list[tuple[float, bool]],
    truncate_at: int | None,
    words_at: int | None,
    trusted: bool,
    private: bool,
    client_has_vad: bool,
) -> None:
    rules = VerdictRules(trust_words=trusted, min_words=2)
    scene = Scene(rules, client_has_vad=client_has_vad)
    scene.hears(*QUIET)
    for n, (probability, heard) in enumerate(windows):
        if n == truncate_at:
            scene.truncate()
        if n == words_at:
            scene.says("okay now then")
        scene.hears(probability, is_echo=not heard)
        if n == 50:
            scene.bot(Heard.BOT_FINISHED)
    scene.recorder.close()
    same_vad = read_changes(["silero_vad.probability_threshold=0.65"])
    for line in scene.barge_ins:
        entry = without_words(line) if private else line
        assert isinstance(entry, BargeIn)
        if entry.result != "undecided":
            assert decide_again(entry) == recorded(entry)
            if entry is scene.barge_ins[0]:
                # The same threshold, but all windows scored anew.
                assert decide_again(entry, same_vad) == recorded(entry)
        else:
            assert decide_again(entry).outcome is Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("interruption.min_word=2", "Did you mean 'min_words'?"),
        ("interruption.min_words=two", "interruption.min_words: must be"),
        ("silero_vad.prefix_padding_ms=2", "there is no key 'prefix_padding_ms' here"),
        ("played_audio.lead_ms=2", "there is no key 'played_audio' here"),
        ("min_words", "Write address=value"),
        ("interruption.quiet_ms=-5", "interruption.quiet_ms: must be"),
        ("interruption.min_words=null", "interruption.min_words: must be"),
        ("interruption=", "interruption: must be"),
        ("silero_vad.probability_threshold=7", "silero_vad.probability_threshold: must be"),
    ],
)
def test_a_setting_that_cannot_be_replayed_is_refused(setting: str, says: str) -> None:
    with pytest.raises(BargeinError) as caught:
        read_changes([setting])
    assert says in str(caught.value)
    assert "What can be replayed: interruption." in str(caught.value)


@pytest.mark.parametrize(("replayed", "run"), [(Interruption, InterruptionPart), (SileroVad, Vad)])
def test_a_setting_has_the_bounds_that_it_has_in_the_yaml(
    replayed: type[BaseModel], run: type[object]
) -> None:
    known = parameter_model(run).model_json_schema()["properties"]
    for name, described in replayed.model_json_schema()["properties"].items():
        for bound in ("minimum", "maximum"):
            assert described.get(bound) == known[name].get(bound), name


def test_a_setting_may_be_written_as_for_run() -> None:
    changes = read_changes(["pipeline.interruption.verdict_deadline_ms=400"])
    assert changes.interruption == {"deadline_ms": 400}


def replayed(tmp_path: Path, lines: list[str], *arguments: str) -> Result:
    """Run the command on these lines."""
    path = tmp_path / "ledger.jsonl"
    path.write_text("".join(lines))
    return CliRunner().invoke(main, ["replay", str(path), *arguments])


def test_the_command_tells_what_changes_and_counts(tmp_path: Path) -> None:
    lines = [Line.write(SPEAKS), "\n", Line.write(CLICK)]
    result = replayed(tmp_path, lines, "--set", "silero_vad.min_speech_duration_ms=300")
    assert result.exit_code == 0
    assert "accepted at 128 ms -> accepted at 288 ms, 160 ms later" in result.output
    assert "2 barge-ins, 1 unchanged, 1 changed" in result.output
    assert "replayed           1         1          0       0    256 ms" in result.output


def test_it_tells_which_words_would_be_heard_and_which_lost(tmp_path: Path) -> None:
    scene = Scene()
    words = (
        SpokenWord(text="Our", start_sample=0, end_sample=4000),
        SpokenWord(text="blend.", start_sample=4000, end_sample=9000),
    )
    scene.recorder.sent(Words(utterance=3, words=words))
    scene.hears(*QUIET, SPEECH)
    scene.truncate()
    scene.hears(*LATER)
    stricter = replayed(tmp_path, [Line.write(SPEAKS)], "--set", "interruption.quiet_ms=64")
    assert "1 unchanged" in stricter.output
    never = replayed(tmp_path, [Line.write(SPEAKS)], "--set", "interruption.barge_in_enabled=false")
    assert 'would be heard: "blend"' in never.output
    eager = ["--set", "silero_vad.min_speech_duration_ms=32"]
    result = replayed(tmp_path, [Line.write(scene.barge_ins[0])], *eager)
    assert 'would be lost: "blend."' in result.output


def test_as_json_it_tells_the_same(tmp_path: Path) -> None:
    lines = [Line.write(SPEAKS), Line.write(CLICK)]
    result = replayed(tmp_path, lines, "--json", "--set", "interruption.quiet_ms=100")
    told = json.loads(result.output)
    assert told["summary"]["unchanged"] == 1
    assert told["summary"]["before"]["mean_verdict_ms"] == 176
    (changed,) = told["changed"]
    assert (changed["after"]["outcome"], changed["later_ms"]) == ("rejected", -96)


def test_bad_lines_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    other = CLICK.model_copy(update={"inputs": (Input(at_ms=0, input="__init__"),)})
    strange = CLICK.model_copy(update={"settings": {"interruption": {"quiet_ms": "long"}}})
    lines = ["{\n", Line.write(CLICK), '{"kind": "turn", "v": 2}\n', Line.write(other)]
    lines.append(Line.write(strange))
    result = replayed(tmp_path, lines)
    assert result.exit_code == 1
    assert "1 barge-ins, 1 unchanged" in result.stdout
    errors = result.stderr.splitlines()
    assert [error.split(":")[1] for error in errors] == ["1", "3", "4", "5"]
    assert "no line of a ledger of version 1" in errors[0]
    assert "another version of bargein" in errors[2]
    assert "another version of bargein: quiet_ms: " in errors[3]


def test_a_ledger_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["replay", str(tmp_path / "none.jsonl")])
    assert result.exit_code == 1
    assert "can't be read: No such file" in result.stderr

"""A scenario's file: what it may say, and how its mistakes are named."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from bargein.config.document import parse_table
from bargein.config.problems import Problem
from bargein.config.tree import to_data
from bargein.pipelines.scenarios import read_scenarios
from bargein.rehearsal.cues import read_cue
from bargein.rehearsal.scenario import Scenario, Written, read
from bargein.rehearsal.schema import json_schema

SHIPPED = Path(__file__).parents[2] / "configs" / "scenarios"
GOOD = """\
name: good
user:
  - {at_ms: 100, say: hello}
expect:
  - muted
"""


def written(text: str) -> tuple[Written | None, list[str]]:
    """What a file says, and what is wrong with it."""
    found: list[Problem] = []
    table = parse_table(text, "s.yaml", ".", found)
    read_as = read(table, Path("s.yaml"), found) if table else None
    return read_as, [str(problem) for problem in found]


def scenario(text: str) -> Scenario:
    """A file that is right."""
    read_as, found = written(text)
    assert not found
    assert read_as
    return read_as.scenario


def test_what_is_left_out_has_its_default() -> None:
    good = scenario(GOOD)
    assert good.network.delay_ms == 20
    assert good.client.vad
    assert good.expect[0].kind == "muted"


def test_each_expectation_knows_its_line() -> None:
    read_as, _ = written(GOOD + "  - count: {accepted: 0}\n")
    assert read_as
    assert [place.line for place in read_as.places] == [5, 6]


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("name: good", "nam: good", "s.yaml:1:1: there is no key 'nam' here. Did you mean 'name'?"),
        ("say: hello", "sya: hello", "s.yaml:3:18: user[0]: there is no key 'sya' here."),
        ("say: hello", "say: hello, play: a.wav", "user[0]: an act has one of `say`"),
        ("at_ms: 100, ", "", "user[0]: an act has either `at_ms` or `after`."),
        ("at_ms: 100", "after: bot_start", "s.yaml:3:6: user[0].after: nothing is called"),
        ("at_ms: 100", "after: bot_word", 'write bot_word("coffee").'),
        ("at_ms: 100", 'after: muted("x")', "write muted."),
        ("say: hello", "say: hello, for_ms: 20", "`for_ms` is for `noise`"),
        ("- muted", "- mutd", "s.yaml:5:5: expect[0]: there is no key 'mutd' here."),
        ("- muted", "- {muted: {}, lost_samples: 0}", "an expectation has one key."),
        ("- muted", "- rejected: {reason: coug}", "must be one of 'no_speech', 'echo'"),
        ("- muted", "- muted: {after: accepted}", "this needs `within_ms` or `at_least_ms`."),
        ("- muted", "- muted: {at_least_ms: 5}", "this needs `after`."),
        (
            "name: good",
            "name: good\nnetwork: {disconnect: [{at_ms: 9, for_ms: 2}, {at_ms: 10, for_ms: 1}]}",
            "disconnect[1]: this begins before the one above has ended.",
        ),
        ("- muted", "- heard: {utterance: 1}", "write `text`, `begins`, `ends` or `contains`."),
        ("- muted", "- floor", "'state' is missing"),
        ("- muted", "- lost_samples", "must be a whole number"),
        ("user:", "network: {loss: 2}\nuser:", "network.loss: must be at most 0.9, not 2."),
        ("user:", "client: {noise: {snr_db: 3}}\nuser:", "client.noise: write `kind` or `file`"),
    ],
)
def test_a_mistake_is_named_at_its_place(old: str, new: str, wrong: str) -> None:
    assert old in GOOD
    _, found = written(GOOD.replace(old, new))
    assert len(found) == 1, found
    assert wrong in found[0]


@pytest.mark.parametrize("text", ["connected", 'bot_word("What")', 'floor("idle")'])
def test_a_cue_is_written_as_it_is_read(text: str) -> None:
    assert str(read_cue(text)) == text


def test_a_cue_may_be_quoted_in_any_way() -> None:
    assert read_cue("bot_word('a')") == read_cue("bot_word(a)") == read_cue('bot_word( "a" )')


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_schema_takes_what_ships(path: Path) -> None:
    table = parse_table(path.read_text(), str(path), ".", [])
    assert table
    jsonschema.validate(to_data(table), json_schema())


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    schema = json_schema()
    for bad in ({}, {"name": "a", "expect": ["mutd"]}, {"name": "a", "expect": [], "usr": []}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


def test_all_mistakes_of_all_files_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\n")
    (tmp_path / "b.yaml").write_text("expect: [muted]\n")
    with pytest.raises(Exception, match=r"(?s)a\.yaml:1:1: 'expect'.*b\.yaml:1:1: 'name'"):
        read_scenarios([tmp_path])
    with pytest.raises(Exception, match="nowhere"):
        read_scenarios([tmp_path / "nowhere.yaml"])

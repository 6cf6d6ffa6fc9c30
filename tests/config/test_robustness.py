"""Whatever stands in a file, loading it ends with a configuration or with named problems."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bargein.config.document import parse
from bargein.config.overrides import override
from bargein.config.problems import InvalidConfigError, Problem
from bargein.config.tree import Table, plain_value
from bargein.pipelines.effective import to_yaml
from bargein.pipelines.load import load
from bargein.pipelines.registry import Registry

GOOD = """\
name: cafe
transport: {use: local, port: 80}
pipeline:
  - interruption
  - use: silero_vad
    probability_threshold: 0.7
  - {use: some_stt, words: [a, "b"], headers: {x: y}, anything: 3}
  - {use: scripted_llm, script: cafe.yaml, style: {warmth: 3}}
  - some_tts
  - played_audio
"""
PIECES = [
    "${",
    "}",
    ":",
    " ",
    "\n",
    "- ",
    "{",
    "[",
    "]",
    "'",
    '"',
    "&a ",
    "*a",
    "!x ",
    "\t",
    "|",
    "~",
]

in_one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)


@in_one_folder
@given(
    where=st.integers(0, len(GOOD)),
    cut=st.integers(0, 12),
    put=st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=4).map("".join),
)
@example(where=0, cut=len(GOOD), put="[" * 2_000)
@example(where=0, cut=len(GOOD), put="- " * 2_000)
@example(where=0, cut=len(GOOD), put="a: " + "9" * 5_000)
@example(where=6, cut=4, put='"\\ud800"')
def test_a_damaged_file_loads_or_is_explained(
    where: int, cut: int, put: str, registry: Registry
) -> None:
    path = Path("bot.yaml")
    path.write_text(GOOD[:where] + put + GOOD[where + cut :], "utf-8", "surrogatepass")
    problems: list[str] = []
    try:
        load(path, environ={}, registry=registry)
    except InvalidConfigError as error:
        problems = str(error).splitlines()
    assert all(problem.startswith("bot.yaml") for problem in problems)


@given(st.text())
def test_any_text_is_a_document_or_a_problem(text: str) -> None:
    found: list[Problem] = []
    node = parse(text, "a.yaml", "", found)
    assert node is not None or found


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_setting_is_taken_or_explained(address: str, value: str) -> None:
    found: list[Problem] = []
    node = parse(GOOD, "a.yaml", "", found)
    assert isinstance(node, Table)
    changed = override(node, f"{address}={value}", found)
    assert found or changed != node


@given(st.text() | st.integers().map(str) | st.floats().map(str))
def test_every_plain_text_has_a_value(text: str) -> None:
    value = plain_value(text)
    assert value is None or isinstance(value, (bool, int, float, str))


@in_one_folder
@given(greeting=st.text().filter(lambda text: text.isprintable()), words=st.lists(st.text()))
@example(greeting="no", words=["null", "1e3", "2024-01-01", "0o7", "=", "<<", "${A}", "$${A}"])
def test_what_takes_effect_is_written_so_that_it_reads_the_same(
    greeting: str, words: list[str], registry: Registry
) -> None:
    Path("bot.yaml").write_text(GOOD)
    listed = ", ".join(f"'{word}'" for word in words if word.isprintable() and "'" not in word)
    listed = listed.replace("${", "$${")
    escaped = greeting.replace("'", "''").replace("${", "$${")
    overrides = [f"greeting='{escaped}'", f"pipeline.some_stt.words=[{listed}]"]
    first = load(Path("bot.yaml"), overrides=overrides, environ={}, registry=registry)
    Path("again.yaml").write_text(to_yaml(first))
    again = load(Path("again.yaml"), environ={}, registry=registry)
    assert again.digest == first.digest


def test_nesting_has_a_bound() -> None:
    found: list[Problem] = []
    parse("[" * 100 + "]" * 100, "a.yaml", "", found)
    assert "deeper than 40 levels" in str(found[0])


def test_a_problem_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name: ${A:?first\n\n  second}\n")
    with pytest.raises(InvalidConfigError) as caught:
        load(path, environ={})
    assert ":1:7: the variable A is not set: first second." in str(caught.value)
    assert len(str(caught.value).splitlines()) == len(caught.value.problems)

"""Variables are replaced where they stand, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.config.problems import Problem
from bargein.config.tree import Plain, Scalar
from bargein.config.variables import substitute
from bargein.errors import Place
from bargein.pipelines.load import Config

ENVIRON = {"NAME": "cafe", "PORT": "80", "EMPTY": "", "FLAG": "true"}


def value_of(text: str, environ: Mapping[str, str] = ENVIRON) -> Plain:
    """Substitute in one value; nothing may be wrong with it."""
    found: list[Problem] = []
    node = substitute(Scalar(text, text, Place("a.yaml")), environ, found)
    assert not found
    assert isinstance(node, Scalar)
    return node.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${NAME}", "cafe"),
        ("the ${NAME} at ${PORT}", "the cafe at 80"),
        ("${PORT}", 80),
        ("${FLAG}", True),
        ("${EMPTY}", None),
        (" ${PORT}", " 80"),
        ("${NONE:-8.5}", 8.5),
        ("${EMPTY:-tea}", "tea"),
        ("${NONE:-}", None),
        ("${NONE:-a:-b}", "a:-b"),
        ("${NAME:?needed}", "cafe"),
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$${NAME}"),
        ("$NAME costs $5", "$NAME costs $5"),
    ],
)
def test_a_variable_takes_its_value(text: str, value: Plain) -> None:
    assert value_of(text) == value


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_a_variable_is_left_alone(text: str) -> None:
    assert value_of(text) == text


@given(st.text(alphabet="$a{}"))
def test_what_a_variable_holds_is_not_read_again(text: str) -> None:
    assert value_of("x${A}", {"A": text}) == f"x{text}"


def test_a_variable_is_text_where_text_is_wanted(load_text: Callable[..., Config]) -> None:
    text = (
        'name: ${NAME}\ntransport: {use: local, port: "${PORT}"}\npipeline:\n'
        "  - interruption\n  - silero_vad\n"
        "  - {use: some_stt, api_key: '${KEY}', pin: '${KEY}', anything: '${KEY}'}\n"
        "  - {use: scripted_llm, script: '${FILE}'}\n  - some_tts\n  - played_audio\n"
    )
    environ = {"NAME": "12", "PORT": "80", "KEY": "007", "FILE": "cafe.yaml"}
    config = load_text(text, environ=environ)
    assert config.name == "12"
    assert config.transport.arguments["port"] == 80
    assert config.parts[2].arguments["api_key"] == "007"
    assert config.parts[2].arguments["pin"].get_secret_value() == "007"
    assert config.parts[2].arguments["anything"] == 7

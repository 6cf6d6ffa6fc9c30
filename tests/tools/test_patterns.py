"""Patterns mean what JSON Schema says they mean, not what Python's `re` makes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.tools.patterns import as_written, for_python
from bargein.tools.schema import Schema

ORDER = "^A-[0-9]{1,6}$"
FITS: tuple[tuple[str, str, bool], ...] = (
    (ORDER, "A-1", True),
    (ORDER, "A-1\n", False),
    (ORDER, "A-1\nrefund everything", False),
    (r"^\d+$", "12", True),
    (r"^\d+$", "\uff11\uff12", False),
    (r"^\w+$", "caf\u00e9", False),
    (r"^[$]\d$", "$5", True),
    (r"^\$\d$", "$5", True),
    (r"^(a$|b)", "a\n", False),
    (r"a|^b$", "b\n", False),
    (r"[\]$]", "$", True),
)


@pytest.mark.parametrize(("pattern", "text", "fits"), FITS)
def test_a_text_fits_as_json_schema_means_it(pattern: str, text: str, fits: bool) -> None:
    schema = Schema.of_arguments({"value": {"type": "string", "pattern": pattern}})
    assert (schema.violations({"value": text}) == ()) is fits


@pytest.mark.parametrize(("key", "fits"), [("x-a", True), ("x-a\n", False)])
def test_so_do_keys_and_none_slips_between_two_rules(key: str, fits: bool) -> None:
    schema = Schema.parse({"type": "object", "patternProperties": {"^x-[a-z]$": {"const": 1}}})
    assert (schema.violations({key: 1}) == ()) is fits
    assert schema.violations({key: 2})


def test_a_property_may_be_called_pattern() -> None:
    schema = Schema.of_arguments({"pattern": {"type": "string", "enum": ["a$"]}})
    assert schema.violations({"pattern": "a$"}) == ()


def test_a_violation_shows_the_pattern_as_it_was_written() -> None:
    schema = Schema.of_arguments({"order": {"type": "string", "pattern": ORDER}})
    (found,) = schema.violations({"order": "A-1\n"})
    assert found.message == f'breaks pattern: "{ORDER}"'


@given(st.text(alphabet="ab$\\[]()^", max_size=12))
def test_any_pattern_comes_back_as_it_was_written(pattern: str) -> None:
    if "\\Z" not in pattern:
        assert as_written(for_python(pattern)) == pattern

"""A pipeline is drawn with every stage that audio passes, and can be read aloud."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bargein.config.structure import Role
from bargein.graph import Stage, stages, to_mermaid, to_svg

PARTS = [
    ("interruption", "interruption"),
    ("scripted_llm", "llm"),
    ("played_audio", "played_audio"),
]
SVG = "{http://www.w3.org/2000/svg}"


def test_the_stages_that_bargein_adds_stand_in_their_places() -> None:
    assert [stage.name for stage in stages("local", PARTS)] == [
        "local input",
        "interruption",
        "user context",
        "scripted_llm",
        "played_audio",
        "local output",
        "assistant context",
    ]


def test_a_class_is_drawn_by_its_own_name_and_what_it_does() -> None:
    assert stages("local", [("my_bot.ears:Ears", "stt")])[1] == Stage(
        "Ears", "turns speech into words"
    )


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.TRANSPORT])
def test_each_kind_of_part_says_what_it_does(role: Role) -> None:
    assert stages("local", [("x", role)])[-3].note != role


def test_mermaid_draws_one_line_from_input_to_context() -> None:
    text = to_mermaid("cafe", stages("local", PARTS))
    assert text.splitlines()[:4] == ["---", "title: cafe", "---", "flowchart TB"]
    assert "s0 --> s1 --> s2 --> s3 --> s4 --> s5 --> s6" in text
    assert "class s2,s6 added" in text


def test_mermaid_reads_no_name_as_its_own_syntax() -> None:
    text = to_mermaid("a", [Stage('x"]; click', "n")])
    assert 'x"]' not in text
    assert "x#34;#93;#59; click" in text


def test_the_svg_is_xml_with_a_title_and_a_description() -> None:
    root = ElementTree.fromstring(to_svg("<cafe>", stages("local", PARTS)))
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert title.text == "The pipeline <cafe>"
    assert "user context, then scripted_llm" in str(description.text)
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


def test_every_box_of_the_svg_lies_inside_it() -> None:
    flow = stages("local", PARTS * 4)
    root = ElementTree.fromstring(to_svg("cafe", flow))
    boxes = [rect for rect in root.iter(f"{SVG}rect") if "box" in rect.get("class", "")]
    assert len(boxes) == len(flow)
    bottom = max(int(box.get("y", "")) + int(box.get("height", "")) for box in boxes)
    assert bottom < int(root.get("height", ""))


def test_a_name_that_is_too_long_for_its_box_is_cut() -> None:
    assert "\u2026</text>" in to_svg("a", [Stage("AClassWhoseNameIsLongerThanAnyBoxIsWide", "n")])

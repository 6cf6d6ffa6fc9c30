"""The script in docs/voice.md works, and answers as the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ruamel.yaml import YAML

from bargein.conversation import Conversation
from bargein.script_calls import outcome_of
from bargein.script_checks import parse
from bargein.scripted_reply import Called, Event, Finished, UserSaid, reply_to

PAGE = (Path(__file__).parent.parent / "docs" / "voice.md").read_text(encoding="utf-8")


def test_the_documented_script_holds_the_documented_conversation() -> None:
    block = re.search(r"<!-- script.*?```yaml\n(.*?)```", PAGE, re.DOTALL)
    talk = re.search(r"<!-- conversation -->\n.*\n.*\n((?:\|.*\n)+)", PAGE)
    assert block
    assert talk
    conversation = Conversation(parse(YAML(typ="safe").load(block.group(1))))
    for line in talk.group(1).splitlines():
        _, said, answer, _ = (cell.strip() for cell in line.split("|"))
        assert conversation.answer(said).text == answer


def test_the_documented_calls_are_made_and_answered() -> None:
    block = re.search(r"<!-- tools.*?```yaml\n(.*?)```", PAGE, re.DOTALL)
    talk = re.search(r"<!-- calls -->\n.*\n.*\n((?:\|.*\n)+)", PAGE)
    assert block
    assert talk
    script = parse(YAML(typ="safe").load(block.group(1)))
    for line in talk.group(1).splitlines():
        _, said, first, arguments, result, answer, _ = (
            cell.strip(" `") for cell in line.split("|")
        )
        asked = reply_to(script, [UserSaid(said)])
        (call,) = asked.calls
        assert (asked.text, call.arguments) == (first, json.loads(arguments))
        came: list[Event] = [
            UserSaid(said),
            Called("1", call.tool, call.arguments),
            Finished("1", outcome_of(result)),
        ]
        assert reply_to(script, came).text == answer

"""The script in docs/voice.md works, and answers as the page says."""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml import YAML

from bargein.conversation import Conversation
from bargein.script import Script

PAGE = (Path(__file__).parent.parent / "docs" / "voice.md").read_text(encoding="utf-8")


def test_the_documented_script_holds_the_documented_conversation() -> None:
    block = re.search(r"<!-- script.*?```yaml\n(.*?)```", PAGE, re.DOTALL)
    talk = re.search(r"<!-- conversation -->\n.*\n.*\n((?:\|.*\n)+)", PAGE)
    assert block
    assert talk
    conversation = Conversation(Script.parse(YAML(typ="safe").load(block.group(1))))
    for line in talk.group(1).splitlines():
        _, said, answer, _ = (cell.strip() for cell in line.split("|"))
        assert conversation.answer(said) == answer

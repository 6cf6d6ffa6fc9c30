"""A handler reads and writes what it is permitted, though it is the bot's alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bargein.processors.sandbox.outcome import Failed
from bargein.tools.keywords import Json
from bargein.tools.tool import Permissions
from tests.sandbox.calls import Calls

pytestmark = pytest.mark.slow  # a process for each call; all of them take seconds

ONLY_MINE, ONLY_MY_FOLDER = 0o600, 0o700


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Give a folder that nobody but the bot's user may enter, with a file."""
    made = tmp_path / "data"
    made.mkdir(mode=ONLY_MY_FOLDER)
    (made / "prices.json").write_text("[1]")
    (made / "prices.json").chmod(ONLY_MINE)
    return made


async def test_a_permitted_folder_can_be_read(calls: Calls, data: Path) -> None:
    path = str(data / "prices.json")
    permitted = Permissions(read=(data,))
    assert await calls.returned("plain.reads", {"path": path}, permissions=permitted) == "[1]"


async def test_a_permitted_file_can_be_read_and_its_neighbour_can_not(
    calls: Calls, data: Path
) -> None:
    (data / "keys.json").write_text("secret")
    permitted = Permissions(read=(data / "prices.json",))
    for name, text in (("prices.json", "[1]"), ("keys.json", "")):
        found = await calls.returned(
            "reaching.read", {"path": str(data / name)}, permissions=permitted
        )
        assert found == text


async def test_what_may_be_read_may_not_be_written(calls: Calls, data: Path) -> None:
    arguments = {"path": str(data / "prices.json"), "text": "[2]"}
    outcome = await calls.outcome("plain.appends", arguments, permissions=Permissions(read=(data,)))
    assert isinstance(outcome, Failed)
    assert (data / "prices.json").read_text() == "[1]"


async def test_what_is_written_to_a_permitted_folder_stays_there(calls: Calls, data: Path) -> None:
    permitted = Permissions(write=(data,))
    arguments = {"path": str(data / "orders.txt"), "text": "tea\n"}
    for expected in ("tea\n", "tea\ntea\n"):
        found = await calls.returned("plain.appends", arguments, permissions=permitted)
        assert found == expected
    assert (data / "orders.txt").read_text() == "tea\ntea\n"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("write", {"folder": "/var/tmp"}),
        ("read", {"path": "/etc/shadow"}),
        ("variables_of_others", {"bot": 1}),
        ("memory_of_others", {"bot": 1}),
        ("became_root", {}),
        ("listed", {"path": "/var/lib"}),
    ],
)
async def test_who_may_use_files_of_the_bot_reaches_nothing_more(
    calls: Calls, data: Path, name: str, arguments: dict[str, Json]
) -> None:
    permitted = Permissions(read=(data,), write=(data,))
    found = await calls.returned(f"reaching.{name}", arguments, permissions=permitted)
    assert found in ([], "")


async def test_a_link_in_a_permitted_folder_leads_nowhere_else(calls: Calls, data: Path) -> None:
    (data.parent / "elsewhere").write_text("secret")
    (data / "link").symlink_to(data.parent / "elsewhere")
    permitted = Permissions(read=(data,), write=(data,))
    path = str(data / "link")
    assert await calls.returned("reaching.read", {"path": path}, permissions=permitted) == ""

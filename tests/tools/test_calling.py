"""How a function is called in a worker: its types get what they want, its result becomes JSON."""

from __future__ import annotations

import asyncio
import datetime
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from bargein import tool
from bargein.processors.sandbox.opening import open_sandbox
from bargein.processors.sandbox.outcome import Returned
from bargein.processors.sandbox.setup import Limits
from bargein.tools.calling import as_json, by_name
from bargein.tools.tool import Permissions, PythonHandler


class Size(BaseModel):
    cups: int


class Unknown:
    """No type that pydantic knows."""


@tool
def order(size: Size, day: datetime.date, note: str = "none") -> dict[str, Any]:
    return {"cups": size.cups + 1, "day": day, "note": note, "size": size}


@tool
async def later(n: Annotated[int, Field(ge=1)]) -> int:
    await asyncio.sleep(0)
    return n + 1


def plain(n: Unknown) -> Any:
    return n


def test_a_model_a_date_and_a_default_get_what_they_want() -> None:
    returned = by_name(order)({"size": {"cups": 2}, "day": "2026-11-21"})
    assert as_json(returned) == {
        "cups": 3,
        "day": "2026-11-21",
        "note": "none",
        "size": {"cups": 2},
    }


def test_what_a_coroutine_function_returns_can_be_awaited() -> None:
    assert asyncio.run(by_name(later)({"n": 2})) == 3


def test_a_type_that_nobody_knows_leaves_the_argument_as_it_is() -> None:
    assert by_name(plain)({"n": {"a": 1}}) == {"a": 1}


def test_types_hold_in_the_worker_too() -> None:
    with pytest.raises(ValidationError):
        by_name(later)({"n": 0})


def test_a_decorated_function_can_be_called_as_any_other() -> None:
    day = datetime.date(2026, 11, 21)
    assert order(Size(cups=1), day)["cups"] == 2


def test_who_imports_no_pydantic_does_not_get_it() -> None:
    program = (
        "import sys; from bargein.tools.calling import as_json, by_name;"
        "assert as_json(by_name(lambda n: n + 1)({'n': 1})) == 2;"
        "assert not {'pydantic', 'pipecat', 'jsonschema'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


@pytest.mark.slow
async def test_a_decorated_function_runs_in_the_sandbox(tmp_path: Path) -> None:
    path = tmp_path / "shop.py"
    path.write_text(
        "import datetime\nfrom pydantic import BaseModel\nfrom bargein import tool\n"
        "class Size(BaseModel):\n    cups: int\n"
        "@tool\nasync def order(size: Size, day: datetime.date) -> Size:\n"
        "    return Size(cups=size.cups + day.day)\n"
    )
    sandbox = await open_sandbox()
    handler = PythonHandler(str(path), "order")
    arguments = {"size": {"cups": 2}, "day": "2026-11-21"}
    try:
        answer = await sandbox.run(handler, arguments, Limits(), Permissions())
    finally:
        await sandbox.close()
    assert isinstance(answer, Returned), answer
    assert answer.value == {"cups": 23}

"""`@tool`: a function carries its declaration; its types are the schemas.

Handlers import this, so it imports nothing itself: a worker that runs one starts fast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, overload

Function = TypeVar("Function", bound=Callable[..., Any])
ATTRIBUTE = "__bargein_tool__"
"""Where a decorated function keeps what was said of it: a dict of those keys that were given."""


@overload
def tool(function: Function, /) -> Function: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout_ms: int | None = None,
    rate: str | None = None,
    cost: float | None = None,
    confirm: Literal["user"] | bool | None = None,
    question: str | None = None,
    on_interruption: Literal["cancel", "finish"] | None = None,
    permissions: Mapping[str, Sequence[str]] | None = None,
    max_result_bytes: int | None = None,
) -> Callable[[Function], Function]: ...
def tool(function: Function | None = None, /, **keys: Any) -> Any:
    """Declare a function as a tool; the keys are those of a tool in YAML.

    The name is the function's, the description the first paragraph of its docstring, and the
    schemas of arguments and result come from its types, which may be pydantic's. The function
    itself stays as it is. What is wrong with a key is told where the configuration is loaded.
    """

    def declare(declared: Function) -> Function:
        given = {key: value for key, value in keys.items() if value is not None}
        setattr(declared, ATTRIBUTE, given)
        return declared

    return declare if function is None else declare(function)

"""How a worker calls a function: by name, with what its types want in place of plain JSON.

Only where the function itself has imported pydantic; a worker that does without starts sooner.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from bargein.tools.decorator import ATTRIBUTE
from bargein.tools.keywords import Json


def by_name(function: Callable[..., Any]) -> Callable[[dict[str, Json]], Any]:
    """Give the function as one of its arguments, made ready before there are any.

    A decorated function's types can all be read, or its declaration would not have been. Of
    others, a type that pydantic does not know leaves the arguments as they are.
    """
    if "pydantic" not in sys.modules:
        return lambda arguments: function(**arguments)
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    typed: Any = function
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(typed)
    except (PydanticUserError, NameError):
        if hasattr(function, ATTRIBUTE):
            raise
        return lambda arguments: function(**arguments)
    return lambda arguments: adapter.validate_json(json.dumps(arguments))


def as_json(returned: Any) -> Json:
    """Give what a function returned as JSON, where pydantic can say how."""
    if "pydantic" not in sys.modules:
        return returned
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(returned)

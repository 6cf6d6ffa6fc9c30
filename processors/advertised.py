"""What an LLM is told of the tools: name, description and the whole schema of the arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema

from bargein.tools.telling import told_schema
from bargein.tools.tool import Tool


class Advertised(FunctionSchema):
    """A tool as Pipecat hands it to an LLM; it carries no handler.

    Pipecat's own keeps `properties` and `required` of a schema; this one tells all of it to each
    adapter that asks for the whole, as OpenAI's does.
    """

    def __init__(self, tool: Tool) -> None:
        """Take what is told of a tool."""
        self.parameters = told_schema(tool.arguments.json)
        properties = self.parameters.get("properties", {})
        required = self.parameters.get("required", [])
        super().__init__(tool.name, tool.description, properties, list(required))

    def to_default_dict(self) -> dict[str, Any]:
        """Give it in the form that OpenAI's adapter passes on."""
        return {**super().to_default_dict(), "parameters": self.parameters}


def advertised(tools: Iterable[Tool]) -> ToolsSchema:
    """Give what a context carries, so that the LLM knows of these tools and of no others."""
    return ToolsSchema(standard_tools=[Advertised(tool) for tool in tools])

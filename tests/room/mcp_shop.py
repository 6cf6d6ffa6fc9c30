"""An MCP server that takes orders, and that would give money back to whoever asks."""

from __future__ import annotations

from mcp.server.fastmcp import FastMCP
from pydantic import BaseModel

server = FastMCP("shop", log_level="ERROR")


class Order(BaseModel):
    """An order that was taken."""

    number: int


@server.tool()
def order(cups: int) -> Order:
    """Orders coffee."""
    return Order(number=cups)


@server.tool()
def refund(cups: int) -> Order:
    """Gives money back."""
    return Order(number=-cups)


server.run()

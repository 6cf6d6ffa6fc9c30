"""A small server written with MCP's own SDK: over stdin and stdout, or over HTTP at a port."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from mcp.server.fastmcp import FastMCP, Image
from pydantic import BaseModel

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 0
server = FastMCP("shop", host="127.0.0.1", port=PORT, log_level="ERROR")


class Found(BaseModel):
    """What a search finds."""

    names: list[str]


@server.tool()
def search(word: str, most: int = 3) -> Found:
    """Searches the shop."""
    return Found(names=[word] * most)


@server.tool(structured_output=False)
def describe(name: str) -> str:
    """Describes a thing."""
    return f"{name}: a thing"


@server.tool(structured_output=False)
def picture(name: str) -> Image:
    """Shows a thing."""
    return Image(data=b"\x89PNG", format="png")


@server.tool()
def refuse(word: str) -> str:
    """Refuses, and says a secret."""
    raise ValueError(f"no {word}: hidden-value")


@server.tool()
async def wait(seconds: float) -> str:
    """Takes its time."""
    await asyncio.sleep(seconds)
    return "done"


@server.tool()
def surroundings() -> dict[str, str]:
    """Tells what it sees of the bot."""
    key = Path(__file__).with_name(".env")
    return {"secret": os.environ.get("SHOP_SECRET", "none"), "file": str(key.exists())}


if __name__ == "__main__":
    server.run("streamable-http" if PORT else "stdio")

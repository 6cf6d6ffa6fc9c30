"""The MCP servers of a configuration: started before the first session, ended after the last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bargein.errors import PartError
from bargein.pipelines.load import Config
from bargein.processors.sandbox.opening import Mode

if TYPE_CHECKING:
    from bargein.processors.mcp_thread import McpThread


@contextmanager
def open_servers(config: Config) -> Iterator[McpThread | None]:
    """Start them, where there are any; blocks until each has said what it offers.

    ConfigError or PartError if one is not as declared, or can't be protected as required.
    """
    if not config.mcp_servers:
        yield None
        return
    try:  # it comes with an extra
        from bargein.processors.mcp_thread import McpThread
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "mcp":
            raise
        message = "tools of MCP servers need the package 'mcp'. Install it: "
        raise PartError(f"{message}pip install 'bargein[mcp]'.") from error
    servers = McpThread(config.mcp_servers, Mode(config.tool_rules.sandbox))
    servers.open()
    try:
        yield servers
    finally:
        servers.close()

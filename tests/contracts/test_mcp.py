"""What of MCP's SDK is not in its documentation, and our clients rest on."""

from __future__ import annotations

import inspect

import anyio
from mcp import ClientSession
from mcp.client import streamable_http
from mcp.shared import session as shared
from mcp.shared.message import SessionMessage

from bargein.processors.mcp_server import CLOSED, ENDED


def test_a_request_takes_the_number_that_is_next() -> None:
    incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing = anyio.create_memory_object_stream[SessionMessage](0)
    session = ClientSession(incoming[1], outgoing[0])
    assert session._request_id == 0
    assert "request_id = self._request_id" in inspect.getsource(shared.BaseSession.send_request)
    for stream in (*incoming, *outgoing):
        stream.close()


def test_the_ends_of_a_session_have_these_words() -> None:
    assert f'"{ENDED}"' in inspect.getsource(streamable_http)
    assert f'"{CLOSED}"' in inspect.getsource(shared)

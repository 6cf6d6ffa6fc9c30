"""Connections that have an end: headers come in time, and nobody holds more than their share."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from bargein.control.limits import peer_of
from bargein.control.problem import BAD_REQUEST, MEDIA_TYPE

HEADERS_S = 5.0
"""A request's headers are there by then; also the next one's on a connection that is kept."""
MOST_CONNECTIONS = 500
MOST_A_PEER = 40
"""A page needs six at most, a house of pages more. Proxies of this machine are not counted."""
PROXIES = ("unknown", "127.0.0.1", "::/64")


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, with bounds."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, if there is a place for it."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS or self._has_too_many():
            transport.abort()
            return
        self._await_headers()

    def on_response_complete(self) -> None:
        """Keep the connection for the next request."""
        super().on_response_complete()
        self._await_headers()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        body = json.dumps(BAD_REQUEST.body()).encode()
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=BAD_REQUEST.status, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _await_headers(self) -> None:
        self.loop.call_later(HEADERS_S, self._give_up, self.cycle)

    def _give_up(self, last: Any) -> None:
        """Close, if no request has come since; a WebSocket has another protocol by now."""
        is_ours = self.transport.get_protocol() is self
        if is_ours and self.cycle is last and not self.transport.is_closing():
            self.transport.close()

    def _has_too_many(self) -> bool:
        mine = peer_of(self.client[0] if self.client else None)
        if mine in PROXIES:
            return False
        peers = [getattr(each, "client", None) for each in self.connections]
        return sum(peer_of(each[0]) == mine for each in peers if each) > MOST_A_PEER

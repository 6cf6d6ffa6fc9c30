"""The HTTP API: rooms, tokens and sessions. Audio never passes through it.

An operator's key opens everything; `/health` is for all, and so are `POST /rooms` and the page
where the API is public. It is long because its paths are one list, to be read in one place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.staticfiles import StaticFiles
from pydantic import Field
from starlette.exceptions import HTTPException

from bargein.control import problem
from bargein.control.api_keys import ApiKeys
from bargein.control.limits import Limits, Rate, peer_of
from bargein.control.problem import MEDIA_TYPE, Problem
from bargein.control.room import Room, Session
from bargein.control.token import MAX_LIFE_S
from bargein.pipelines.control.bodies import (
    Admission,
    Health,
    Name,
    ProblemShown,
    RevokeAsked,
    RoomAsked,
    RoomShown,
    SessionShown,
    SessionToken,
)
from bargein.pipelines.control.clerk import (
    Clerk,
    NameTakenError,
    NoPlaceError,
    NotJoinableError,
    Wish,
)
from bargein.pipelines.control.counts import Counts
from bargein.pipelines.control.shield import RefusedError, Shield, refuse_if_too_many
from bargein.pipelines.control.store import StoreError
from bargein.processors.clock import monotonic_ms
from bargein.transports.local.origin import may_connect
from bargein.transports.local.server import SECURITY_HEADERS, TRANSPORT

BAD_KEYS = Rate(burst=10, per_s=0.2)
"""Whoever guesses keys guesses slowly."""
PUBLIC_LIFE_S = 20
"""The page connects at once; so nobody holds many places in which nobody talks."""
RETRY_AFTER_S = 5
MAX_LISTED = 500
MAX_REPORTED_ERRORS = 5
MAX_WHERE_CHARACTERS = 64
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ProblemShown, "content": {MEDIA_TYPE: {}}},
    "5XX": {"model": ProblemShown, "content": {MEDIA_TYPE: {}}},
}
bearer = HTTPBearer(auto_error=False, description="A key of BARGEIN_API_KEYS.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
Limit = Annotated[int, Field(ge=1, le=MAX_LISTED)]


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask what."""

    keys: ApiKeys
    public: Rate | None = None
    """So often anybody may ask for a room; None: only operators may."""
    origins: Container[str] = ()
    """Pages of other origins that may ask for one."""
    media_sources: str = ""
    """Where the page's clients connect, as a Content-Security-Policy has it."""


class Api:
    """The application stands in `app`."""

    def __init__(self, clerk: Clerk, access: Access) -> None:
        """Answer for this clerk."""
        self._clerk, self._store, self._access = clerk, clerk.store, access
        self._guesses = Limits(BAD_KEYS)
        self._public = Limits(access.public) if access.public else None
        self._counts = Counts()
        self._fast = FastAPI(
            title="bargein", docs_url=None, redoc_url=None, openapi_url=None, responses=PROBLEMS
        )
        self._add_paths()
        self._add_refusals()
        policy = SECURITY_HEADERS["Content-Security-Policy"]
        sources = f"connect-src 'self' {access.media_sources}".rstrip()
        headers = SECURITY_HEADERS | {
            "Content-Security-Policy": policy.replace("connect-src 'self'", sources),
            "Cache-Control": "no-store",
        }
        self.app = Shield(self._fast, headers=headers)

    def _add_paths(self) -> None:
        add, keyed = self._fast.add_api_route, [Depends(self._operator)]
        add("/rooms", self._open_room, methods=["POST"], status_code=201, tags=["rooms"])
        add("/rooms", self._rooms, methods=["GET"], dependencies=keyed, tags=["rooms"])
        add("/rooms/{room}", self._close_room, methods=["DELETE"], status_code=204,
            dependencies=keyed, tags=["rooms"])  # fmt: skip
        add("/rooms/{room}/tokens", self._token, methods=["POST"], status_code=201,
            dependencies=keyed, tags=["tokens"])  # fmt: skip
        add("/tokens/revoke", self._revoke, methods=["POST"], status_code=204,
            dependencies=keyed, tags=["tokens"])  # fmt: skip
        add("/sessions", self._sessions, methods=["GET"], dependencies=keyed, tags=["sessions"])
        add("/sessions/{session}", self._session, methods=["GET"], dependencies=keyed,
            tags=["sessions"])  # fmt: skip
        add("/sessions/{session}", self._end_session, methods=["DELETE"], status_code=202,
            dependencies=keyed, tags=["sessions"])  # fmt: skip
        add("/health", self._health, methods=["GET"], tags=["health"])
        add("/health/live", _live, methods=["GET"], tags=["health"])
        add("/metrics", self._metrics, methods=["GET"], dependencies=keyed, tags=["health"])
        add("/openapi.json", self._openapi, methods=["GET"], dependencies=keyed,
            include_in_schema=False)  # fmt: skip
        if self._public is not None:
            add(TRANSPORT, _tell_of_rooms, methods=["GET"], include_in_schema=False)
            page = Path(str(files("bargein.transports"))) / "client"
            self._fast.mount("/", StaticFiles(directory=page, html=True), name="page")

    def _add_refusals(self) -> None:
        handlers: list[tuple[type[Exception], Callable[[Any], Response]]] = [
            (RefusedError, lambda error: self._problem(error.problem, error.headers)),
            (RequestValidationError, self._invalid),
            (HTTPException, self._of_framework),
            (NameTakenError, lambda _: self._problem(problem.NAME_TAKEN)),
            (NotJoinableError, lambda _: self._problem(problem.NOT_JOINABLE)),
            (NoPlaceError, lambda _: self._problem(problem.NO_PLACE, _retry())),
            # Starlette raises it again once it was answered: the shield logs it.
            (Exception, lambda _: self._problem(problem.BROKEN)),
            (StoreError, lambda _: self._problem(problem.NO_PLACE, _retry())),
        ]
        for kind, answer in handlers:
            self._fast.add_exception_handler(kind, _handler(answer))

    # --- rooms and tokens ----------------------------------------------------------------------

    async def _open_room(
        self, request: Request, asked: RoomAsked, credentials: Credentials
    ) -> Admission:
        """Make a room with a first session, and a token for it."""
        wish = asked.wish
        if credentials is None and self._public is not None:
            self._check_public(request, asked, self._public)
            wish = Wish(life_s=PUBLIC_LIFE_S)
        else:
            await self._operator(request, credentials)
        bot = asked.bot or self._clerk.bots[0]
        if bot not in self._clerk.bots:
            raise RefusedError(problem.UNKNOWN_BOT)
        given = await self._clerk.open_room(bot, asked.room, wish)
        self._counts.tokens.inc()
        return Admission.of(given)

    def _check_public(self, request: Request, asked: RoomAsked, limits: Limits) -> None:
        """Anybody may ask for a room, but not for whatever, nor from any page, nor all the time."""
        if asked.model_fields_set - {"bot"}:
            raise RefusedError(problem.UNAUTHORIZED)
        if not may_connect(request, self._access.origins):
            raise RefusedError(problem.FORBIDDEN)
        refuse_if_too_many(limits.take(_peer(request), monotonic_ms()))

    async def _rooms(self, limit: Limit = 100) -> list[RoomShown]:
        """List the open rooms, the newest first."""
        return [RoomShown.of(each) for each in await self._store.rooms(limit)]

    async def _close_room(self, room: Name) -> None:
        """Close a room; all its sessions end."""
        if not await self._store.close_room(room, self._clerk.now_s):
            raise RefusedError(problem.NOT_FOUND)

    async def _token(self, room: Name, asked: SessionToken) -> Admission:
        """Make a token for a new session in a room, or for one that was lost."""
        found = await self._open(room)
        if asked.session is None:
            given = await self._clerk.admit(found, asked.wish)
        else:
            session = await self._known(asked.session)
            if session.room != room:
                raise RefusedError(problem.NOT_FOUND)
            identity = asked.identity or session.identity
            wish = replace(asked.wish, identity=identity)
            given = await self._clerk.admit_again(replace(session, identity=identity), wish)
        self._counts.tokens.inc()
        return Admission.of(given)

    async def _revoke(self, asked: RevokeAsked) -> None:
        """Let a token be good for nothing. It says nothing of whether there is one of this id."""
        await self._store.revoke(asked.token_id, self._clerk.now_s + MAX_LIFE_S)

    # --- sessions ------------------------------------------------------------------------------

    async def _sessions(self, limit: Limit = 100, room: Name | None = None) -> list[SessionShown]:
        """List sessions, the newest first; those that are over are kept for a day."""
        found = await self._store.sessions(limit, room=room)
        return [SessionShown.of(each) for each in found]

    async def _session(self, session: Name) -> SessionShown:
        """Tell of one session."""
        return SessionShown.of(await self._known(session))

    async def _end_session(self, session: Name) -> SessionShown:
        """Ask for a session's end; its worker hangs up within a second or two."""
        await self._known(session)
        await self._store.ask_end(session, self._clerk.now_s)
        return SessionShown.of(await self._known(session))

    async def _known(self, session: str) -> Session:
        found = await self._store.session(session)
        if found is None:
            raise RefusedError(problem.NOT_FOUND)
        return found

    async def _open(self, room: str) -> Room:
        found = await self._store.room(room)
        if found is None or not found.is_open:
            raise RefusedError(problem.NOT_FOUND)
        return found

    # --- health --------------------------------------------------------------------------------

    async def _health(self, response: Response) -> Health:
        """Say whether a session would find a worker; 503 if not."""
        ready = await self._clerk.able() is not None
        response.status_code = 200 if ready else problem.NO_PLACE.status
        return Health(ready=ready)

    async def _metrics(self) -> Response:
        """Tell of workers, sessions and refusals, in the format of Prometheus."""
        text = self._counts.text(await self._store.workers())
        return Response(text, media_type=Counts.content_type)

    async def _openapi(self) -> dict[str, Any]:
        return self._fast.openapi()

    # --- who may -------------------------------------------------------------------------------

    async def _operator(self, request: Request, credentials: Credentials) -> None:
        """Let operators pass. Whoever guesses keys is slowed down, whatever they send then."""
        peer, now_ms = _peer(request), monotonic_ms()
        if not self._guesses.allows(peer, now_ms):
            refuse_if_too_many(self._guesses.take(peer, now_ms))
        if credentials is None or not self._access.keys.know(credentials.credentials):
            self._guesses.take(peer, now_ms)
            raise RefusedError(problem.UNAUTHORIZED, WWW_Authenticate="Bearer")

    # --- refusals ------------------------------------------------------------------------------

    def _problem(
        self, which: Problem, headers: dict[str, str] | None = None, **more: Any
    ) -> JSONResponse:
        self._counts.refused.labels(which.code).inc()
        return JSONResponse(which.body(**more), which.status, headers, media_type=MEDIA_TYPE)

    def _invalid(self, error: RequestValidationError) -> JSONResponse:
        """Say where a request does not fit, and nothing of what was sent."""
        found = error.errors()
        if any(each["type"] == "json_invalid" for each in found):
            return self._problem(problem.BAD_REQUEST)
        told = [{"where": _where(each["loc"]), "what": each["type"]} for each in found]
        return self._problem(problem.INVALID, errors=told[:MAX_REPORTED_ERRORS])

    def _of_framework(self, error: HTTPException) -> JSONResponse:
        return self._problem(problem.of_status(error.status_code), dict(error.headers or {}))


async def _live() -> dict[str, bool]:
    """Say that the process answers."""
    return {"live": True}


async def _tell_of_rooms() -> dict[str, str]:
    """Tell the page that it has to ask for a room."""
    return {"use": "rooms", "rooms": "/rooms"}


def _peer(request: Request) -> str:
    return peer_of(request.client.host if request.client else None)


def _retry() -> dict[str, str]:
    return {"Retry-After": str(RETRY_AFTER_S)}


def _where(place: tuple[str | int, ...]) -> str:
    """Name a place in a request; a key of the sender's own making is cut, and made printable."""
    text = ".".join(str(each) for each in place)
    return "".join(each if each.isprintable() else "?" for each in text)[:MAX_WHERE_CHARACTERS]


def _handler(
    answer: Callable[[Any], Response],
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(_request: Request, error: Exception) -> Response:
        return answer(error)

    return handle

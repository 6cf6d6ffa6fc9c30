"""What the API takes and gives; unknown keys and wrong types are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bargein.control.room import NAME, Room, Session, State
from bargein.control.token import MAX_CLAIM_CHARACTERS, MAX_LIFE_S, MAX_TOKEN_CHARACTERS, Scope
from bargein.pipelines.control.clerk import TOKEN_LIFE_S, Pass, Wish

Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
MIN_LIFE_S = 5


class Asked(BaseModel):
    """What comes in."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TokenAsked(Asked):
    """For whom the token is, and what it allows."""

    identity: Name | None = Field(default=None, description="Who talks; shown in lists.")
    scopes: list[Annotated[Scope, Field(strict=False)]] = Field(
        default=[Scope.MEDIA, Scope.CONTROL],
        min_length=1,
        max_length=len(Scope),
        description="To talk with the bot takes both.",
    )
    life_s: int = Field(
        default=TOKEN_LIFE_S,
        ge=MIN_LIFE_S,
        le=MAX_LIFE_S,
        description="Until the client has connected; a talk may last longer.",
    )

    @property
    def wish(self) -> Wish:
        """The same, as the clerk takes it."""
        return Wish(self.identity, frozenset(self.scopes), self.life_s)


class RoomAsked(TokenAsked):
    """A room with a first session."""

    bot: Name | None = Field(default=None, description="Which bot; the first one by default.")
    room: Name | None = Field(default=None, description="Its name; a random one by default.")


class SessionToken(TokenAsked):
    """Another token for a room."""

    session: Name | None = Field(
        default=None,
        description="A session that was lost, or to which nobody came; a new one by default.",
    )


class RevokeAsked(Asked):
    """A token by its id."""

    token_id: str = Field(min_length=1, max_length=MAX_CLAIM_CHARACTERS)


class Connect(BaseModel):
    """Where the client connects."""

    transport: Literal["websocket"] = "websocket"
    url: str


class Admission(BaseModel):
    """What a client needs; the token goes into its `bargein/hello`, once."""

    room: str
    session: str
    connect: Connect
    token: str = Field(max_length=MAX_TOKEN_CHARACTERS)
    token_id: str = Field(description="What `POST /tokens/revoke` takes.")
    expires_at: datetime

    @classmethod
    def of(cls, given: Pass) -> Admission:
        """Write a pass."""
        return cls(
            room=given.room,
            session=given.session,
            connect=Connect(url=given.url),
            token=given.token,
            token_id=given.token_id,
            expires_at=_time(given.expires_s),
        )


class RoomShown(BaseModel):
    """A room that is open."""

    room: str
    bot: str
    made_at: datetime

    @classmethod
    def of(cls, room: Room) -> RoomShown:
        """Write a room."""
        return cls(room=room.name, bot=room.bot, made_at=_time(room.made_s))


class SessionShown(BaseModel):
    """A session, over or not."""

    session: str
    room: str
    bot: str
    identity: str
    state: State
    worker: str | None
    made_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, session: Session) -> SessionShown:
        """Write a session."""
        return cls(
            session=session.id,
            room=session.room,
            bot=session.bot,
            identity=session.identity,
            state=session.state,
            worker=session.worker,
            made_at=_time(session.made_s),
            changed_at=_time(session.seen_s),
        )


class Health(BaseModel):
    """Whether the process answers, and whether a session would find a worker."""

    live: bool = True
    ready: bool


class ProblemShown(BaseModel):
    """`application/problem+json`, RFC 9457."""

    type: str
    title: str
    status: int
    code: str = Field(description="The kind of refusal, for programs.")
    detail: str


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

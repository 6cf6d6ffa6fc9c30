"""A short-lived signed token that lets one client into one session of one room, once.

JSON Web Tokens (RFC 7519), signed with HMAC-SHA256 and nothing else; PyJWT does the signing.
Whether a token was used before, or was revoked, only a store can know; its `id` is the key there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import jwt

from bargein.control.keys import TokenKeys

ALGORITHM = "HS256"
ISSUER = "bargein"
MAX_TOKEN_CHARACTERS = 2048
MAX_LIFE_S = 3600
"""A token lives for minutes; one that claims more is none of ours."""
LEEWAY_S = 5
"""Clocks of two machines may differ by so much."""
MAX_CLAIM_CHARACTERS = 128
_OURS: Any = dict.fromkeys(
    ("verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_sub", "verify_jti"), False
)
"""Claims are checked here, not by PyJWT, which would ask the clock."""


class Scope(StrEnum):
    """What a token allows."""

    MEDIA = "media"
    CONTROL = "control"


class Why(StrEnum):
    """Why a token is refused: for our log and metrics, never for whoever sent it."""

    MISSING = "missing"
    TOO_LONG = "too_long"
    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    TOO_LONG_LIFE = "too_long_life"
    AUDIENCE = "audience"
    ROOM = "room"
    SESSION = "session"
    ROLE = "role"
    SCOPE = "scope"
    USED = "used"
    REVOKED = "revoked"


class TokenError(Exception):
    """A token that lets nobody in; `why` is for us, the other side learns nothing of it."""

    def __init__(self, why: Why) -> None:
        """Keep the reason."""
        super().__init__(f"the token is refused: {why}")
        self.why = why


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says; times are seconds since 1970, UTC."""

    id: str
    """Unique: a token is used once."""
    identity: str
    """Whose token it is."""
    room: str
    session: str
    role: str
    scopes: frozenset[Scope]
    issued_s: int
    expires_s: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a token is asked for; None where any will do."""

    scopes: frozenset[Scope]
    room: str | None = None
    session: str | None = None
    role: str | None = None


def mint(grant: Grant, keys: TokenKeys, *, audience: str) -> str:
    """Sign what is granted; ValueError where it would live too long."""
    if not 0 < grant.expires_s - grant.issued_s <= MAX_LIFE_S:
        raise ValueError(f"a token lives for at most {MAX_LIFE_S} s")
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "jti": grant.id,
        "sub": grant.identity,
        "room": grant.room,
        "session": grant.session,
        "role": grant.role,
        "scope": " ".join(sorted(grant.scopes)),
        "iat": grant.issued_s,
        "exp": grant.expires_s,
    }
    return jwt.encode(
        claims, keys.secrets[keys.current], algorithm=ALGORITHM, headers={"kid": keys.current}
    )


def read(text: str, keys: TokenKeys, *, audience: str, now_s: float) -> Grant:
    """Give what a token says, once its signature and its time are right; raises TokenError."""
    claims = _claims(text, keys)
    if claims.get("iss") != ISSUER or claims.get("aud") != audience:
        raise TokenError(Why.AUDIENCE)
    grant = _grant(claims)
    if grant.expires_s - grant.issued_s > MAX_LIFE_S:
        raise TokenError(Why.TOO_LONG_LIFE)
    if grant.issued_s > now_s + LEEWAY_S:
        raise TokenError(Why.NOT_YET)
    if now_s >= grant.expires_s:
        raise TokenError(Why.EXPIRED)
    return grant


def require(grant: Grant, wanted: Wanted) -> None:
    """Hold a grant against what is asked for; raises TokenError."""
    if not wanted.scopes <= grant.scopes:
        raise TokenError(Why.SCOPE)
    for asked, granted, why in (
        (wanted.room, grant.room, Why.ROOM),
        (wanted.session, grant.session, Why.SESSION),
        (wanted.role, grant.role, Why.ROLE),
    ):
        if asked is not None and asked != granted:
            raise TokenError(why)


def _claims(text: str, keys: TokenKeys) -> Mapping[str, Any]:
    """Verify the signature."""
    if not text:
        raise TokenError(Why.MISSING)
    if len(text) > MAX_TOKEN_CHARACTERS:
        raise TokenError(Why.TOO_LONG)
    try:
        header = jwt.get_unverified_header(text)
        if header.get("alg") != ALGORITHM:
            raise TokenError(Why.ALGORITHM)
        secret = keys.secrets.get(str(header.get("kid", "")))
        if secret is None:
            raise TokenError(Why.UNKNOWN_KEY)
        return jwt.decode(text, secret, algorithms=[ALGORITHM], options=_OURS)
    except jwt.InvalidSignatureError:
        raise TokenError(Why.SIGNATURE) from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        # Text of an attacker's making; what is odd about it is not worth knowing.
        raise TokenError(Why.MALFORMED) from None


def _grant(claims: Mapping[str, Any]) -> Grant:
    """Take what a token must say, each claim of its type."""
    texts = [claims.get(name) for name in ("jti", "sub", "room", "session", "role", "scope")]
    times = [claims.get(name) for name in ("iat", "exp")]
    if not all(isinstance(text, str) and 0 < len(text) <= MAX_CLAIM_CHARACTERS for text in texts):
        raise TokenError(Why.CLAIMS)
    if not all(type(time) is int and 0 < time < 2**53 for time in times):
        raise TokenError(Why.CLAIMS)
    number, identity, room, session, role, scope = map(str, texts)
    known = {each.value for each in Scope}
    if not set(scope.split()) <= known:
        raise TokenError(Why.CLAIMS)
    scopes = frozenset(Scope(each) for each in scope.split())
    issued_s, expires_s = (int(time) for time in times if isinstance(time, int))
    return Grant(number, identity, room, session, role, scopes, issued_s, expires_s)

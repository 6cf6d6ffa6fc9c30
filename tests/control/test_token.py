"""Tokens: what lets a client in, and more than sixty that do not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.control.keys import TokenKeys
from bargein.control.token import Grant, Scope, TokenError, Wanted, Why, mint, read, require
from bargein.errors import ConfigError

NOW_S = 1_800_000_000
AUDIENCE = "voice.example"
NEW, OLD, FOREIGN = (hashlib.sha256(name).digest() for name in (b"new", b"old", b"foreign"))
KEYS = TokenKeys("new", {"new": NEW, "old": OLD})
BOTH = frozenset({Scope.MEDIA, Scope.CONTROL})
GRANT = Grant("id-1", "ann", "cafe", "s-1", "caller", BOTH, NOW_S - 10, NOW_S + 110)
CLAIMS: dict[str, Any] = {
    "iss": "bargein", "aud": AUDIENCE, "jti": "id-1", "sub": "ann", "room": "cafe",
    "session": "s-1", "role": "caller", "scope": "control media", "iat": NOW_S - 10,
    "exp": NOW_S + 110,
}  # fmt: skip


def why(text: str, now_s: float = NOW_S, keys: TokenKeys = KEYS) -> Why | None:
    try:
        read(text, keys, audience=AUDIENCE, now_s=now_s)
    except TokenError as error:
        return error.why
    return None


def signed(change: dict[str, Any] | None = None, *, key: bytes = NEW, **header: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **(change or {})}.items() if value != ...}
    return jwt.encode(claims, key, algorithm="HS256", headers={"kid": "new", **header})


def by_hand(header: Any, payload: Any, *, key: bytes = NEW) -> str:
    """Sign what PyJWT would not."""
    parts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in
             (header, payload)]  # fmt: skip
    body = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    mac = hmac.new(key, body.encode(), "sha256").digest()
    return f"{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


HEADER = {"alg": "HS256", "typ": "JWT", "kid": "new"}


def headed(**change: Any) -> str:
    return by_hand({**HEADER, **change}, CLAIMS)


def claimed(**change: Any) -> str:
    return by_hand(HEADER, {**CLAIMS, **change})


def test_a_token_says_what_was_granted() -> None:
    token = mint(GRANT, KEYS, audience=AUDIENCE)
    assert read(token, KEYS, audience=AUDIENCE, now_s=NOW_S) == GRANT


def test_an_older_key_still_opens_and_signs_no_more() -> None:
    assert why(signed(key=OLD, kid="old")) is None
    assert jwt.get_unverified_header(mint(GRANT, KEYS, audience=AUDIENCE))["kid"] == "new"
    assert why(signed(key=OLD, kid="old"), keys=TokenKeys("new", {"new": NEW})) is Why.UNKNOWN_KEY


def test_a_token_may_come_from_a_clock_that_is_a_little_ahead() -> None:
    assert why(signed({"iat": NOW_S + 4})) is None


def test_nobody_is_granted_more_than_an_hour() -> None:
    long = Grant("1", "ann", "cafe", "s", "caller", BOTH, NOW_S, NOW_S + 3601)
    with pytest.raises(ValueError, match="3600 s"):
        mint(long, KEYS, audience=AUDIENCE)


def tampered(place: int) -> str:
    token = list(signed())
    token[place] = "A" if token[place] != "A" else "B"
    return "".join(token)


def swapped() -> str:
    """The body of one token, the signature of another."""
    mine, other = signed().split("."), signed({"room": "vault"}).split(".")
    return ".".join([other[0], other[1], mine[2]])


def unsigned(algorithm: str) -> str:
    return headed(alg=algorithm).rpartition(".")[0] + "."


BAD: dict[str, tuple[Callable[[], str], Why]] = {
    "none": (lambda: "", Why.MISSING),
    "a word": (lambda: "letmein", Why.MALFORMED),
    "three dots": (lambda: "..", Why.MALFORMED),
    "four parts": (lambda: signed() + ".x", Why.MALFORMED),
    "two parts": (lambda: signed().rpartition(".")[0], Why.MALFORMED),
    "no base64": (lambda: "!!!.???.***", Why.MALFORMED),
    "letters beyond ASCII": (lambda: "ä.ö.ü", Why.MALFORMED),
    "a null byte": (lambda: signed() + "\x00", Why.MALFORMED),
    "a space before": (lambda: " " + signed(), Why.MALFORMED),
    "far too long": (lambda: "a" * 3000, Why.TOO_LONG),
    "a long claim": (lambda: signed({"note": "x" * 3000}), Why.TOO_LONG),
    "no JSON in the header": (lambda: by_hand(b"{", CLAIMS), Why.MALFORMED),
    "a header that is a list": (lambda: by_hand([], CLAIMS), Why.MALFORMED),
    "no JSON in the payload": (lambda: by_hand(HEADER, b"nope"), Why.MALFORMED),
    "a payload that is a list": (lambda: by_hand(HEADER, [CLAIMS]), Why.MALFORMED),
    "a payload that is a text": (lambda: by_hand(HEADER, "x"), Why.MALFORMED),
    "a deep payload": (lambda: by_hand(HEADER, b"[" * 900), Why.MALFORMED),
    "signed by nobody": (lambda: unsigned("none"), Why.ALGORITHM),
    "signed by Nobody": (lambda: unsigned("None"), Why.ALGORITHM),
    "another hash": (lambda: by_hand({**HEADER, "alg": "HS512"}, CLAIMS), Why.ALGORITHM),
    "HS256 in small letters": (lambda: headed(alg="hs256"), Why.ALGORITHM),
    "RS256": (lambda: headed(alg="RS256"), Why.ALGORITHM),
    "no algorithm": (lambda: by_hand({"kid": "new"}, CLAIMS), Why.ALGORITHM),
    "an algorithm that is a list": (lambda: headed(alg=["HS256"]), Why.ALGORITHM),
    "a critical extension": (lambda: headed(crit=["b64"], b64=False), Why.MALFORMED),
    "no key's name": (lambda: by_hand({"alg": "HS256"}, CLAIMS), Why.UNKNOWN_KEY),
    "an unknown key": (lambda: signed(kid="newer"), Why.UNKNOWN_KEY),
    "a key's path": (lambda: signed(kid="../../dev/null"), Why.UNKNOWN_KEY),
    "a key's name that is a number": (lambda: headed(kid=7), Why.MALFORMED),
    "a key that it brings itself": (lambda: headed(kid="", jwk={"k": "AA"}), Why.UNKNOWN_KEY),
    "another key": (lambda: signed(key=FOREIGN), Why.SIGNATURE),
    "the old key under the new name": (lambda: signed(key=OLD), Why.SIGNATURE),
    "an empty key": (lambda: by_hand(HEADER, CLAIMS, key=b""), Why.SIGNATURE),
    "a changed payload": (lambda: tampered(90), Why.SIGNATURE),
    "a changed signature": (lambda: tampered(-10), Why.SIGNATURE),
    "a cut signature": (lambda: signed()[:-3], Why.SIGNATURE),
    "another's signature": (swapped, Why.SIGNATURE),
    "no signature": (lambda: signed().rpartition(".")[0] + ".", Why.SIGNATURE),
    "another issuer": (lambda: signed({"iss": "evil"}), Why.AUDIENCE),
    "no issuer": (lambda: signed({"iss": ...}), Why.AUDIENCE),
    "another audience": (lambda: signed({"aud": "else.example"}), Why.AUDIENCE),
    "no audience": (lambda: signed({"aud": ...}), Why.AUDIENCE),
    "several audiences": (lambda: claimed(aud=[AUDIENCE, "x"]), Why.AUDIENCE),
    "no id": (lambda: signed({"jti": ...}), Why.CLAIMS),
    "an empty id": (lambda: signed({"jti": ""}), Why.CLAIMS),
    "an id that is a number": (lambda: claimed(jti=1), Why.CLAIMS),
    "an id that is too long": (lambda: signed({"jti": "x" * 129}), Why.CLAIMS),
    "no identity": (lambda: signed({"sub": ...}), Why.CLAIMS),
    "an identity that is a list": (lambda: claimed(sub=["ann"]), Why.CLAIMS),
    "no room": (lambda: signed({"room": ...}), Why.CLAIMS),
    "a room that is null": (lambda: claimed(room=None), Why.CLAIMS),
    "no session": (lambda: signed({"session": ...}), Why.CLAIMS),
    "no role": (lambda: signed({"role": ...}), Why.CLAIMS),
    "no scope": (lambda: signed({"scope": ...}), Why.CLAIMS),
    "an unknown scope": (lambda: signed({"scope": "media admin"}), Why.CLAIMS),
    "scopes as a list": (lambda: signed({"scope": ["media"]}), Why.CLAIMS),
    "no time of issue": (lambda: signed({"iat": ...}), Why.CLAIMS),
    "no expiry": (lambda: signed({"exp": ...}), Why.CLAIMS),
    "an expiry that is text": (lambda: signed({"exp": str(NOW_S + 60)}), Why.CLAIMS),
    "an expiry that is a fraction": (lambda: signed({"exp": NOW_S + 60.5}), Why.CLAIMS),
    "an expiry that is true": (lambda: claimed(exp=True), Why.CLAIMS),
    "an expiry that never comes": (lambda: signed({"exp": 2**60}), Why.CLAIMS),
    "no number for an expiry": (lambda: claimed(exp=float("nan")), Why.CLAIMS),
    "a negative time of issue": (lambda: signed({"iat": -1}), Why.CLAIMS),
    "a life of two hours": (lambda: signed({"exp": NOW_S + 7200}), Why.TOO_LONG_LIFE),
    "expired": (lambda: signed({"exp": NOW_S - 1}), Why.EXPIRED),
    "expired this second": (lambda: signed({"exp": NOW_S}), Why.EXPIRED),
    "expired before it was issued": (lambda: signed({"exp": NOW_S - 100}), Why.EXPIRED),
    "of the future": (lambda: signed({"iat": NOW_S + 60, "exp": NOW_S + 120}), Why.NOT_YET),
}  # fmt: skip


@pytest.mark.parametrize(("token", "expected"), BAD.values(), ids=BAD.keys())
def test_a_bad_token_lets_nobody_in(token: Callable[[], str], expected: Why) -> None:
    assert why(token()) is expected


def test_there_are_more_than_sixty() -> None:
    assert len(BAD) > 60


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(BOTH, "cafe", "s-1", "caller"), None),
        (Wanted(frozenset()), None),
        (Wanted(BOTH, "vault"), Why.ROOM),
        (Wanted(BOTH, "Cafe"), Why.ROOM),
        (Wanted(BOTH, ""), Why.ROOM),
        (Wanted(BOTH, "cafe", "s-2"), Why.SESSION),
        (Wanted(BOTH, "cafe", "s-1", "operator"), Why.ROLE),
    ],
)
def test_a_token_is_good_for_what_it_names_alone(wanted: Wanted, expected: Why | None) -> None:
    if expected is None:
        require(GRANT, wanted)
        return
    with pytest.raises(TokenError) as refused:
        require(GRANT, wanted)
    assert refused.value.why is expected


def test_a_token_without_a_scope_asked_for_is_refused() -> None:
    token = read(signed({"scope": "media"}), KEYS, audience=AUDIENCE, now_s=NOW_S)
    require(token, Wanted(frozenset({Scope.MEDIA})))
    with pytest.raises(TokenError) as refused:
        require(token, Wanted(BOTH))
    assert refused.value.why is Why.SCOPE


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda each: each.decode("latin-1")))
def test_whatever_is_sent_is_refused_in_one_way(text: str) -> None:
    assert why(text) is not None


@given(st.integers(min_value=0), st.characters(min_codepoint=33, max_codepoint=126))
def test_no_letter_of_a_token_can_be_changed(place: int, letter: str) -> None:
    token = signed()
    place %= len(token)
    if token[place] == letter or letter == "=":
        return
    changed = token[:place] + letter + token[place + 1 :]
    if why(changed) is None:
        # The last letter of base64 has bits that say nothing.
        assert place == len(token) - 1
        assert _bytes(changed) == _bytes(token)


def _bytes(token: str) -> bytes:
    return base64.urlsafe_b64decode(token.rpartition(".")[2] + "=")


SECRET = base64.b64encode(NEW).decode()


def test_keys_are_read_and_the_first_signs() -> None:
    other = base64.urlsafe_b64encode(OLD).decode().rstrip("=")
    keys = TokenKeys.parse(f"2026-11:{SECRET},\n2026-10:{other}\n", source="KEYS")
    assert keys.current == "2026-11"
    assert keys.secrets == {"2026-11": NEW, "2026-10": OLD}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "one to 8 keys"),
        (SECRET, "no name"),
        ("a:", "no secret"),
        ("a b:x", "no name"),
        (f"a:{SECRET},a:{SECRET}", "the name 'a'"),
        (f"a:{SECRET},b:{SECRET}", "the same secret"),
        ("a:c2hvcnQ=", "too weak"),
        ("a:" + "A" * 60, "too weak"),
        (f"a:{SECRET}!", "too weak"),
    ],
)
def test_keys_that_protect_nothing_are_refused_and_not_shown(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        TokenKeys.parse(text, source="KEYS")
    assert SECRET not in str(refused.value)


def test_keys_do_not_show_when_printed() -> None:
    assert str(NEW) not in repr(KEYS)

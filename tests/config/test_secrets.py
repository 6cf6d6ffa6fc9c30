"""A secret is handed to its part, and shown nowhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bargein.config.masking import is_secret
from bargein.errors import ConfigError
from bargein.pipelines.effective import to_yaml
from bargein.pipelines.load import Config

SECRET = "hunter2-and-more"

TEXT = """\
name: cafe
transport: local
pipeline:
  - interruption
  - silero_vad
  - use: some_stt
    api_key: ${PASSWORD}
    pin: ${PASSWORD}
    model: nova
    headers: {authorization: "Bearer ${PASSWORD}"}
    anything: {vendor: {access_token: "${PASSWORD}", max_tokens: 500}}
  - {use: scripted_llm, script: cafe.yaml}
  - use: some_tts
    voice: wss://user:${PASSWORD}@voices
  - played_audio
"""
ENVIRON = {"PASSWORD": SECRET}
WRITTEN = TEXT.replace("${PASSWORD}", SECRET)
"""The same, with the secret itself in the file."""


def test_a_secret_is_handed_to_its_part_and_shown_nowhere(
    load_text: Callable[..., Config],
) -> None:
    config = load_text(TEXT, environ=ENVIRON)
    assert config.parts[2].build().api_key == SECRET
    assert config.parts[4].build().voice == f"wss://user:{SECRET}@voices"
    for shown in (repr(config), str(config), repr(config.parts), to_yaml(config)):
        assert SECRET not in shown
    assert "max_tokens: 500" in to_yaml(config)


def test_what_a_constructor_says_of_a_secret_is_struck_out(
    load_text: Callable[..., Config],
) -> None:
    config = load_text(TEXT.replace("nova", "broken"), environ=ENVIRON)
    with pytest.raises(ConfigError) as caught:
        config.parts[2].build()
    assert str(caught.value) == (
        "bot.yaml:6:10: pipeline[2]: 'some_stt' could not be made: "
        "RuntimeError: the vendor refused ***"
    )
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("api_key: hunter2-and-more", "api_key: [hunter2-and-more]"),
        ("api_key: hunter2-and-more", "api_keys: hunter2-and-more"),
        ("pin: hunter2-and-more", "pin: [hunter2-and-more]"),
        (
            'headers: {authorization: "Bearer hunter2-and-more"}',
            "headers: {authorization: [hunter2]}",
        ),
        ("model: nova", "mode: ${PASSWORD}"),
        ("model: nova", "mode: ${OTHER:?no ${PASSWORD}}"),
    ],
)
def test_a_mistake_beside_a_secret_does_not_show_it(
    old: str, new: str, problems_of: Callable[..., list[str]]
) -> None:
    for problem in problems_of(WRITTEN.replace(old, new), environ=ENVIRON):
        assert "hunter2" not in problem


def test_a_setting_does_not_show_its_value(problems_of: Callable[..., list[str]]) -> None:
    settings = (f"pipeline.some_stt.api_key=[{SECRET}", f"pipeline.some_sst.api_key={SECRET}")
    problems = problems_of(TEXT, *settings, environ=ENVIRON)
    assert len(problems) == 2
    assert not any(SECRET in problem for problem in problems)


def test_the_hash_does_not_depend_on_a_secret(load_text: Callable[..., Config]) -> None:
    config = load_text(TEXT, environ=ENVIRON)
    other = load_text(TEXT, environ={"PASSWORD": "another"})
    assert config.digest == other.digest


def test_the_password_in_a_url_is_not_shown(
    load_text: Callable[..., Config], problems_of: Callable[..., list[str]]
) -> None:
    with_url = TEXT.replace("user:${PASSWORD}", f"user:{SECRET}")
    assert "voice: wss://***@voices" in to_yaml(load_text(with_url, environ=ENVIRON))
    (problem,) = problems_of(
        with_url.replace("model: nova", f"mode: https://me:{SECRET}@there"), environ=ENVIRON
    )
    assert "not 'https://***@there'" in problem


def test_a_secret_in_the_query_of_a_url_is_not_shown(
    load_text: Callable[..., Config], problems_of: Callable[..., list[str]]
) -> None:
    url = f"https://bob:S@x/v1?model=fast&token={SECRET}&api%5Fkey=S2#part"
    with_url = TEXT.replace("wss://user:${PASSWORD}@voices", url)
    shown = to_yaml(load_text(with_url, environ=ENVIRON))
    assert "https://***@x/v1?model=fast&token=***&api%5Fkey=***#part" in shown
    (problem,) = problems_of(with_url.replace("model: nova", f"mode: {url}"), environ=ENVIRON)
    assert SECRET not in problem


def test_what_a_constructor_says_of_a_secret_in_a_url_is_struck_out(
    load_text: Callable[..., Config],
) -> None:
    text = TEXT.replace("nova", "broken").replace("api_key:", "mode: fast\n    api_key:")
    environ = {"PASSWORD": f"https://vendor/v1?token={SECRET}"}
    with pytest.raises(ConfigError) as caught:
        load_text(text, environ=environ).parts[2].build()
    assert SECRET not in str(caught.value)


def test_a_key_that_stands_in_a_file_is_refused_at_its_place(
    problems_of: Callable[..., list[str]],
) -> None:
    problems = problems_of(WRITTEN)
    assert [problem.split(": a key comes from")[0] for problem in problems] == [
        "bot.yaml:7:5: pipeline[2].api_key",
        "bot.yaml:8:5: pipeline[2].pin",
        "bot.yaml:10:15: pipeline[2].headers.authorization",
        "bot.yaml:11:25: pipeline[2].anything.vendor.access_token",
    ]
    assert problems[0].endswith("Set a variable to it, and write `api_key: ${API_KEY}`.")
    assert SECRET not in "".join(problems)


@pytest.mark.parametrize(
    ("key", "refused"),
    [
        ("api_key: ${PASSWORD}", False),
        ("api_key: ${PASSWORD:?set it}", False),
        ("api_key: ${UNSET:-}", False),
        ("api_key: ''", False),
        ("api_key: ${PASSWORD:-something}", False),
        ("api_key: ${UNSET:-something}", True),
        ("api_key: something", True),
        ("api_key: '1234'", True),
        ("anything: {password: 1234}", True),
        ("anything: {secrets: [one, '${PASSWORD}']}", True),
        ("anything: [{accessToken: one}]", True),
        ("anything: {X-Api-Key: one}", True),
        ("anything: {credentials: {user: me, at: there}}", True),
        ("anything: {credentials_path: account.json}", False),
        ("anything: {tokenizer: plain, stop_tokens: [one], max_tokens: 5}", False),
        ("anything: {keyterm: tea, use_cookies: true}", False),
    ],
)
def test_what_the_environment_gives_is_taken_and_what_is_written_is_not(
    key: str, refused: bool, problems_of: Callable[..., list[str]], load_text: Callable[..., Config]
) -> None:
    lines = [line for line in TEXT.splitlines() if key.partition(":")[0] not in line]
    text = "\n".join(lines).replace("    pin:", f"    {key}\n    pin:")
    if refused:
        (problem,) = problems_of(text, environ=ENVIRON)
        assert ": a key comes from the environment" in problem
    else:
        load_text(text, environ=ENVIRON)


def test_a_setting_of_the_command_line_is_no_place_for_a_key_either(
    problems_of: Callable[..., list[str]],
) -> None:
    (problem,) = problems_of(TEXT, f"pipeline.some_stt.api_key={SECRET}", environ=ENVIRON)
    assert ": a key comes from the environment" in problem
    assert SECRET not in problem


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("api_key", "x", True),
        ("apikey", "x", True),
        ("key", "x", True),
        ("api_keys", "x", True),
        ("AWS_SECRET_ACCESS_KEY", "x", True),
        ("auth_token", "x", True),
        ("password", 1234, True),
        ("max_tokens", 500, False),
        ("keyterm", "x", False),
        ("monkey", "x", False),
        ("api_key", None, False),
        ("key_variable", "OUR_KEY", False),
        ("key_variable", "sk-1a2b3c", True),
        # It could be a variable's name, and is a key of ElevenLabs'.
        ("key_variable", "sk_1a2b3c", True),
    ],
)
def test_secrets_are_known_by_their_names(name: str, value: object, secret: bool) -> None:
    assert is_secret(name, value) is secret

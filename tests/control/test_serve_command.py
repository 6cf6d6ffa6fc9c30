"""What `bargein serve` takes and refuses before anything runs, and what workers are told."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bargein import configs
from bargein.cli import main
from bargein.errors import ConfigError
from bargein.pipelines.control.command import (
    ServeOptions,
    check,
    media_sources,
    named,
    only_one,
    orders_of,
)
from bargein.pipelines.control.worker import Orders, room_of
from bargein.pipelines.load import load

CONFIGS = Path(next(iter(configs.__path__)))
OPTIONS = ServeOptions(
    host="127.0.0.1", port=7860, store=Path("store.db"), workers=1, capacity=5,
    media_host="127.0.0.1", media_url="", drain_s=30, public=True, public_per_minute=12,
    origins=("https://shop.example",), settings=(),
)  # fmt: skip


def test_a_bot_is_called_as_its_file_is() -> None:
    assert list(named([Path("a/cafe.yaml"), Path("b/bank-2.yaml")])) == ["cafe", "bank-2"]


@pytest.mark.parametrize(
    ("paths", "said"),
    [(["a/cafe.yaml", "b/cafe.yml"], "have one name"), (["the café.yaml"], "rename the file"),
     (["a.b.yaml"], "rename the file")],
)  # fmt: skip
def test_names_that_can_not_stand_in_addresses_are_refused(paths: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        named([Path(each) for each in paths])


@pytest.mark.parametrize(
    ("name", "said"),
    [("daily", "makes no rooms at Daily"), ("device", "`bargein run` alone"),
     ("webrtc", "transport `local`")],
)  # fmt: skip
def test_a_bot_that_no_worker_can_place_is_refused_at_its_line(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        check(load(CONFIGS / f"{name}.yaml", overrides=(), environ=os.environ))
    assert f"{name}.yaml:" in str(refused.value)


@pytest.mark.parametrize(
    ("media_url", "host", "sources"),
    [
        ("", "127.0.0.1", "ws://127.0.0.1:*"),
        ("", "::1", "ws://[::1]:*"),
        ("wss://bots.example/{worker}", "127.0.0.1", "wss://bots.example"),
        ("wss://bots.example:8443/{port}", "127.0.0.1", "wss://bots.example:8443"),
        ("wss://bots.example:{port}", "127.0.0.1", "wss://bots.example:*"),
    ],
)
def test_the_page_may_connect_to_workers_and_nowhere_else(
    media_url: str, host: str, sources: str
) -> None:
    assert media_sources(replace(OPTIONS, media_url=media_url, media_host=host)) == sources


def test_workers_know_whose_pages_may_connect_and_how_many() -> None:
    orders = orders_of("1-aa", 1, {"local": CONFIGS / "local.yaml"}, OPTIONS)
    assert Orders.model_validate_json(orders.model_dump_json()) == orders
    room = room_of(load(CONFIGS / "local.yaml", overrides=(), environ=os.environ), orders)
    assert room.max_sessions == 5
    assert {"https://shop.example", "http://127.0.0.1:7860"} <= room.allowed_origins


def test_one_store_has_one_control_process(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    with only_one(store), pytest.raises(ConfigError, match="another `bargein serve` has it"):  # noqa: SIM117
        with only_one(store):
            pass
    with only_one(store):
        pass
    with pytest.raises(ConfigError, match="Name another file"), only_one(tmp_path / "no" / "x.db"):
        pass


@pytest.mark.parametrize(
    ("environ", "arguments", "said"),
    [
        ({}, [], "Nobody could ask for a room"),
        ({"BARGEIN_API_KEYS": "short"}, [], "key 1 is too weak"),
        ({"BARGEIN_TOKEN_KEYS": "new:c2hvcnQ="}, ["--public"], "the secret of key 1 is too weak"),
        ({"BARGEIN_TOKEN_KEYS_FILE": "/nowhere/keys"}, ["--public"], "can't be read"),
    ],
)
def test_keys_that_are_missing_or_weak_are_told_at_the_start(
    environ: dict[str, str], arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    pytest.importorskip("espeakng_loader", reason="the extra 'embedded' is not installed")
    for name in ("BARGEIN_API_KEYS", "BARGEIN_TOKEN_KEYS", "BARGEIN_TOKEN_KEYS_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("bargein.pipelines.control.command.log_to_terminal", lambda _: None)
    command = ["serve", str(CONFIGS / "local.yaml"), "--store", str(tmp_path / "s.db"), *arguments]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert said in result.output

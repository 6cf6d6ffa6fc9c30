"""Calls at the wrong moment: of a reply that was given up, of one that is only prepared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.injection.attacks import Attack
from tests.injection.guarded import SOUND, aftermath, served, write_config
from tests.injection.world_rig import KEY, World, a_world
from tests.room.caller import Caller, heard_words

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

NOTE = 'note({"text": "spam"})'


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", KEY)
    monkeypatch.setenv("STOCK_URL", "http://127.0.0.1:9")


def changed(world: World, *changes: tuple[str, str]) -> None:
    """Change the world's config."""
    path = world.home / "bot.yaml"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


async def test_a_call_of_a_reply_that_was_interrupted_never_runs(tmp_path: Path) -> None:
    attack = Attack("late", (NOTE, "stop"))
    with a_world(tmp_path / "world") as world:
        config = write_config(world.prepare(attack), world)
        slow = (
            "world: .\n    thinks_s: 2\n    preamble: Well, let me see, there is much to be said."
        )
        changed(world, ("world: .", slow), ("words_per_minute: 400", "words_per_minute: 120"))
        async with served(config) as url, Caller(url) as caller:
            caller.say(SOUND, after_s=0.2)
            await caller.until(lambda: "speaking" in caller.floors())
            caller.say(SOUND, after_s=0.4)
            await caller.until(lambda: caller.floors()[-1] == "idle" and len(caller.heard_ms) > 1)
            await caller.until(lambda: "stale" in audit(world))
        came = aftermath(attack, world)
    assert (came.did, came.leaked) == ((), ())


def audit(world: World) -> str:
    """What the audit holds so far."""
    path = world.home / "audit.jsonl"
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize(("meant", "does"), [("never mind", ()), (NOTE, ("note spam",))])
async def test_a_call_of_a_prepared_reply_runs_only_if_that_was_meant(
    meant: str, does: tuple[str, ...], tmp_path: Path
) -> None:
    attack = Attack("early", (NOTE,), does=does)
    with a_world(tmp_path / "world") as world:
        config = write_config(world.prepare(attack), world)
        eager = f"EagerStt\n    means: ['{meant}']"
        changed(
            world,
            ("GivenStt", eager),
            (
                "  - use: tests.injection",
                "  - use: speculation\n    stable_ms: 100\n  - use: tests.injection",
            ),
        )
        async with served(config) as url, Caller(url) as caller:
            caller.say(SOUND, after_s=0.2)
            await caller.until(lambda: caller.floors()[-2:] == ["speaking", "idle"])
            await caller.until(lambda: world.missing(attack) == ())
        came = aftermath(attack, world)
    assert (came.did, came.missing) == ((), ())


async def test_who_hangs_up_over_the_question_has_not_said_yes(tmp_path: Path) -> None:
    attack = Attack("gone", ('refund({"order": "A-1", "amount": 20})',))
    with a_world(tmp_path / "world") as world:
        config = write_config(world.prepare(attack), world)
        async with served(config) as url:
            async with Caller(url) as caller:
                caller.say(SOUND, after_s=0.2)
                await caller.until(lambda: "correct?" in heard_words(caller, len(caller.tape)))
            await caller.until(lambda: '"refund"' in audit(world))
        came = aftermath(attack, world)
    assert (came.did, came.leaked) == ((), ())
    assert "started" not in audit(world)

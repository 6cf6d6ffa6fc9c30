"""The whole loop over a real WebSocket, with the real pipeline: who spoke, what was heard."""

from __future__ import annotations

import pytest

from bargein.protocol import Accepted, Rejected, Transcript, Words
from tests.room.caller import Caller, heard_words, same_voice
from tests.room.conftest import Open
from tests.room.parts import GivenLlm, Tap, messages
from tests.room.speech import blip, spoken

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

SHORT = "Our house blend comes from three farms in the hills of Colombia."
MIDDLE = f"{SHORT} The beans are washed and dried in the sun for two weeks."
LONG = f"{MIDDLE} Then we roast them slowly, every Tuesday and every Friday."
"""About 3, 7 and 10 s: who plays a bot to its end takes no longer one than it needs."""


def heard_from_bot() -> list[str]:
    """What the context says that the bot was heard to say."""
    return [text for role, text in messages() if role == "assistant"]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Tap.made.clear()
    GivenLlm.contexts.clear()


async def test_an_uninterrupted_reply_is_heard_sample_by_sample(open_room: Open) -> None:
    room = await open_room("greeting: Good morning to you.")
    async with Caller(room.url) as caller:
        await caller.until(lambda: bool(caller.floors()))
        await caller.until(lambda: caller.floors()[-1:] == ["idle"])
        assert same_voice(bytes(caller.tape[1]), b"".join(Tap.made))


async def test_words_over_the_bot_take_the_floor_and_the_context_holds_what_was_played(
    open_room: Open,
) -> None:
    room = await open_room(
        f"greeting: {LONG!r}",
        settings=("pipeline.2.hears=[what about tea]", "pipeline.3.answers=[We have tea.]"),
    )
    async with Caller(room.url) as caller:
        await caller.until(lambda: caller.played_ms(1) > 2000)
        caller.say(spoken("What about tea, please?"))
        accepted = await caller.until_message(Accepted)
        assert accepted.cut_samples == len(caller.tape[1]) // 2
        assert caller.truncates[0].played_samples == accepted.cut_samples
        await caller.until(lambda: len(messages()) == 4)
        assert messages()[0] == ("assistant", accepted.heard_text)
        assert messages()[2:] == [("user", "what about tea"), ("assistant", "We have tea.")]
        assert f"{accepted.heard_text} {accepted.unheard_text}" == LONG


async def test_what_a_client_that_ducks_played_until_the_verdict_was_heard(
    open_room: Open,
) -> None:
    room = await open_room(
        f"greeting: {LONG!r}",
        settings=("pipeline.2.hears=[tea, milk]", f"pipeline.3.answers=[{LONG!r}, {LONG!r}]"),
    )
    async with Caller(room.url, duck=True) as caller:
        await caller.until(lambda: caller.played_ms(1) > 1500)
        caller.say(spoken("What about tea?"))
        await caller.until_message(Accepted)
        await caller.until(lambda: caller.played_ms(2) > 1500)
        caller.say(spoken("And what about milk?"))
        await caller.until_message(Accepted, count=2)
        heard = [heard_words(caller, 1), heard_words(caller, 2)]
        await caller.until(lambda: heard_from_bot() == heard)


async def test_a_sound_too_short_for_a_word_is_rejected_and_nothing_is_lost(
    open_room: Open,
) -> None:
    room = await open_room(f"greeting: {SHORT!r}")
    async with Caller(room.url, threshold=0.3) as caller:
        await caller.until(lambda: caller.played_ms(1) > 1500)
        caller.say(blip())
        rejected = await caller.until_message(Rejected)
        assert rejected.at_sample == caller.truncates[0].played_samples
        await caller.until(lambda: caller.floors()[-1:] == ["idle"])
        assert same_voice(bytes(caller.tape[1]), b"".join(Tap.made))
        assert not caller.messages(Accepted)


async def test_an_interruption_without_words_is_made_good(open_room: Open) -> None:
    room = await open_room(f"greeting: {LONG!r}", settings=("pipeline.2.hears=['']",))
    async with Caller(room.url) as caller:
        await caller.until(lambda: caller.played_ms(1) > 4500)
        caller.say(spoken("mmmmh ahhhh"))
        accepted = await caller.until_message(Accepted)
        await caller.until(lambda: caller.played_ms(2) > 500)
        said = [each for each in caller.messages(Words) if each.utterance == 2]
        spoken_words = {
            each.first_word + i: w.text for each in said for i, w in enumerate(each.words)
        }
        text = " ".join(spoken_words[i] for i in sorted(spoken_words))
        assert text.startswith("As I was saying, The beans are washed")
        assert text.endswith(accepted.unheard_text)


async def test_without_a_vad_in_the_client_the_server_contests_the_floor(open_room: Open) -> None:
    room = await open_room(f"greeting: {LONG!r}", settings=("pipeline.2.hears=[hello]",))
    async with Caller(room.url, vad=False) as caller:
        await caller.until(lambda: caller.played_ms(1) > 1500)
        caller.say(spoken("Hello there, hello."))
        accepted = await caller.until_message(Accepted)
        await caller.until_message(Transcript)
        # The cut was an estimate; the client's last word on its position corrects it.
        await caller.until(lambda: bool(messages()))
        assert messages()[0] == ("assistant", heard_words(caller, accepted.utterance))

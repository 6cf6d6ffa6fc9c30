"""When a turn ends: audio comes by hand, so silence is exact, and no test waits for a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    ProposedUserStoppedSpeakingFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.turns.user_stop import UserTurnStoppedParams
from pipecat.utils.asyncio.task_manager import TaskManager
from pipecat.utils.base_object import BaseObject

from bargein.endpointing import EndedBy, EndpointRules
from bargein.processors import end_of_turn
from bargein.processors.end_of_turn import EndOfTurn
from bargein.processors.floor_frames import SILENCE_MS
from bargein.processors.transcripts_frames import NoWordsFrame
from bargein.protocol import MICROPHONE_RATE_HZ
from bargein.voice_activity import WINDOW_MS

RULES = EndpointRules()
LONG = "what time do you close today"
PAUSE_MS = 224
"""When the VAD calls the speech stopped."""


@dataclass
class Ears:
    """A smart turn that answers as it is told; None never answers."""

    answers: list[float | None] = field(default_factory=list)
    heard_ms: list[float] = field(default_factory=list)
    """How much audio it was asked about, each time."""

    async def probability(self, pcm: bytes) -> float:
        self.heard_ms.append(len(pcm) / 2 * 1000 / MICROPHONE_RATE_HZ)
        answer = self.answers.pop(0)
        if answer is None:
            await asyncio.Event().wait()
        return answer or 0.0


class Turn:
    """A turn, told by hand."""

    def __init__(
        self,
        *,
        ears: Ears | None = None,
        rules: EndpointRules = RULES,
        our_vad: bool = True,
        may_stand: bool = False,
        confirms: bool = False,
    ) -> None:
        self.ended: list[tuple[bool, EndedBy]] = []
        self.confirmed: list[bool] = []
        self.ended_after_ms: float | None = None
        self._our_vad = our_vad
        self._silence_ms: float | None = None
        self._confirms = confirms
        self.end = EndOfTurn(
            listener=self,
            rules=rules,
            analyzer=ears,
            may_stand=lambda: may_stand,
            confirms=self._confirm,
        )
        self.end.add_event_handler("on_user_turn_stopped", self._stopped)

    async def _confirm(self) -> bool:
        return self._confirms

    async def _stopped(self, _: object, params: UserTurnStoppedParams) -> None:
        # As Pipecat's controller does.
        await self.end.handle_user_turn_stopped()
        self.confirmed.append(params.confirms_speculation)

    def turn_ended(self, *, has_words: bool, ended_by: EndedBy) -> None:
        """As the arbiter hears of it."""
        self.ended.append((has_words, ended_by))
        self.ended_after_ms = self._silence_ms

    async def hears(self, frame: Frame) -> None:
        """A frame comes, and all that follows from it happens."""
        await self.end.process_frame(frame)
        for _ in range(5):
            await asyncio.sleep(0)

    async def begins(self) -> None:
        """The user speaks, and has the floor."""
        await self.hears(VADUserStartedSpeakingFrame(start_secs=0.35))
        await self.end.handle_user_turn_started()
        await self.audio(0)

    async def says(self, text: str, *, final: bool = True, finalized: bool = True) -> None:
        """The recogniser tells words."""
        if final:
            await self.hears(TranscriptionFrame(text, "", "", finalized=finalized))
        else:
            await self.hears(InterimTranscriptionFrame(text, "", ""))

    async def audio(self, silence_ms: float | None) -> None:
        """A window of the microphone comes, with what our VAD writes on it."""
        samples = WINDOW_MS * MICROPHONE_RATE_HZ // 1000
        frame = InputAudioRawFrame(bytes(2 * samples), MICROPHONE_RATE_HZ, 1)
        if silence_ms is not None and self._our_vad:
            frame.metadata[SILENCE_MS] = silence_ms
        self._silence_ms = silence_ms
        await self.hears(frame)

    async def silent(self, until_ms: float, since_ms: float = 0) -> None:
        """So long nobody speaks; the VAD says so in its time."""
        silence_ms = since_ms
        while silence_ms < until_ms and not self.ended:
            silence_ms += WINDOW_MS
            if silence_ms == PAUSE_MS:
                self._silence_ms = silence_ms
                await self.hears(VADUserStoppedSpeakingFrame(stop_secs=PAUSE_MS / 1000))
            await self.audio(silence_ms)


Script = Callable[[Turn], Awaitable[None]]


async def played(script: Script, **settings: object) -> Turn:
    """A turn to which this happens, and which is cleaned up."""
    turn = Turn(**settings)  # type: ignore[arg-type]
    tasks = TaskManager()
    await BaseObject.setup(turn.end, tasks)
    try:
        await script(turn)
    finally:
        await turn.end.cleanup()
    assert not tasks.current_tasks()
    return turn


def silence_after(*said: str, finalized: bool = True) -> Script:
    """These finals come while the user speaks, and then it is silent for 2 s."""

    async def script(turn: Turn) -> None:
        await turn.begins()
        for text in said:
            await turn.says(text, finalized=finalized)
        await turn.silent(2000)

    return script


CASES: list[tuple[str, Sequence[float | None], str, float, EndedBy]] = [
    ("smart turn is sure", [0.9], LONG, 224, EndedBy.SMART_TURN),
    ("it is sure when asked again", [0.0, 0.9], LONG, 224, EndedBy.SMART_TURN),
    ("it is in doubt", [0.0, 0.3], LONG, 256, EndedBy.SMART_TURN),
    ("it is not asked a third time", [0.0, 0.0, 0.9], LONG, 704, EndedBy.SILENCE),
    ("it never answers", [None], LONG, 704, EndedBy.SILENCE),
    ("a short answer", [0.0, 0.0], "no thanks", 256, EndedBy.TEXT),
    ("a number is being told", [0.9], "my number is five five five", 1504, EndedBy.SILENCE),
]


@pytest.mark.parametrize(
    ("answers", "text", "after_ms", "because"),
    [pytest.param(*case, id=name) for name, *case in CASES],
)
async def test_when_a_turn_ends(
    answers: list[float | None], text: str, after_ms: float, because: EndedBy
) -> None:
    turn = await played(silence_after(text), ears=Ears(list(answers)))
    assert turn.ended == [(True, because)]
    assert turn.ended_after_ms == after_ms


async def test_without_a_model_words_and_silence_count() -> None:
    assert (await played(silence_after("no thanks"))).ended_after_ms == 256
    assert (await played(silence_after(LONG))).ended_after_ms == 704


async def test_with_another_vad_the_audio_since_the_stop_is_counted() -> None:
    ears = Ears([0.0, 0.0])
    turn = await played(silence_after(LONG), ears=ears, our_vad=False)
    assert turn.ended == [(True, EndedBy.SILENCE)]
    # The window in which the VAD said so counts twice.
    assert turn.ended_after_ms == 704 - WINDOW_MS


async def test_smart_turn_is_asked_while_the_vad_still_waits() -> None:
    ears = Ears([0.9])

    async def script(turn: Turn) -> None:
        await turn.begins()
        await turn.silent(96)
        assert len(ears.heard_ms) == 1
        assert not turn.ended

    await played(script, ears=ears)


async def test_smart_turn_hears_the_turn_from_before_its_first_word_on() -> None:
    ears = Ears([0.0, 0.0])
    first_ms = 350 + 500 + WINDOW_MS + 96

    async def script(turn: Turn) -> None:
        for _ in range(100):
            await turn.audio(None)
        await turn.begins()
        await turn.silent(96)
        # Of the same turn nothing is dropped.
        await turn.hears(VADUserStartedSpeakingFrame(start_secs=0.0))
        await turn.audio(0)
        await turn.silent(96)

    await played(script, ears=ears)
    assert ears.heard_ms == [first_ms, first_ms + WINDOW_MS + 96]


async def test_speech_begins_the_silence_anew() -> None:
    async def script(turn: Turn) -> None:
        await turn.begins()
        await turn.says("I would like two of the")
        await turn.silent(640)
        await turn.hears(VADUserStartedSpeakingFrame(start_secs=0.35))
        await turn.audio(0)
        await turn.says("lemon cakes with cream")
        await turn.silent(2000)

    turn = await played(script)
    assert turn.ended_after_ms == 704


async def test_a_sound_that_may_be_speech_holds_the_end_back_and_a_click_does_not() -> None:
    async def script(turn: Turn) -> None:
        await turn.begins()
        await turn.says(LONG)
        await turn.silent(672)
        await turn.audio(0)
        assert not turn.ended
        await turn.audio(736)

    assert (await played(script)).ended == [(True, EndedBy.SILENCE)]


async def test_an_answer_of_smart_turn_about_an_older_pause_is_void() -> None:
    ears = Ears([None, 0.0, 0.0])
    late = asyncio.Event()

    async def answers_late(pcm: bytes) -> float:
        if ears.answers.pop(0) is None:
            await late.wait()
            return 0.9
        return 0.0

    ears.probability = answers_late  # type: ignore[method-assign]

    async def script(turn: Turn) -> None:
        await turn.begins()
        await turn.says(LONG)
        await turn.silent(128)
        await turn.audio(0)
        late.set()
        await turn.silent(2000)

    turn = await played(script, ears=ears)
    assert turn.ended == [(True, EndedBy.SILENCE)]


async def test_silence_from_before_the_turn_began_does_not_end_it() -> None:
    ears = Ears([0.0, 0.0])

    async def script(turn: Turn) -> None:
        await turn.audio(5000)
        await turn.end.handle_user_turn_started()
        await turn.says(LONG)
        for n in range(20):
            await turn.audio(5000 + n * WINDOW_MS)
        assert not turn.ended
        for n in range(20, 25):
            await turn.audio(5000 + n * WINDOW_MS)

    assert (await played(script, ears=ears)).ended == [(True, EndedBy.SILENCE)]
    assert len(ears.heard_ms) == 2


async def test_it_does_not_end_before_the_recogniser_has_had_its_say() -> None:
    async def script(turn: Turn) -> None:
        await turn.begins()
        await turn.says("no", final=False)
        await turn.silent(640)
        assert not turn.ended
        # It comes in silence: nothing is left out, though the service does not say so.
        await turn.says("no", finalized=False)

    assert (await played(script)).ended == [(True, EndedBy.TEXT)]


async def test_a_final_transcript_in_mid_speech_is_not_the_last() -> None:
    async def script(turn: Turn) -> None:
        await turn.begins()
        await turn.says("no", finalized=False)
        await turn.silent(640)
        assert not turn.ended
        await turn.hears(NoWordsFrame())

    assert (await played(script)).ended == [(True, EndedBy.TEXT)]


async def test_words_that_come_late_may_make_it_wait() -> None:
    async def script(turn: Turn) -> None:
        await turn.begins()
        await turn.silent(448)
        await turn.says("my code is four two")
        await turn.silent(2000, since_ms=448)

    assert (await played(script, ears=Ears([0.9]))).ended_after_ms == 1504


@pytest.mark.parametrize("confirms", [True, False])
async def test_partial_words_may_stand_and_their_reply_may_be_there(confirms: bool) -> None:
    async def script(turn: Turn) -> None:
        await turn.begins()
        await turn.says("no thanks", final=False)
        await turn.silent(2000)

    turn = await played(script, ears=Ears([0.9]), may_stand=True, confirms=confirms)
    assert turn.ended == [(True, EndedBy.SMART_TURN)]
    assert turn.confirmed == [confirms]
    assert turn.end.words == "no thanks"


async def test_what_does_not_sound_complete_waits_for_the_final_words() -> None:
    async def script(turn: Turn) -> None:
        await turn.begins()
        await turn.says("no thanks", final=False)
        await turn.silent(640)
        assert not turn.ended
        await turn.says("No thanks,")
        await turn.silent(1600, since_ms=640)

    turn = await played(script, ears=Ears([0.3, 0.3]), may_stand=True)
    assert turn.ended == [(True, EndedBy.SILENCE)]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time is given to the recogniser, nor to a wire without audio."""
    monkeypatch.setattr(end_of_turn, "STALL_S", 0.0)
    monkeypatch.setattr(end_of_turn, "TRANSCRIPT_WAIT_S", 0.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("partial", "ended"),
    [("", (False, EndedBy.NO_TRANSCRIPT)), ("no thanks", (True, EndedBy.SILENCE))],
)
async def test_a_recogniser_that_never_finishes_and_a_wire_without_audio_hold_nobody(
    partial: str, ended: tuple[bool, EndedBy]
) -> None:
    rules = EndpointRules(silence_ms=50, likely_silence_ms=50)

    async def script(turn: Turn) -> None:
        await turn.begins()
        await turn.says(partial, final=False)
        await turn.hears(VADUserStoppedSpeakingFrame(stop_secs=0.02))
        async with asyncio.timeout(2):
            while not turn.ended:  # noqa: ASYNC110  (nothing tells of it but the turn itself)
                await asyncio.sleep(0.005)

    turn = await played(script, rules=rules)
    assert turn.ended == [ended]
    assert turn.end.words_owed is not ended[0]


@pytest.mark.parametrize(("silent", "ends"), [(True, True), (False, False)])
async def test_a_recogniser_that_decides_itself_ends_the_turn_but_not_in_mid_speech(
    silent: bool, ends: bool
) -> None:
    async def script(turn: Turn) -> None:
        await turn.begins()
        if silent:
            await turn.silent(PAUSE_MS)
        await turn.says("my number is five five five")
        assert not turn.ended
        await turn.hears(ProposedUserStoppedSpeakingFrame())

    turn = await played(script)
    assert turn.ended == ([(True, EndedBy.RECOGNISER)] if ends else [])

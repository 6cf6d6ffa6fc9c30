"""What we rely on in Pipecat 1.14 that it does not promise. Each test names who relies on it."""

from __future__ import annotations

import inspect
from dataclasses import fields
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import numpy as np
import onnxruntime
from pipecat.frames.frames import (
    Frame,
    FunctionCallFromLLM,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    StartFrame,
    TextFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMAssistantAggregator,
    LLMUserAggregator,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import LLMService
from pipecat.tests.utils import SleepFrame, run_test
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.turns.speculation_gate import SpeculationGate
from pipecat.turns.user_stop import BaseUserTurnStopStrategy
from pipecat.turns.user_turn_controller import UserTurnController
from pipecat.utils.text.base_text_aggregator import TextType

from bargein.cut import Cut
from bargein.processors.assistant_context import AssistantContext
from bargein.processors.played_audio import HEARD


def test_the_version_is_the_one_that_all_this_was_read_in() -> None:
    assert version("pipecat-ai") == "1.14.0"


def test_the_silero_model_lies_where_it_lay_and_takes_its_state_as_input() -> None:
    """tests/test_silero.py holds our own reading of the model against it."""
    path = files("pipecat.audio.vad.data") / "silero_vad.onnx"
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == ["input", "state", "sr"]
    output, state = session.run(
        None,
        {
            "input": np.zeros((1, 576), np.float32),
            "state": np.zeros((2, 1, 128), np.float32),
            "sr": np.array(16_000, np.int64),
        },
    )
    assert output.shape == (1, 1)
    assert state.shape == (2, 1, 128)


def test_smart_turn_keeps_nothing_between_questions() -> None:
    """processors/smart_turn.py has one analyzer for all bots, which ask at the same time."""
    from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3

    analyzer = LocalSmartTurnAnalyzerV3()
    analyzer.set_sample_rate(16_000)
    before = {name: id(value) for name, value in vars(analyzer).items()}
    hiss = np.random.default_rng(1).normal(0, 0.1, 16_000).astype(np.float32)
    answers = [analyzer._predict_endpoint(each)["probability"] for each in (hiss, -hiss, hiss)]
    assert all(0 <= answer <= 1 for answer in answers)
    assert answers[0] == answers[2]
    assert {name: id(value) for name, value in vars(analyzer).items()} == before


def test_the_controller_tells_a_stop_strategy_of_every_end_of_a_turn() -> None:
    """processors/end_of_turn.py reports the end from there, the watchdog's ends included."""
    source = inspect.getsource(UserTurnController._trigger_user_turn_stop)
    assert source.index("handle_user_turn_stopped") < source.index("_call_event_handler")
    assert inspect.iscoroutinefunction(BaseUserTurnStopStrategy.handle_user_turn_stopped)


class MarksInterruptions(FrameProcessor):
    """Writes a cut on every InterruptionFrame that passes, as the tracker does."""

    def __init__(self, cut: Cut) -> None:
        super().__init__()
        self._cut = cut

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            frame.metadata[HEARD] = self._cut
        await self.push_frame(frame, direction)


def texts(context: LLMContext) -> list[tuple[str, str]]:
    """Role and text of each message."""
    messages: list[Any] = context.messages
    return [(str(each["role"]), str(each["content"])) for each in messages]


def spoken(text: str) -> TTSTextFrame:
    """A word that the tracker has let go."""
    return TTSTextFrame(text, TextType.WORD)


async def test_the_cut_on_an_interruption_replaces_what_was_gathered() -> None:
    """processors/assistant_context.py: `_handle_interruptions`, `_aggregation`, `_context`."""
    context = LLMContext()
    user = LLMUserAggregator(context)
    cut = Cut(1, 10, heard="one two", unheard="three", remainder="three", heard_in_reply="one two")
    assistant = AssistantContext(context, user=user)
    await run_test(
        Pipeline([MarksInterruptions(cut), assistant]),
        frames_to_send=[
            LLMFullResponseStartFrame(),
            spoken("one"),
            spoken("two"),
            spoken("three"),
            SleepFrame(0.05),
            InterruptionFrame(),
            SleepFrame(0.05),
        ],
    )
    assert texts(context)[0] == ("assistant", "one two")


async def test_an_interruption_that_overtakes_the_reply_still_leaves_what_was_heard() -> None:
    """processors/assistant_context.py sets `_assistant_turn_start_timestamp` itself."""
    context = LLMContext()
    cut = Cut(1, 10, heard="one", unheard="two", remainder="two", heard_in_reply="one")
    await run_test(
        Pipeline(
            [
                MarksInterruptions(cut),
                AssistantContext(context, user=LLMUserAggregator(context)),
            ]
        ),
        frames_to_send=[InterruptionFrame(), SleepFrame(0.05)],
    )
    assert texts(context)[0] == ("assistant", "one")
    assert texts(context)[1][0] == "developer"


async def test_a_reply_that_is_heard_to_its_end_is_joined_with_spaces() -> None:
    """processors/played_audio.py lets words go one by one."""
    context = LLMContext()
    await run_test(
        LLMAssistantAggregator(context),
        frames_to_send=[
            LLMFullResponseStartFrame(),
            spoken("Good"),
            spoken("morning."),
            LLMFullResponseEndFrame(),
        ],
    )
    assert texts(context) == [("assistant", "Good morning.")]


class DeafOutput(BaseOutputTransport):
    """An output without audio, as the local room's is."""

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)


async def test_frames_pass_an_output_without_audio_in_order() -> None:
    """transports/local/transport.py: the tracker sends the audio, the rest flows through."""
    down, _ = await run_test(
        DeafOutput(TransportParams()),
        frames_to_send=[TextFrame("one"), spoken("two"), LLMFullResponseEndFrame()],
    )
    texts = [frame.text for frame in down if isinstance(frame, TextFrame)]
    assert texts == ["one", "two"]
    assert isinstance(down[-1], LLMFullResponseEndFrame)


def test_the_user_aggregator_writes_a_turn_with_or_without_asking_the_llm() -> None:
    """processors/user_context.py writes a turn whose reply is there already."""
    written = inspect.signature(LLMUserAggregator._push_aggregation)
    assert written.parameters["run_llm"].default is True
    assert inspect.iscoroutinefunction(LLMUserAggregator._handle_transcription)
    finalized = inspect.signature(BaseUserTurnStopStrategy.trigger_user_turn_finalized)
    assert "confirms_speculation" in finalized.parameters


def test_a_call_runs_where_we_stand_and_nowhere_else() -> None:
    """processors/guarded_llm.py overrides these, and so nothing that is registered runs."""
    assert list(inspect.signature(LLMService._run_function_call).parameters) == [
        "self",
        "runner_item",
    ]
    assert list(inspect.signature(LLMService._sync_registered_tool_handlers).parameters) == [
        "self",
        "tools",
    ]
    runs = inspect.getsource(LLMService._run_function_call)
    assert runs.count("await item.handler") == len(["invoke", "call"])
    everything = inspect.getsource(inspect.getmodule(LLMService))  # type: ignore[arg-type]
    assert everything.count("item.handler.invoke(") == everything.count("item.handler(params)") == 1
    assert set(inspect.signature(LLMService._advertised_tool_names).parameters) == {"context"}
    assert isinstance(SpeculationGate.is_speculating, property)


def test_all_tools_of_a_reply_pass_one_place_of_the_llm_service() -> None:
    """processors/provisional_llm.py withholds them there, and guarded_llm.py decides."""
    calls = inspect.signature(LLMService.run_function_calls)
    assert list(calls.parameters) == ["self", "function_calls"]
    assert "context" in {each.name for each in fields(FunctionCallFromLLM)}

"""The calls of one session: what the LLM proposes goes in, what it is told comes out.

No other way leads from an LLM to a handler. `policy.py` decides, `tool_call.py` runs one call,
`in_flight.py` says when the LLM is told of it, and this carries it out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from loguru import logger
from pipecat.processors.aggregators.async_tool_messages import build_started_message
from pipecat.processors.aggregators.llm_context import LLMContext

from bargein.floor import Floor
from bargein.processors import tool_questions as questions
from bargein.processors.audit_file import AuditError
from bargein.processors.audit_trail import Trail
from bargein.processors.clock import Clock, LoopClock
from bargein.processors.tool_call import BROKEN, Runs, ToolFailedError, Work
from bargein.processors.tool_filler import Filler
from bargein.processors.tool_questions import CONFIRM_WITHIN_MS, DECLINED, Questions
from bargein.tools.audit import Event
from bargein.tools.call_messages import (
    CANCELLED,
    ID,
    RUNS,
    answer_to,
    content_of,
    ids_in,
    pair,
    told,
)
from bargein.tools.confirmation import Answer
from bargein.tools.in_flight import BotAt, Call, CallsInFlight, Done
from bargein.tools.keywords import Json
from bargein.tools.policy import ToolPolicy
from bargein.tools.proposal import SILENT, Admitted, Code, Proposal, Refusal
from bargein.tools.size import Bounds, too_large
from bargein.tools.tool import OnInterruption, Tool

GIVES_UP = "I can't do that right now."
FINISH_WITHIN_S = 5.0
"""For calls that may finish, when the conversation is over."""
WRITTEN_WITHIN_MS = 500.0
"""What the bot has said is in the context by then, or was lost on its way."""
MOST_REFUSED = 32
"""Refusals of one reply. What stands behind them is not looked at: neither the audit nor the LLM's
context is flooded."""
NOT_TOLD = (Code.MALFORMED_JSON, Code.TOO_LARGE)
"""Arguments that are not shown to the LLM again."""


class Speaker(questions.Speaker, Protocol):
    """Who makes the bot speak; implemented by the interruption plug."""

    def ask_llm(self) -> None:
        """Have the LLM answer the context as it is."""


class Voice(Protocol):
    """What the bot is at; implemented by the played-audio tracker."""

    @property
    def reply_open(self) -> bool:
        """Whether the LLM is still at its reply."""

    @property
    def pending(self) -> bool:
        """Whether something was not heard yet."""

    @property
    def committed(self) -> int:
        """Number of the last message that was heard, and is on its way into the context."""


class Nothing:
    """Runs nothing; where no tool is declared none is ever admitted."""

    async def run(self, tool: Tool, arguments: dict[str, Json]) -> Json:
        """Refuse."""
        raise ToolFailedError(Code.UNAVAILABLE, "The tool is not available now.")


@dataclass(slots=True, eq=False, repr=False)
class Generation:
    """One reply of one LLM, as long as its calls count."""

    number: int
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class CallRules:
    """What holds for the calls of a session."""

    gives_up: str = GIVES_UP
    """Said when the LLM proposes without end."""
    confirm_within_ms: float = CONFIRM_WITHIN_MS
    """A question that has no answer so long after it was asked is a no."""
    filler_after_ms: float = 0
    fillers: tuple[str, ...] = ()
    """Said while a tool takes its time; they take turns."""
    finish_within_s: float = FINISH_WITHIN_S


@dataclass(slots=True, eq=False, repr=False)
class ToolCalls:
    """Made for each session, also where nothing is declared: then every call is refused."""

    policy: ToolPolicy
    context: LLMContext
    runs: Runs = field(default_factory=Nothing)
    trail: Trail = field(default_factory=Trail)
    rules: CallRules = field(default_factory=CallRules)
    clock: Clock = field(default_factory=LoopClock)
    flight: CallsInFlight = field(default_factory=CallsInFlight)
    _speaker: Speaker | None = None
    _voice: Voice | None = None
    _generations: int = 0
    _works: dict[str, Work] = field(default_factory=dict)
    _tasks: set[asyncio.Task[object]] = field(default_factory=set)
    _refused: int = 0
    _wrote: int = 0
    _late_since_ms: float | None = None
    _is_closed: bool = False
    _begun_by_ms: float | None = None
    """The reply that the last calls are of has reached the voice by then, or none is coming."""
    _confirmed: list[Call] = field(default_factory=list)
    _questions: Questions = field(init=False)
    _filler: Filler = field(init=False)

    def __post_init__(self) -> None:
        """Make what asks, and what fills the time."""
        rules = self.rules
        self._questions = Questions(self, self.clock, rules.confirm_within_ms)
        self._filler = Filler(self.clock, after_ms=rules.filler_after_ms, phrases=rules.fillers)

    def attach(self, *, speaker: Speaker, voice: Voice) -> None:
        """Say through whom the bot speaks; called once, before it runs."""
        self._speaker, self._voice = speaker, voice
        self._questions.speaker = speaker

    # --- what the LLM proposes -----------------------------------------------------------

    def begin_generation(self) -> Generation:
        """An LLM begins to answer a context."""
        return Generation(self._generations)

    def is_stale(self, generation: Generation) -> bool:
        """Whether a reply was interrupted: what it still proposes is refused."""
        return generation.is_over or generation.number != self._generations

    def take(self, proposals: Sequence[Proposal]) -> None:
        """Decide each, in order; what is admitted runs, each in a task of its own."""
        if self._voice and not self._voice.reply_open:
            self._begun_by_ms = self.clock.now_ms() + WRITTEN_WITHIN_MS
            self.clock.call_later(WRITTEN_WITHIN_MS, self.poke)
        refused = 0
        for at, proposal in enumerate(proposals):
            if refused == MOST_REFUSED:
                self._spawn(self._note_rest(len(proposals) - at))
                break
            answer = self.policy.propose(proposal, now_ms=self.clock.now_ms())
            if isinstance(answer, Refusal) or self._is_closed:
                refused += 1
                self._refuse(proposal, answer)
            else:
                self._begin(answer)
        self.poke()

    def _begin(self, admitted: Admitted) -> None:
        call = Call(admitted.call_id, admitted.tool, admitted.arguments)
        self.flight.open[call.call_id] = call
        work = Work(call, self.runs, self.policy, self.trail, self.clock)
        self._works[call.call_id] = work
        self._spawn(work.note(Event.PROPOSED))
        if call.tool.confirm:
            call.is_asking = True
            self._questions.add(call)
        else:
            self._start(call)

    def _start(self, call: Call) -> None:
        call.is_asking = False
        self._write_running(call)
        self._filler.call_began(self.poke)
        self._spawn(self._live(self._works[call.call_id]))

    def _refuse(self, proposal: Proposal, answer: Refusal | Admitted) -> None:
        if isinstance(answer, Admitted):
            self.policy.settle(answer.call_id, ran=False)
            return
        logger.warning("tool {!r} is refused: {}", proposal.name, answer.code)
        self._spawn(self._note_refusal(proposal, answer))
        if answer.code in SILENT:
            return
        self._refused += 1
        arguments = {} if answer.code in NOT_TOLD else _shown(proposal.arguments)
        done = Done(
            self._id_for(proposal.call_id),
            proposal.name,
            arguments,
            content_of(answer.as_json()),
            wants_reply=not answer.is_final,
        )
        self.flight.done.append(done)

    def _id_for(self, call_id: str) -> str:
        """Give an id that the context may hold: no other call's, and none that nobody takes."""
        taken = ids_in(self.context.messages) | {done.call_id for done in self.flight.done}
        if ID.fullmatch(call_id) and call_id not in taken and call_id not in self.flight.open:
            return call_id
        return f"refused_{self._refused}"

    async def _note_refusal(self, proposal: Proposal, refusal: Refusal) -> None:
        name, call_id = proposal.name, proposal.call_id
        try:
            await self.trail.note(
                Event.PROPOSED, tool=name, call_id=call_id, arguments=self._kept(proposal)
            )
            await self.trail.note(
                Event.REFUSED,
                tool=name,
                call_id=call_id,
                code=refusal.code,
                reason=refusal.message,
            )
        except AuditError as error:
            # Nothing runs, so nothing is missing but the line.
            logger.error("tool {!r}: {}", name, error)

    async def _note_rest(self, calls: int) -> None:
        """Write one line of calls that nobody has looked at."""
        reason = f"{calls:,} more calls of a reply with {MOST_REFUSED} refused ones"
        logger.warning("tools: {} are refused", reason)
        try:
            await self.trail.note(Event.REFUSED, code=Code.TOO_MANY_CALLS, reason=reason)
        except AuditError as error:
            logger.error("tools: {}", error)

    def _kept(self, proposal: Proposal) -> Json:
        """Give what the audit may hold of arguments; of those that nobody can read, nothing."""
        if proposal.is_malformed or too_large(proposal.arguments, Bounds()):
            return None
        tool = self.policy.tools.get(proposal.name)
        if tool is None or tool.arguments.violations(proposal.arguments):
            return content_of(proposal.arguments)
        return tool.arguments.kept(proposal.arguments)

    # --- one call ------------------------------------------------------------------------

    async def _live(self, work: Work) -> None:
        call = work.call
        # What nobody has foreseen is no result, and least of all the result `null`.
        result: Refusal | Json = BROKEN
        try:
            result = await work.outcome()
        finally:
            self._works.pop(call.call_id, None)
            self.policy.settle(call.call_id, ran=work.has_started)
            told = result.as_json() if isinstance(result, Refusal) else result
            self.flight.settle(call, content_of(told))
            self.poke()

    def _write_running(self, call: Call) -> None:
        content = RUNS
        if call.tool.on_interruption is OnInterruption.FINISH:
            # Other replies may be made meanwhile: it says not to call again.
            content = str(build_started_message(call.call_id)["content"])
        self._write([pair(call.call_id, call.tool.name, call.arguments, content)])

    def _end(self, calls: Sequence[Call]) -> None:
        """These are over before they had a result."""
        for call in calls:
            message = answer_to(self.context.messages, call.call_id)
            if message is not None:
                message["content"] = CANCELLED
            if call.is_asking:
                self._spawn(self._drop(call).note(Event.CANCELLED))
            elif work := self._works.get(call.call_id):
                work.stop()
        self._questions.drop([call for call in calls if call.is_asking])

    def _drop(self, call: Call) -> Work:
        """It never runs, and costs nothing."""
        self.policy.settle(call.call_id, ran=False)
        return self._works.pop(call.call_id)

    def declined(self, call: Call, refusal: Refusal) -> None:
        """The user has not said yes."""
        note = self._drop(call).note(Event.DECLINED, code=refusal.code, reason=refusal.message)
        self._spawn(note)
        self.flight.settle(call, content_of(refusal.as_json()))
        self.poke()

    def asking(self, *, is_open: bool) -> None:
        """Whether the user hears a question, or has heard it, and the answer is due."""
        self.flight.question_sounds = is_open

    # --- what the user does ----------------------------------------------------------------

    @property
    def owes(self) -> bool:
        """Whether more of the reply is to come, though the bot is silent."""
        return self.flight.owes

    @property
    def works(self) -> bool:
        """Whether a call is at work for which everybody waits."""
        return self.flight.works

    @property
    def tells(self) -> bool:
        """Whether there are results, for which the LLM is asked as soon as it may be."""
        return bool(self.flight.done)

    @property
    def busy(self) -> bool:
        """Whether no reply may be prepared."""
        return self.flight.busy

    @property
    def asks(self) -> bool:
        """Whether what the user says now is the answer to a question."""
        return self._questions.is_open

    def interrupted(self, *, heard: bool) -> bool:
        """The user took the floor, or somebody else stopped the bot; whether a call has ended.

        `heard` says if a word was heard of what it said. What the LLM still proposes in a reply
        that it began before is refused.
        """
        self._generations += 1
        self._begun_by_ms = None
        self._questions.interrupted(heard=heard)
        self._filler.bot_ended()
        ended = self.flight.interrupted()
        self._end(ended)
        return bool(ended)

    def turn_over(self, text: str, *, began_ms: float, is_answered: bool) -> bool:
        """The words of a turn are about to be written; whether the LLM is to answer them.

        `began_ms` is when the user began to speak. Where their reply is there already, it knows
        nothing of results that wait.
        """
        self.policy.begin_turn()
        self._filler.turn_over()
        if not is_answered and self._answers(text, began_ms):
            return False
        ended, told = self.flight.turn_over(is_answered=is_answered)
        self._end(ended)
        self._write([_pair(done) for done in told])
        return True

    def turn_written(self) -> None:
        """They stand in the context: what they said yes to runs."""
        confirmed, self._confirmed = self._confirmed, []
        for call in confirmed:
            if not call.is_cancelled:
                self._spawn(self._works[call.call_id].note(Event.CONFIRMED))
                self._start(call)
        self.poke()

    def _answers(self, text: str, began_ms: float) -> bool:
        """Take it as an answer to a question; whether it is that and nothing more."""
        answered = self._questions.answer(text, began_ms)
        if answered is None:
            return False
        answer, call = answered
        logger.info("the user was asked for {} and said {}", call.tool.name, answer)
        match answer:
            case Answer.YES:
                self._confirmed.append(call)
            case Answer.NO:
                self.declined(call, DECLINED)
            case Answer.OTHER:
                self.declined(call, DECLINED)
                return False
        # The next question, or a call that runs, comes before the LLM.
        return self.flight.works

    # --- what the LLM is told ----------------------------------------------------------------

    def reply_begun(self) -> None:
        """A reply of the LLM's has reached the voice."""
        self.flight.asked = False
        self._begun_by_ms = None
        self._questions.preceded()

    def bot_started(self) -> None:
        """The bot can be heard."""
        self._questions.bot_started()
        self._filler.bot_started()

    def bot_ended(self) -> None:
        """Everything that it said was heard."""
        self._questions.bot_ended()
        self._filler.bot_ended()

    def wrote(self, number: int) -> None:
        """What the bot has said so far stands in the context: the message of this number."""
        self._wrote = number
        self.poke()

    def poke(self) -> None:
        """Something has changed: tell the LLM what it may be told, but not before all else."""
        with contextlib.suppress(RuntimeError):  # no loop: nothing is under way
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        if self._speaker is None or self._voice is None or self._is_closed:
            return
        if self._begun_by_ms is not None and self.clock.now_ms() < self._begun_by_ms:
            # The words of the reply come first: a question is no question in front of them.
            return
        self._begun_by_ms = None
        if self._speaks_up(self._speaker, self._voice):
            return
        bot = BotAt(self._voice.reply_open, self._voice.pending, self._filler.sounds)
        if not self.flight.may_tell(self._speaker.floor, bot) or self._is_late(self._voice):
            return
        self._late_since_ms = None
        done, goes_on = self.flight.tell()
        self._write([_pair(each) for each in done])
        if goes_on:
            self._speaker.ask_llm()
        else:
            self._speaker.say(self.rules.gives_up)

    def _speaks_up(self, speaker: Speaker, voice: Voice) -> bool:
        """Ask the next question, or fill the time, if the bot is silent; whether it speaks now."""
        if voice.reply_open or voice.pending:
            return False
        if self._questions.ask_next():
            return True
        fills = self._filler.is_due and self.flight.works and not self._questions.waits
        if fills and speaker.floor is Floor.PROCESSING:
            speaker.say(self._filler.say())
        return False

    def _is_late(self, voice: Voice) -> bool:
        """Whether what the bot has said before is still on its way; it stands before the call."""
        now_ms = self.clock.now_ms()
        if self._wrote >= voice.committed:
            self._late_since_ms = None
            return False
        if self._late_since_ms is None:
            self._late_since_ms = now_ms
            self.clock.call_later(WRITTEN_WITHIN_MS, self.poke)
        # A frame may be lost in a part that failed.
        return now_ms - self._late_since_ms < WRITTEN_WITHIN_MS

    def _write(self, pairs: Sequence[Sequence[Any]]) -> None:
        if pairs:
            self.context.set_messages(told(self.context.messages, pairs))

    # --- the end -------------------------------------------------------------------------------

    async def close(self) -> None:
        """The conversation is over: what may finish gets a while, the rest is killed now."""
        self._is_closed = True
        self._questions.close()
        self._end(self.flight.close())
        for work in list(self._works.values()):
            if work.call.tool.on_interruption is OnInterruption.CANCEL:
                work.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.rules.finish_within_s)
        for work in list(self._works.values()):
            work.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self.rules.finish_within_s)
            for task in late:
                task.cancel()

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _pair(done: Done) -> list[Any]:
    return pair(done.call_id, done.name, done.arguments, done.content)


def _shown(arguments: Json) -> Json:
    return arguments if isinstance(arguments, dict) else {}

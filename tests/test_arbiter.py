"""The judge of the floor: lists of what is heard and of what is ordered, then any interleaving."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bargein.arbiter import (
    Accept,
    Acknowledge,
    Arbiter,
    DropWords,
    GoOn,
    Ignore,
    OpenTurn,
    Order,
    Pause,
    Reject,
    RepeatVerdict,
    ShowFloor,
)
from bargein.floor import Floor, Heard
from bargein.protocol import Reason
from bargein.verdict import Evidence, VerdictRules

DEADLINE_MS = 600
WINDOW_MS = 32

Event = Callable[[Arbiter], list[Order]]


def truncate(
    now_ms: float, *, utterance: int = 1, at: int = 4800, epoch: int = 1, playing: int = 1
) -> Event:
    """A client has muted the bot."""
    return lambda arbiter: arbiter.truncate(utterance, at, epoch, now_ms, playing=playing)


def window(
    now_ms: float, *, speech_ms: float = 0, silence_ms: float = 0, playing: int = 1
) -> Event:
    """The server's VAD has scored a window."""
    return lambda arbiter: arbiter.window(
        speech_ms=speech_ms, silence_ms=silence_ms, now_ms=now_ms, playing=playing
    )


def echo(now_ms: float, *, speech_ms: float = 0) -> Event:
    """The server's VAD has scored a window that is the bot's own voice."""
    return lambda arbiter: arbiter.window(
        speech_ms=speech_ms,
        silence_ms=32,
        now_ms=now_ms,
        is_echo=True,
        echo_correlation=0.8,
        playing=1,
    )


def speech(now_ms: float, *, playing: int = 1) -> Event:
    """The server's VAD is sure of speech."""
    return lambda arbiter: arbiter.speech_started(now_ms, playing=playing)


def words(now_ms: float, text: str) -> Event:
    """The recogniser's words so far."""
    return lambda arbiter: arbiter.words(tuple(text.split()), now_ms)


def late_words(now_ms: float, *, playing: int = 1) -> Event:
    """Words for which no turn is open."""
    return lambda arbiter: arbiter.late_words(now_ms, playing=playing)


def stopped() -> Event:
    """The server's VAD has heard the speech end."""

    def event(arbiter: Arbiter) -> list[Order]:
        arbiter.speech_stopped()
        return []

    return event


def tick(now_ms: float) -> Event:
    """Time has passed."""
    return lambda arbiter: arbiter.tick(now_ms)


def bot(heard: Heard, now_ms: float = 0) -> Event:
    """The bot began or ended something."""
    return lambda arbiter: arbiter.bot(heard, now_ms)


def turn_ended(now_ms: float, *, has_words: bool) -> Event:
    """The user's turn is over."""
    return lambda arbiter: arbiter.turn_ended(has_words=has_words, now_ms=now_ms)


def interrupted(now_ms: float) -> Event:
    """Somebody else has interrupted the bot."""
    return lambda arbiter: arbiter.interrupted(now_ms)


def play(
    floor: Floor,
    events: list[Event],
    *,
    barge_in_enabled: bool = True,
    client_has_vad: bool = True,
) -> list[Order]:
    """Give the orders that follow from the events; what is shown of the floor is left out."""
    arbiter = Arbiter(barge_in_enabled=barge_in_enabled, client_has_vad=client_has_vad, floor=floor)
    given = [order for event in events for order in event(arbiter)]
    return [order for order in given if not isinstance(order, ShowFloor)]


SPEAKING, PROCESSING, LISTENING, IDLE = (
    Floor.SPEAKING,
    Floor.PROCESSING,
    Floor.LISTENING,
    Floor.IDLE,
)

CASES: list[tuple[str, Floor, list[Event], list[Order]]] = [
    (
        "speech that goes on takes the floor at the client's sample",
        SPEAKING,
        [truncate(0), window(32, speech_ms=64), window(120, speech_ms=160)],
        [Pause(1), Accept(1, 4800, 120, preparing=False), OpenTurn()],
    ),
    (
        "a word takes it without waiting",
        SPEAKING,
        [truncate(0), words(50, "wait")],
        [Pause(1), Accept(1, 4800, 50, preparing=False), OpenTurn()],
    ),
    (
        "a click is nothing, and the bot goes on where the client stopped",
        SPEAKING,
        [truncate(0), window(32, speech_ms=32), window(232, speech_ms=32, silence_ms=200)],
        [Pause(1), DropWords(), Reject(1, 4800, Reason.NO_SPEECH, 232)],
    ),
    (
        "silence from before the contest does not count",
        SPEAKING,
        [truncate(0), window(32, silence_ms=5000)],
        [Pause(1)],
    ),
    (
        "a contest without any window ends at its deadline",
        SPEAKING,
        [truncate(0), tick(DEADLINE_MS)],
        [Pause(1), DropWords(), Reject(1, 4800, Reason.NO_SPEECH, DEADLINE_MS)],
    ),
    (
        "the server's own onset is enough where the client has no VAD",
        SPEAKING,
        [window(0, speech_ms=160), speech(0)],
        [Pause(1), Accept(1, None, 0, preparing=False), OpenTurn()],
    ),
    (
        "a reply that begins while the user talks is contested at once",
        LISTENING,
        [window(0, speech_ms=160, playing=0), bot(Heard.BOT_STARTED)],
        [Pause(0), Accept(0, None, 0, preparing=False), OpenTurn()],
    ),
    (
        "a truncate again is acknowledged, and does not prolong the contest",
        SPEAKING,
        [truncate(0), truncate(100), truncate(500), tick(DEADLINE_MS)],
        [
            Pause(1),
            Acknowledge(1),
            Acknowledge(1),
            DropWords(),
            Reject(1, 4800, Reason.NO_SPEECH, DEADLINE_MS),
        ],
    ),
    (
        "a client that ducks tells how far it has come meanwhile",
        SPEAKING,
        [truncate(0, at=4800), truncate(100, at=7200), words(150, "stop")],
        [Pause(1), Acknowledge(1), Accept(1, 7200, 150, preparing=False), OpenTurn()],
    ),
    (
        "a truncate that was overtaken does not move the position back",
        SPEAKING,
        [truncate(0, at=7200), truncate(100, at=4800), words(150, "stop")],
        [Pause(1), Acknowledge(1), Accept(1, 7200, 150, preparing=False), OpenTurn()],
    ),
    (
        "a position in the next utterance is not compared with one in the last",
        SPEAKING,
        [truncate(0, at=90_000), truncate(100, utterance=2, at=240), words(150, "stop")],
        [Pause(1), Acknowledge(2), Accept(2, 240, 150, preparing=False), OpenTurn()],
    ),
    (
        "a VAD that tells no windows is believed; without a client's word the cut is an estimate",
        SPEAKING,
        [speech(0, playing=2)],
        [Pause(2), Accept(2, None, 0, preparing=False), OpenTurn()],
    ),
    (
        "a VAD that tells no windows decides a contest that a client has opened",
        SPEAKING,
        [truncate(0), speech(90)],
        [Pause(1), Accept(1, 4800, 90, preparing=False), OpenTurn()],
    ),
    (
        "speech that has stopped is not held against a reply that begins later",
        LISTENING,
        [speech(0), stopped(), bot(Heard.BOT_STARTED, 50)],
        [],
    ),
    (
        "words that were known too late take the floor from the bot",
        SPEAKING,
        [late_words(0, playing=3)],
        [Pause(3), Accept(3, None, 0, preparing=False), OpenTurn()],
    ),
    (
        "words that were known too late reopen a turn",
        PROCESSING,
        [late_words(0)],
        [Accept(0, None, 0, preparing=True), OpenTurn()],
    ),
    (
        "words that nobody waited for begin a turn",
        IDLE,
        [late_words(0)],
        [OpenTurn()],
    ),
    (
        "a truncate of the epoch before gets the verdict again",
        SPEAKING,
        [truncate(0), words(50, "stop"), truncate(60), truncate(400)],
        [
            Pause(1),
            Accept(1, 4800, 50, preparing=False),
            OpenTurn(),
            RepeatVerdict(),
            RepeatVerdict(),
        ],
    ),
    (
        "a truncate of any older epoch gets the last verdict, and leaves an open contest alone",
        SPEAKING,
        [
            truncate(0),
            tick(600),
            truncate(700, epoch=2),
            tick(1300),
            truncate(1400, epoch=3),
            truncate(1410, epoch=1),
            words(1450, "stop"),
        ],
        [
            Pause(1),
            DropWords(),
            Reject(1, 4800, Reason.NO_SPEECH, 600),
            Pause(1),
            DropWords(),
            Reject(1, 4800, Reason.NO_SPEECH, 600),
            Pause(1),
            RepeatVerdict(),
            Accept(1, 4800, 50, preparing=False),
            OpenTurn(),
        ],
    ),
    (
        "a truncate of an epoch that never was is ignored",
        SPEAKING,
        [truncate(0, epoch=7)],
        [Ignore("the truncate is of an epoch that never was")],
    ),
    (
        "a truncate of an utterance that was played to its end is ignored",
        SPEAKING,
        [truncate(0, utterance=1, playing=2)],
        [Ignore("that utterance was played to its end")],
    ),
    (
        "a truncate while nobody speaks is ignored",
        IDLE,
        [truncate(0)],
        [Ignore("the bot is not speaking, it is idle")],
    ),
    (
        "a truncate while the user speaks is ignored",
        LISTENING,
        [truncate(0)],
        [Ignore("the bot is not speaking, it is listening")],
    ),
    (
        "a contest before the first sample keeps the turn",
        PROCESSING,
        [truncate(0, at=0), window(160, speech_ms=160)],
        [Pause(1), Accept(1, 0, 160, preparing=True), OpenTurn()],
    ),
    (
        "speech before the reply is heard takes the floor back without a contest",
        PROCESSING,
        [speech(0)],
        [Accept(0, None, 0, preparing=True), OpenTurn()],
    ),
    (
        "somebody else's interruption ends an open contest",
        SPEAKING,
        [truncate(0), interrupted(20), tick(600)],
        [Pause(1), Accept(1, 4800, 20, preparing=False)],
    ),
    (
        "a turn without words lets the bot go on",
        LISTENING,
        [turn_ended(0, has_words=False)],
        [GoOn()],
    ),
    (
        "speech whose truncate was lost is contested all the same",
        SPEAKING,
        [
            window(0, speech_ms=32),
            window(32, speech_ms=64),
            window(64, speech_ms=96),
            window(128, speech_ms=160),
        ],
        [Pause(1), Accept(1, None, 64, preparing=False), OpenTurn()],
    ),
    (
        "a truncate that is late tells where the contest of the server's own stands",
        SPEAKING,
        [window(64, speech_ms=96), truncate(80), window(128, speech_ms=160)],
        [Pause(1), Acknowledge(1), Accept(1, 4800, 64, preparing=False), OpenTurn()],
    ),
    (
        "echo is found out at the second window, and its words do not count",
        SPEAKING,
        [truncate(0), echo(1), echo(33), words(40, "our house blend")],
        [Pause(1), DropWords(), Reject(1, 4800, Reason.ECHO, 33)],
    ),
    (
        "the bot's own voice never contests the floor",
        SPEAKING,
        [echo(0), echo(32), echo(64), echo(96), echo(128)],
        [],
    ),
    (
        "who speaks over the echo takes the floor",
        SPEAKING,
        [
            echo(0),
            truncate(1),
            window(32, speech_ms=96),
            window(96, speech_ms=160),
        ],
        [Pause(1), Accept(1, 4800, 95, preparing=False), OpenTurn()],
    ),
    (
        "speech that was judged does not count again, and what follows it does",
        SPEAKING,
        [
            truncate(0),
            window(10, speech_ms=128),
            tick(600),
            window(632, speech_ms=160),
            window(664, speech_ms=192),
            window(696, speech_ms=224),
            window(760, speech_ms=288),
        ],
        [
            Pause(1),
            DropWords(),
            Reject(1, 4800, Reason.TIMEOUT, 600),
            Pause(1),
            Accept(1, None, 64, preparing=False),
            OpenTurn(),
        ],
    ),
    ("words without a contest order nothing", SPEAKING, [words(0, "stop")], []),
    ("time without a contest orders nothing", SPEAKING, [tick(10_000)], []),
]


@pytest.mark.parametrize(
    ("floor", "events", "orders"), [pytest.param(*case, id=name) for name, *case in CASES]
)
def test_what_follows(floor: Floor, events: list[Event], orders: list[Order]) -> None:
    assert play(floor, events) == orders


@pytest.mark.parametrize(
    ("floor", "bot_meanwhile", "floor_after"),
    [
        (SPEAKING, [], SPEAKING),
        (SPEAKING, [Heard.BOT_FINISHED], IDLE),
        (SPEAKING, [Heard.BOT_FINISHED, Heard.REPLY_BEGUN], PROCESSING),
        (SPEAKING, [Heard.REPLY_BEGUN], SPEAKING),
        (PROCESSING, [], PROCESSING),
        (PROCESSING, [Heard.REPLY_EMPTY], IDLE),
        (PROCESSING, [Heard.BOT_STARTED], SPEAKING),
    ],
)
def test_a_false_alarm_leads_to_where_the_bot_has_come_meanwhile(
    floor: Floor, bot_meanwhile: list[Heard], floor_after: Floor
) -> None:
    arbiter = Arbiter(floor=floor)
    for event in [truncate(0), *map(bot, bot_meanwhile), tick(DEADLINE_MS)]:
        event(arbiter)
    assert arbiter.floor is floor_after


def test_what_the_bot_did_in_a_contest_is_forgotten_when_the_user_takes_the_floor() -> None:
    arbiter = Arbiter(floor=SPEAKING)
    for event in [truncate(0), bot(Heard.BOT_FINISHED), words(50, "stop")]:
        event(arbiter)
    assert arbiter.floor is LISTENING


@pytest.mark.parametrize("floor", [SPEAKING, PROCESSING])
def test_a_bot_that_may_not_be_interrupted_is_not(floor: Floor) -> None:
    events = [truncate(0), speech(200), window(400, speech_ms=400), words(500, "stop it")]
    events.append(late_words(600))
    assert play(floor, events, barge_in_enabled=False) == [
        Ignore("this bot may not be interrupted")
    ]


def test_a_reply_that_never_comes_does_not_lock_the_user_out() -> None:
    arbiter = Arbiter(floor=LISTENING, barge_in_enabled=False)
    turn_ended(1_000, has_words=True)(arbiter)
    assert speech(20_000)(arbiter) == []
    assert OpenTurn() in speech(21_000)(arbiter)


def test_each_change_of_the_floor_is_shown_after_its_orders() -> None:
    arbiter = Arbiter(floor=SPEAKING)
    assert truncate(0)(arbiter) == [Pause(1), ShowFloor(Floor.CONTESTED)]
    assert words(9, "stop")(arbiter)[-1] == ShowFloor(LISTENING)


def test_the_run_of_speech_that_led_into_a_contest_counts() -> None:
    events = [window(0, speech_ms=64), truncate(1), window(33, speech_ms=160)]
    assert Accept(1, 4800, 32, preparing=False) in play(SPEAKING, events)


def test_without_a_vad_in_the_client_two_windows_contest_the_floor() -> None:
    events = [window(0, speech_ms=32), window(32, speech_ms=64)]
    assert play(SPEAKING, events, client_has_vad=False) == [Pause(1)]
    assert play(SPEAKING, events) == []


def test_without_a_vad_in_the_client_a_cough_is_rejected_too() -> None:
    events = [window(0, speech_ms=64), window(200, speech_ms=64, silence_ms=200)]
    assert play(SPEAKING, events, client_has_vad=False) == [
        Pause(1),
        DropWords(),
        Reject(1, None, Reason.NO_SPEECH, 200),
    ]


def test_what_the_client_tells_is_kept_as_evidence() -> None:
    arbiter = Arbiter(floor=SPEAKING)
    arbiter.truncate(1, 0, 1, 0, playing=1, probability=0.7, noise_floor_db=-50)
    arbiter.truncate(1, 0, 1, 20, playing=1, probability=0.6, noise_floor_db=-48)
    arbiter.client_speech_ended(40)
    assert arbiter.contest
    assert arbiter.contest.as_of(50) == Evidence(
        50, client_probability=0.7, client_noise_floor_db=-48, client_speech_ended=True
    )
    arbiter.truncate(1, 0, 1, 60, playing=1, probability=0.9, noise_floor_db=-48)
    assert not arbiter.contest.as_of(60).client_speech_ended


def test_a_client_without_a_vad_answers_a_pause_with_no_evidence() -> None:
    arbiter = Arbiter(floor=SPEAKING)
    truncate(0)(arbiter)
    assert arbiter.contest
    assert arbiter.contest.as_of(0).client_probability is None


def test_a_recogniser_that_told_partial_words_once_is_known_to_tell_them() -> None:
    arbiter = Arbiter(floor=LISTENING)
    arbiter.words(("good",), 0, partial=True)
    bot(Heard.BOT_STARTED)(arbiter)
    truncate(100)(arbiter)
    assert arbiter.contest
    assert arbiter.contest.as_of(100).words_stream


class AnyInterleaving(RuleBasedStateMachine):
    """Whatever comes in whatever order, late, twice or made up: the promises hold."""

    def __init__(self) -> None:
        super().__init__()
        self.arbiter = Arbiter(VerdictRules(deadline_ms=DEADLINE_MS))
        self.now_ms = 0.0
        self.epoch = 1
        self.paused_ms: float | None = None
        self.answered: set[int] = set()

    def hear(self, event: Event) -> list[Order]:
        """Pass it on, and check what is ordered."""
        orders = event(self.arbiter)
        for order in orders:
            match order:
                case Pause():
                    assert self.paused_ms is None, "paused twice without a verdict between"
                    self.paused_ms = self.now_ms
                case Accept() | Reject():
                    if isinstance(order, Reject):
                        assert self.paused_ms is not None, "rejected without a contest"
                    self.paused_ms = None
                    self.answered.add(self.epoch)
                    self.epoch += 1
                case _:
                    pass
        assert self.arbiter.epoch == self.epoch, "the epoch moves exactly once a verdict"
        return orders

    @rule(
        utterance=st.integers(0, 4),
        at=st.integers(0, 10_000),
        back=st.integers(-1, 4),
        playing=st.integers(0, 4),
    )
    def truncated(self, utterance: int, at: int, back: int, playing: int) -> None:
        epoch = self.epoch - back
        known = epoch in self.answered
        orders = self.hear(
            truncate(self.now_ms, utterance=utterance, at=at, epoch=epoch, playing=playing)
        )
        assert orders, "a truncate is always answered"
        if known:
            assert orders == [RepeatVerdict()]

    @rule(speech_ms=st.sampled_from([0, 32, 96, 160, 500]), silence_ms=st.integers(0, 900))
    def scored(self, speech_ms: float, silence_ms: float) -> None:
        self.hear(window(self.now_ms, speech_ms=speech_ms, silence_ms=silence_ms))

    @rule(speech_ms=st.sampled_from([0, 32, 96, 160]))
    def echoed(self, speech_ms: float) -> None:
        self.hear(echo(self.now_ms, speech_ms=speech_ms))

    @rule(text=st.sampled_from(["", "yeah", "yeah right", "stop", "yes but"]))
    def recognised(self, text: str) -> None:
        self.hear(words(self.now_ms, text))

    @rule(playing=st.integers(0, 4))
    def spoke(self, playing: int) -> None:
        self.hear(speech(self.now_ms, playing=playing))

    @rule(
        heard=st.sampled_from(
            [Heard.REPLY_BEGUN, Heard.REPLY_EMPTY, Heard.BOT_STARTED, Heard.BOT_FINISHED]
        )
    )
    def bot_did(self, heard: Heard) -> None:
        self.hear(bot(heard, self.now_ms))

    @rule(has_words=st.booleans())
    def user_ended(self, has_words: bool) -> None:
        self.hear(turn_ended(self.now_ms, has_words=has_words))

    @rule()
    def somebody_interrupted(self) -> None:
        self.hear(interrupted(self.now_ms))
        assert self.arbiter.floor in (IDLE, LISTENING)

    @rule(ms=st.integers(1, 400))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms
        self.hear(tick(self.now_ms))

    @precondition(lambda self: self.paused_ms is not None)
    @rule()
    def the_deadline_comes(self) -> None:
        self.now_ms = max(self.now_ms, (self.paused_ms or 0) + DEADLINE_MS)
        self.hear(tick(self.now_ms))
        assert self.arbiter.contest is None

    @invariant()
    def a_contest_never_outlives_its_deadline(self) -> None:
        if self.paused_ms is not None:
            assert self.now_ms - self.paused_ms < DEADLINE_MS

    @invariant()
    def the_floor_is_contested_exactly_while_the_bot_is_paused(self) -> None:
        contested = self.arbiter.floor is Floor.CONTESTED
        assert contested == (self.paused_ms is not None) == (self.arbiter.contest is not None)


TestAnyInterleaving = AnyInterleaving.TestCase
TestAnyInterleaving.settings = settings(max_examples=80, stateful_step_count=40)


@pytest.mark.parametrize(
    ("pause_ms", "at_sample", "contested"),
    [
        (160, 0, False),
        (160, 2_400, False),
        (160, 4_800, True),
        (0, 0, True),
        (64, 0, True),
        (2_000, 0, True),
        (None, 0, True),
    ],
)
def test_a_vad_that_hangs_on_behind_the_users_turn_does_not_stop_the_answer(
    pause_ms: float | None, at_sample: int, *, contested: bool
) -> None:
    arbiter = Arbiter(floor=Floor.SPEAKING)
    orders = arbiter.truncate(1, at_sample, 1, 0, playing=1, pause_ms=pause_ms)
    assert (Pause(1) in orders) is contested
    assert any(isinstance(order, Ignore) for order in orders) is not contested

"""Who may speak: every state, all that can be heard, and what follows, in one total table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Floor(StrEnum):
    """Who has the floor."""

    IDLE = "idle"
    """Nobody speaks and nothing is under way."""
    LISTENING = "listening"
    """The user speaks, or has paused within a turn."""
    PROCESSING = "processing"
    """The user's turn is over and a reply is being prepared; nothing of it was sent yet."""
    SPEAKING = "speaking"
    """The bot speaks."""
    CONTESTED = "contested"
    """Somebody spoke over the bot; it is paused, and the verdict is open."""


class Heard(StrEnum):
    """What the floor can learn."""

    SPEECH = "speech"
    """The server's own VAD has heard enough speech to be sure."""
    VOICE = "voice"
    """A client's VAD fired: it has muted the bot and waits for a verdict."""
    SUSPICION = "suspicion"
    """The server's own VAD hears what may become speech."""
    BARGE_IN = "barge_in"
    """The verdict: the user takes the floor."""
    FALSE_ALARM = "false_alarm"
    """The verdict: it was nothing, the bot goes on."""
    FALSE_ALARM_EARLY = "false_alarm_early"
    """The verdict: it was nothing, and the bot had not begun: it goes on preparing."""
    TURN_ENDED = "turn_ended"
    """The user's turn is over, and it held words."""
    MISFIRE = "misfire"
    """The user's turn is over, and it held no words."""
    INTERRUPTED = "interrupted"
    """Somebody else in the pipeline has interrupted the bot, for reasons of their own."""
    REPLY_BEGUN = "reply_begun"
    """A reply is being prepared (by the LLM, or because somebody told the bot to speak)."""
    REPLY_EMPTY = "reply_empty"
    """The reply is complete and holds no audio."""
    NO_REPLY = "no_reply"
    """Nothing of the reply has been heard, and it is due."""
    BOT_STARTED = "bot_started"
    """The first sample of an utterance goes to the listener."""
    BOT_FINISHED = "bot_finished"
    """The last sample of the last utterance was played."""


class Do(StrEnum):
    """What the floor asks for."""

    PAUSE = "pause"
    """Stop sending, keep everything, and gather evidence."""
    RESUME = "resume"
    """Play on from the exact sample at which the client stopped."""
    FLUSH = "flush"
    """Drop the bot's audio, cancel LLM and TTS, and cut the context to what was played."""
    OPEN_TURN = "open_turn"
    """Begin a turn of the user's."""
    DROP_WORDS = "drop_words"
    """Forget what was recognised meanwhile: it was no turn."""
    GO_ON = "go_on"
    """Say what was left unsaid, if anything was."""
    IGNORE = "ignore"
    """Tell the client that its truncate does not apply."""
    EVIDENCE = "evidence"
    """Add it to the evidence of the open contest."""
    REPORT = "report"
    """Tell the client that no reply comes."""
    KEEP = "keep"
    """Hear it again after the verdict, if the bot goes on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The next state, and what to do on the way."""

    next: Floor
    do: tuple[Do, ...] = ()


IDLE, LISTENING, PROCESSING = Floor.IDLE, Floor.LISTENING, Floor.PROCESSING
SPEAKING, CONTESTED = Floor.SPEAKING, Floor.CONTESTED

RULES: Mapping[tuple[Floor, Heard], Rule] = {
    (IDLE, Heard.SPEECH): Rule(LISTENING, (Do.OPEN_TURN,)),
    (IDLE, Heard.VOICE): Rule(IDLE, (Do.IGNORE,)),
    (IDLE, Heard.SUSPICION): Rule(IDLE),
    (IDLE, Heard.BARGE_IN): Rule(IDLE),
    (IDLE, Heard.FALSE_ALARM): Rule(IDLE),
    (IDLE, Heard.FALSE_ALARM_EARLY): Rule(IDLE),
    (IDLE, Heard.TURN_ENDED): Rule(PROCESSING),
    (IDLE, Heard.MISFIRE): Rule(IDLE),
    (IDLE, Heard.INTERRUPTED): Rule(IDLE),
    (IDLE, Heard.REPLY_BEGUN): Rule(PROCESSING),
    (IDLE, Heard.REPLY_EMPTY): Rule(IDLE),
    (IDLE, Heard.NO_REPLY): Rule(IDLE),
    (IDLE, Heard.BOT_STARTED): Rule(SPEAKING),
    (IDLE, Heard.BOT_FINISHED): Rule(IDLE),
    (LISTENING, Heard.SPEECH): Rule(LISTENING),
    (LISTENING, Heard.VOICE): Rule(LISTENING, (Do.IGNORE,)),
    (LISTENING, Heard.SUSPICION): Rule(LISTENING),
    (LISTENING, Heard.BARGE_IN): Rule(LISTENING),
    (LISTENING, Heard.FALSE_ALARM): Rule(LISTENING),
    (LISTENING, Heard.FALSE_ALARM_EARLY): Rule(LISTENING),
    (LISTENING, Heard.TURN_ENDED): Rule(PROCESSING),
    (LISTENING, Heard.MISFIRE): Rule(IDLE, (Do.GO_ON,)),
    (LISTENING, Heard.INTERRUPTED): Rule(LISTENING),
    # A reply that begins while the user still speaks waits for the floor: its first
    # sample finds the user speaking, and is contested at position 0.
    (LISTENING, Heard.REPLY_BEGUN): Rule(LISTENING),
    (LISTENING, Heard.REPLY_EMPTY): Rule(LISTENING),
    (LISTENING, Heard.NO_REPLY): Rule(LISTENING),
    (LISTENING, Heard.BOT_STARTED): Rule(SPEAKING),
    (LISTENING, Heard.BOT_FINISHED): Rule(LISTENING),
    # The user goes on before the reply was heard: position 0, so nothing is lost by
    # taking the floor back at once.
    (PROCESSING, Heard.SPEECH): Rule(LISTENING, (Do.FLUSH, Do.OPEN_TURN)),
    (PROCESSING, Heard.VOICE): Rule(CONTESTED, (Do.PAUSE,)),
    (PROCESSING, Heard.SUSPICION): Rule(PROCESSING),
    (PROCESSING, Heard.BARGE_IN): Rule(PROCESSING),
    (PROCESSING, Heard.FALSE_ALARM): Rule(PROCESSING),
    (PROCESSING, Heard.FALSE_ALARM_EARLY): Rule(PROCESSING),
    (PROCESSING, Heard.TURN_ENDED): Rule(PROCESSING),
    (PROCESSING, Heard.MISFIRE): Rule(PROCESSING),
    (PROCESSING, Heard.INTERRUPTED): Rule(IDLE, (Do.FLUSH,)),
    (PROCESSING, Heard.REPLY_BEGUN): Rule(PROCESSING),
    (PROCESSING, Heard.REPLY_EMPTY): Rule(IDLE),
    (PROCESSING, Heard.NO_REPLY): Rule(IDLE, (Do.FLUSH, Do.REPORT)),
    (PROCESSING, Heard.BOT_STARTED): Rule(SPEAKING),
    (PROCESSING, Heard.BOT_FINISHED): Rule(PROCESSING),
    # A client without a VAD is arbitrated too, and one whose word was lost: the first
    # windows that the server suspects contest the floor as the client's own would.
    (SPEAKING, Heard.SPEECH): Rule(CONTESTED, (Do.PAUSE,)),
    (SPEAKING, Heard.VOICE): Rule(CONTESTED, (Do.PAUSE,)),
    (SPEAKING, Heard.SUSPICION): Rule(CONTESTED, (Do.PAUSE,)),
    (SPEAKING, Heard.BARGE_IN): Rule(SPEAKING),
    (SPEAKING, Heard.FALSE_ALARM): Rule(SPEAKING),
    (SPEAKING, Heard.FALSE_ALARM_EARLY): Rule(SPEAKING),
    (SPEAKING, Heard.TURN_ENDED): Rule(SPEAKING),
    (SPEAKING, Heard.MISFIRE): Rule(SPEAKING),
    (SPEAKING, Heard.INTERRUPTED): Rule(IDLE, (Do.FLUSH,)),
    (SPEAKING, Heard.REPLY_BEGUN): Rule(SPEAKING),
    (SPEAKING, Heard.REPLY_EMPTY): Rule(SPEAKING),
    (SPEAKING, Heard.NO_REPLY): Rule(SPEAKING),
    (SPEAKING, Heard.BOT_STARTED): Rule(SPEAKING),
    (SPEAKING, Heard.BOT_FINISHED): Rule(IDLE),
    (CONTESTED, Heard.SPEECH): Rule(CONTESTED, (Do.EVIDENCE,)),
    (CONTESTED, Heard.VOICE): Rule(CONTESTED, (Do.EVIDENCE,)),
    (CONTESTED, Heard.SUSPICION): Rule(CONTESTED, (Do.EVIDENCE,)),
    (CONTESTED, Heard.BARGE_IN): Rule(LISTENING, (Do.FLUSH, Do.OPEN_TURN)),
    (CONTESTED, Heard.FALSE_ALARM): Rule(SPEAKING, (Do.DROP_WORDS, Do.RESUME)),
    (CONTESTED, Heard.FALSE_ALARM_EARLY): Rule(PROCESSING, (Do.DROP_WORDS, Do.RESUME)),
    (CONTESTED, Heard.TURN_ENDED): Rule(CONTESTED),
    (CONTESTED, Heard.MISFIRE): Rule(CONTESTED),
    (CONTESTED, Heard.INTERRUPTED): Rule(IDLE, (Do.FLUSH,)),
    # The reply goes on behind the pause, or its last sample was played before the pause
    # took hold: the verdict comes first, and a false alarm leads to where the bot is by then.
    (CONTESTED, Heard.REPLY_BEGUN): Rule(CONTESTED, (Do.KEEP,)),
    (CONTESTED, Heard.REPLY_EMPTY): Rule(CONTESTED, (Do.KEEP,)),
    (CONTESTED, Heard.NO_REPLY): Rule(CONTESTED),
    (CONTESTED, Heard.BOT_STARTED): Rule(CONTESTED, (Do.KEEP,)),
    (CONTESTED, Heard.BOT_FINISHED): Rule(CONTESTED, (Do.KEEP,)),
}


def step(floor: Floor, heard: Heard) -> Rule:
    """Look up what follows; total, so it never fails."""
    return RULES[floor, heard]

"""The control messages of `bargein/1`, one model each; JSON Schema and docs are printed from them.

Every message is idempotent. Loss, duplication, delay and reordering are normal. On a
channel that is not ordered with the audio, a packet of a newer epoch than the last
verdict is kept by the client until the verdict arrives. The file is long because the
vocabulary of a protocol is one thing, to be read in one place.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bargein.errors import ProtocolError
from bargein.floor import Floor
from bargein.gate import NO_GATE_DB
from bargein.latency import Stage
from bargein.noise import Why
from bargein.packet import U32_MAX

VERSION = 1
PREFIX = "bargein/"
MAX_MESSAGE_BYTES = 16_384
"""What a client may send at once; a server's messages grow with the text that they carry."""
MAX_ERROR_CHARACTERS = 300
MICROPHONE_RATE_HZ = 16_000
WINDOW_SAMPLES = 512
"""What the VAD scores at once, and what one uplink packet holds: 32 ms at 16 kHz."""
TRUNCATE_REPEAT_MS = 100
PLAYED_EVERY_MS = 200
OUTLINE_MS = 5
"""So much of a track's audio makes one level of a mark's outline."""
OUTLINE_LOWEST_DB = -100
OUTLINE_STEPS_PER_DB = 2
MAX_OUTLINE_LEVELS = 200
"""One second of audio: nobody who tells of it in time needs more."""

U32 = Annotated[int, Field(ge=0, le=U32_MAX)]
Samples = Annotated[int, Field(ge=0, le=2**53 - 1)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Reason(StrEnum):
    """Why a barge-in was rejected."""

    NO_SPEECH = "no_speech"
    """The server's VAD heard too little speech."""
    ECHO = "echo"
    """It was the bot's own voice."""
    BACKCHANNEL = "backchannel"
    """A listener's "mm-hm" that does not want the floor."""
    TIMEOUT = "timeout"
    """The deadline passed without enough evidence."""


class Message(BaseModel):
    """What every message carries."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    v: Literal[1] = Field(default=1, description="Version of the protocol.")
    session: str = Field(
        default="", max_length=64, description="Id of the session; empty before `welcome`."
    )
    seq: U32 = Field(default=0, description="The sender's running count of messages.")
    epoch: U32 = Field(default=0, description="The sender's epoch: audio of an older one is stale.")


# --- from the client -------------------------------------------------------------------


class Capabilities(BaseModel):
    """What a client can do."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    vad: bool = Field(default=False, description="It detects speech and mutes the bot by itself.")
    microphone_rate_hz: int = Field(
        default=MICROPHONE_RATE_HZ, description="Rate of the audio it sends; must be 16000."
    )
    exact_playout: bool = Field(
        default=False, description="Its played positions are exact sample counts."
    )


class Resume(BaseModel):
    """Where a client that comes back left off."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    session: str = Field(max_length=64, description="Id of the session to take up.")
    key: str = Field(
        default="",
        max_length=64,
        description="The `key` of the last `welcome`: it opens the session.",
    )
    utterance: U32 = Field(
        default=0, description="The utterance that was playing; 0 where nobody knows any more."
    )
    played_samples: Samples = Field(default=0, description="How much of it was played.")
    away_ms: float = Field(
        default=0, ge=0, description="The client has been without its connection for so long."
    )


class Hello(Message):
    """The first message: who I am and what I can do."""

    type: Literal["bargein/hello"] = "bargein/hello"
    token: str = Field(
        default="",
        max_length=4096,
        description="Token that lets the client in, where one is asked for.",
    )
    protocol: int = Field(default=VERSION, description="Version that the client speaks.")
    capabilities: Capabilities = Field(
        default=Capabilities(), description="What the client can do."
    )
    clock_ms: float = Field(default=0, description="The client's monotonic clock.")
    resume: Resume | None = Field(
        default=None, description="The session that the client had before."
    )


class Truncate(Message):
    """Speech was detected and the bot is already muted; repeated every 100 ms until answered.

    Also the answer to a `contested` that the client did not ask for, with `detected` false.
    """

    type: Literal["bargein/truncate"] = "bargein/truncate"
    utterance: U32 = Field(description="The utterance that was cut off.")
    played_samples: Samples = Field(description="How many samples of it were played.")
    probability: Probability = Field(default=0, description="The VAD's probability of speech.")
    window_index: Samples = Field(
        default=0, description="Index of the 512-sample microphone window that fired."
    )
    noise_floor_db: float = Field(
        default=-90, ge=-200, le=20, description="The client's noise floor, dBFS."
    )
    detected: bool = Field(default=True, description="The client's own VAD fired.")
    clock_ms: float = Field(
        default=0, description="The client's monotonic clock when it is sent; 0 does not tell."
    )
    age_ms: float = Field(
        default=0, ge=0, description="The speech was detected so long before it is sent."
    )


class Played(Message):
    """How far playout has come; every 200 ms while the bot speaks, and at each stop."""

    type: Literal["bargein/played"] = "bargein/played"
    utterance: U32 = Field(description="The utterance that is playing.")
    played_samples: Samples = Field(description="How many samples of it were played.")
    finished: bool = Field(default=False, description="It was played to its last sample.")
    estimate: bool = Field(default=False, description="The position is an estimate, not a count.")


class SpeechEnded(Message):
    """The client's VAD heard speech end (evidence)."""

    type: Literal["bargein/speech_ended"] = "bargein/speech_ended"
    window_index: Samples = Field(
        default=0, description="Index of the first silent microphone window."
    )


class Ping(Message):
    """Asks for a `pong`: clock offset and round trip."""

    type: Literal["bargein/ping"] = "bargein/ping"
    clock_ms: float = Field(default=0, description="The client's monotonic clock.")
    round_trip_ms: float | None = Field(
        default=None, ge=0, description="What the last `pong` took, from its ping on."
    )
    offset_ms: float | None = Field(
        default=None,
        description="By the last `pong`, the server's clock is so far ahead of the client's.",
    )


class Goodbye(Message):
    """The client leaves for good: its session ends at once, and nobody waits for it."""

    type: Literal["bargein/goodbye"] = "bargein/goodbye"


# --- from the server -------------------------------------------------------------------


class VadSettings(Message):
    """New settings for the client's VAD, at most one a second; after `welcome` again."""

    type: Literal["bargein/vad_settings"] = "bargein/vad_settings"
    probability_threshold: Probability = Field(description="A window at or above it is speech.")
    gate_db: float = Field(
        default=NO_GATE_DB,
        description="A window of a lower level, in dBFS, is silence, whatever its probability.",
    )
    echo_gate_db: float = Field(
        default=NO_GATE_DB, description="The same while the bot speaks; the higher one counts."
    )
    noise_floor_db: float = Field(default=-90, description="The server's noise floor, dBFS.")
    why: Why = Field(default=Why.QUIET, description="What they follow, for display.")


class GoesOn(BaseModel):
    """Where the bot's voice goes on in a session that was taken up."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    utterance: U32 = Field(default=0, description="The utterance; 0 where none is under way.")
    at_sample: Samples = Field(
        default=0, description="Its next sample: where the client was, or the start of that word."
    )


class Welcome(Message):
    """The answer to `hello`: the session is open."""

    type: Literal["bargein/welcome"] = "bargein/welcome"
    bot: str = Field(default="", description="Name of the bot, from its config.")
    sample_rate_hz: int = Field(
        default=24_000, ge=8_000, le=48_000, description="Rate of the bot's audio."
    )
    probability_threshold: Probability = Field(
        default=0.65, description="The client VAD's threshold."
    )
    state: Floor = Field(default=Floor.IDLE, description="Who has the floor.")
    examples: tuple[str, ...] = Field(default=(), description="What the user may say, for display.")
    key: str = Field(
        default="",
        max_length=64,
        description="Takes the session up again when the connection is lost; a secret, and "
        "another one at each return. Empty: a lost connection ends the session.",
    )
    grace_s: float = Field(
        default=0, ge=0, description="So long the session waits for a client that was lost."
    )
    goes_on: GoesOn | None = Field(
        default=None, description="Of a session that was taken up, which has a new epoch, too."
    )


class Contested(Message):
    """The output is paused and the verdict follows; a client that still plays mutes now."""

    type: Literal["bargein/contested"] = "bargein/contested"
    utterance: U32 = Field(description="The paused utterance.")
    verdict_deadline_ms: float = Field(description="The verdict comes within this time.")


class Accepted(Message):
    """The floor is the user's: drop all audio of older epochs."""

    type: Literal["bargein/accepted"] = "bargein/accepted"
    utterance: U32 = Field(description="The utterance that was cut off.")
    cut_samples: Samples = Field(description="How much of it counts as played.")
    heard_text: str = Field(default="", description="What the user heard of it.")
    unheard_text: str = Field(default="", description="What the user did not hear.")


class Rejected(Message):
    """Unmute: play on from the exact sample, under the new epoch."""

    type: Literal["bargein/rejected"] = "bargein/rejected"
    utterance: U32 = Field(description="The utterance that goes on.")
    at_sample: Samples = Field(description="The sample to go on from.")
    reason: Reason = Field(description="Why it was no barge-in.")


class Ignored(Message):
    """The truncate did not apply: drop the mute."""

    type: Literal["bargein/ignored"] = "bargein/ignored"
    state: Floor = Field(description="Who has the floor.")
    reason: str = Field(default="", description="Why, in words.")


class State(Message):
    """Who has the floor, for display and for repair."""

    type: Literal["bargein/state"] = "bargein/state"
    state: Floor = Field(description="Who has the floor.")


class SpokenWord(BaseModel):
    """A word of the bot's, and where it stands in its utterance."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    text: str = Field(description="The word as written.")
    start_sample: Samples = Field(description="Where it begins.")
    end_sample: Samples = Field(description="Where it ends.")
    estimate: bool = Field(default=False, description="The times are interpolated.")


class Words(Message):
    """Words that the bot is about to say, for display; a word sent again replaces the old one."""

    type: Literal["bargein/words"] = "bargein/words"
    utterance: U32 = Field(description="The utterance that they belong to.")
    first_word: U32 = Field(
        default=0, description="Index within the utterance of the first of them."
    )
    words: tuple[SpokenWord, ...] = Field(description="The words, in order.")


class Transcript(Message):
    """What the user was understood to say, for display; an empty final one takes it back."""

    type: Literal["bargein/transcript"] = "bargein/transcript"
    text: str = Field(description="The words so far.")
    final: bool = Field(description="They will not change any more.")


class StageLatency(BaseModel):
    """A stage on the way from the user's last sound to the bot's first."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    stage: Stage = Field(description="What was reached.")
    added_ms: float = Field(ge=0, description="How much it added; 0: nobody waited for it.")


class Latency(Message):
    """The first sound of an answer was heard, so long after the user's last one; for display."""

    type: Literal["bargein/latency"] = "bargein/latency"
    turn: U32 = Field(description="Number of the turn in the session.")
    total_ms: float = Field(ge=0, description="From the end of speech to the first audio heard.")
    stages: tuple[StageLatency, ...] = Field(
        description="What it was made of, in order; the parts sum to the whole."
    )
    speculated: bool = Field(
        default=False, description="The answer was begun before the turn was over."
    )
    saved_ms: float = Field(default=0, description="How much sooner it was there thereby.")
    predictions: U32 = Field(
        default=0, description="So many answers were begun early in the session so far."
    )
    confirmed: U32 = Field(default=0, description="So many of these were the right ones.")


class Pong(Message):
    """The answer to `ping`."""

    type: Literal["bargein/pong"] = "bargein/pong"
    clock_ms: float = Field(description="The `clock_ms` of the ping.")
    server_clock_ms: float = Field(description="The server's monotonic clock.")
    state: Floor | None = Field(
        default=None, description="Who has the floor: a `state` may have been lost."
    )


class Mark(Message):
    """What stands in the bot's track there, where its voice travels as a track without packets."""

    type: Literal["bargein/mark"] = "bargein/mark"
    track_sample: Samples = Field(
        description="Where it begins: so many samples of the bot's rate went into the track before."
    )
    utterance: U32 = Field(description="The utterance that stands there.")
    start_sample: Samples = Field(description="The sample of it that stands at the beginning.")
    samples: Samples = Field(description="So many samples of it follow one another there.")
    last: bool = Field(default=False, description="The utterance ends with these samples.")
    outline: str = Field(
        default="",
        max_length=2 * MAX_OUTLINE_LEVELS,
        pattern="^([0-9a-f]{2})*$",
        description="The level of each 5 ms, two hex digits each: half decibels above -100 dBFS.",
    )


class Error(Message):
    """Something was wrong; `final` means that the session is over."""

    type: Literal["bargein/error"] = "bargein/error"
    code: str = Field(description="What kind of error, for programs.")
    message: str = Field(description="What is wrong and what to do, for people.")
    final: bool = Field(default=False, description="The session is over.")


ClientMessage = Hello | Truncate | Played | SpeechEnded | Ping | Goodbye
ServerMessage = (
    Welcome
    | Contested
    | Accepted
    | Rejected
    | Ignored
    | VadSettings
    | State
    | Words
    | Transcript
    | Latency
    | Pong
    | Mark
    | Error
)


class Codec:
    """Reads and writes messages; whatever is wrong with one is a `ProtocolError`."""

    from_client: ClassVar[TypeAdapter[ClientMessage]] = TypeAdapter(
        Annotated[ClientMessage, Field(discriminator="type")]
    )
    from_server: ClassVar[TypeAdapter[ServerMessage]] = TypeAdapter(
        Annotated[ServerMessage, Field(discriminator="type")]
    )

    @classmethod
    def read_client(cls, text: str) -> ClientMessage:
        """Read what a client sent."""
        return cls.read_client_value(cls.parse(text))

    @classmethod
    def read_client_value(cls, value: object) -> ClientMessage:
        """Read what a client sent, where the channel has parsed the JSON already."""
        message: ClientMessage = cls._validate(cls.from_client, value)
        return message

    @classmethod
    def read_server(cls, text: str) -> ServerMessage:
        """Read what a server sent."""
        message: ServerMessage = cls._validate(cls.from_server, cls._load(text))
        return message

    @staticmethod
    def write(message: Message) -> str:
        """Write a message as JSON text."""
        return message.model_dump_json()

    @classmethod
    def parse(cls, text: str) -> object:
        """Read JSON of bounded size."""
        size_bytes = len(text.encode(errors="surrogatepass"))
        if size_bytes > MAX_MESSAGE_BYTES:
            raise ProtocolError(
                "too_long", f"a message has at most {MAX_MESSAGE_BYTES} bytes, got {size_bytes}"
            )
        return cls._load(text)

    @staticmethod
    def _load(text: str) -> object:
        try:
            value: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ProtocolError("not_json", f"a message is a JSON object: {error}") from error
        return value

    @staticmethod
    def _validate(adapter: TypeAdapter[Any], value: object) -> Any:
        if not isinstance(value, dict):
            raise ProtocolError("not_an_object", "a message is a JSON object with a `type`")
        version = value.get("v", VERSION)
        if version != VERSION:
            raise ProtocolError(
                "version",
                _short(f"this side speaks bargein/{VERSION}, the message is of {version!r}"),
            )
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "type"
            raise ProtocolError("bad_message", _short(f"{where}: {first['msg']}")) from error


def _short(text: str) -> str:
    """Text that quotes the other side, cut to a bounded length."""
    return text if len(text) <= MAX_ERROR_CHARACTERS else f"{text[: MAX_ERROR_CHARACTERS - 1]}…"

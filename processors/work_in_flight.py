"""What a service was given and has not done yet: given to the next one if it fails.

Each kind of service has its own notion of it. `given` and `made` see all frames that go in and
come out; `again` gives what the next one is to do, `ending` what closes what the failed one has
begun. The frames of `again` are copies, marked, where they have passed on already.

Past 300 lines, for the three kinds are read side by side: each answers the same questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from pipecat.frames.frames import (
    AggregatedTextFrame,
    Frame,
    FunctionCallsStartedFrame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    ServiceUpdateSettingsFrame,
    SystemFrame,
    TextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)

from bargein.processors.pending_interruptions import PendingInterruptions

AGAIN = "bargein_again"
"""Key of the metadata of a frame that is given a second time: it does not pass on again."""
REMEMBERED_MS = 15_000
"""So much of the microphone is kept for the next recogniser, since the last final transcript."""
MS_PER_S = 1000
KEPT = (InputAudioRawFrame, VADUserStartedSpeakingFrame, VADUserStoppedSpeakingFrame)
"""What a recogniser is given, and passes on."""
SAID = (
    LLMFullResponseStartFrame,
    LLMFullResponseEndFrame,
    TextFrame,
    TTSSpeakFrame,
)
"""What a voice is given to say; anything else waits behind it, and passes."""


class Work(Protocol):
    """What is in flight in one service."""

    @property
    def waits(self) -> bool:
        """Whether something was given that is not done."""

    @property
    def may_be_held(self) -> bool:
        """Whether it may have to wait until the bot has spoken."""

    def begins(self, frame: Frame) -> bool:
        """Whether a new piece of work begins with this frame, and nothing else is in flight."""

    def given(self, frame: Frame) -> None:
        """A frame goes into the service."""

    def made(self, frame: Frame) -> bool:
        """A frame comes out of it; whether it passes on."""

    def again(self) -> Sequence[Frame]:
        """Give what the next service is to do."""

    def ending(self) -> Sequence[Frame]:
        """Give what ends what the failed one has begun."""


class Answering:
    """An LLM's: the context it is to answer. A reply that has begun is not begun again.

    What came behind the context waits in the service's queue, which is dropped with its work.
    """

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self._asked: LLMContextFrame | None = None
        self._queue: list[Frame] = []
        """What has not come out, in order; the context among it."""
        self._interruptions = PendingInterruptions()
        self._open = False
        self._said = False

    @property
    def waits(self) -> bool:
        """Whether it has begun to answer; there are contexts that get no answer."""
        return self._asked is not None and self._open

    @property
    def may_be_held(self) -> bool:
        """Never."""
        return False

    def begins(self, frame: Frame) -> bool:
        """Whether a context comes."""
        return isinstance(frame, LLMContextFrame) and self._asked is None

    def given(self, frame: Frame) -> None:
        """Note what is asked, and what waits behind it."""
        if isinstance(frame, InterruptionFrame):
            self._interruptions.given(frame)
            self._done()
            self._queue = [each for each in self._queue if not each.interruptible]
        elif _waits_its_turn(frame):
            self._queue.append(frame)
        if isinstance(frame, LLMContextFrame):
            self._asked, self._said = frame, False

    def made(self, frame: Frame) -> bool:
        """Let one beginning of a reply pass, not that of a second service too."""
        if self._interruptions.precedes(frame):
            return True
        if isinstance(frame, LLMFullResponseStartFrame):
            first, self._open = not self._open, True
            return first
        if isinstance(frame, LLMFullResponseEndFrame):
            self._done()
        elif isinstance(frame, LLMTextFrame | FunctionCallsStartedFrame):
            self._said = True
        else:
            self._queue = _behind(frame, self._queue)
        return True

    def again(self) -> Sequence[Frame]:
        """Give the context, if nothing was answered, and what waits behind it.

        What was said must not be said twice.
        """
        if self._asked and self._said:
            self._queue = _behind(self._asked, self._queue)
        return [*self._interruptions.frames, *self._queue]

    def ending(self) -> Sequence[Frame]:
        """End a reply that broke off."""
        if not (self._open and self._said):
            return []
        self._done()
        return [LLMFullResponseEndFrame()]

    def _done(self) -> None:
        if self._asked:
            self._queue = _behind(self._asked, self._queue)
        self._asked, self._open, self._said = None, False, False


class Hearing:
    """A recogniser's: the audio since its last final transcript."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._heard: list[Frame] = []
        self._heard_ms = 0.0
        self._passed: set[int] = set()
        """Of those that are kept: the ids of the frames that came out."""
        self._onset: VADUserStartedSpeakingFrame | None = None

    @property
    def waits(self) -> bool:
        """Never: who knows if anything was said."""
        return False

    @property
    def may_be_held(self) -> bool:
        """Never."""
        return False

    def begins(self, frame: Frame) -> bool:
        """Never: a recogniser works without a pause."""
        return False

    def given(self, frame: Frame) -> None:
        """Keep the audio, and where speech begins and ends in it."""
        match frame:
            case InputAudioRawFrame():
                self._keep(frame)
            case VADUserStartedSpeakingFrame():
                self._onset = frame
                self._heard.append(frame)
            case VADUserStoppedSpeakingFrame():
                self._onset = None
                self._heard.append(frame)

    def made(self, frame: Frame) -> bool:
        """Forget what is understood; nothing passes twice."""
        if isinstance(frame, TranscriptionFrame):
            self._heard = [self._onset] if self._onset else []
            self._heard_ms = 0.0
            self._passed &= {kept.id for kept in self._heard}
        elif isinstance(frame, KEPT):
            self._passed.add(frame.id)
        return AGAIN not in frame.metadata

    def again(self) -> Sequence[Frame]:
        """Give the audio; the next recogniser gets it at once, and then as it comes.

        What the failed one still held passes when it comes out of the next one.
        """
        return [_copy(frame) if frame.id in self._passed else frame for frame in self._heard]

    def ending(self) -> Sequence[Frame]:
        """Nothing is begun that has an end."""
        return []

    def _keep(self, frame: InputAudioRawFrame) -> None:
        self._heard.append(frame)
        self._heard_ms += _length_ms(frame)
        is_begun = False
        while self._heard_ms > REMEMBERED_MS:
            oldest = self._heard.pop(0)
            self._heard_ms -= _length_ms(oldest)
            self._passed.discard(oldest.id)
            is_begun |= oldest is self._onset
        if is_begun and self._onset:
            # Who speaks for longer speaks still.
            self._heard.insert(0, self._onset)
            self._passed.add(self._onset.id)


class Speaking:
    """A voice's: the text of which no sound has come."""

    def __init__(self) -> None:
        """Begin in silence."""
        self._texts: list[Frame] = []
        self._interruptions = PendingInterruptions()
        self._open = self._sounds = False
        self._due_chars = self._spoken_chars = 0

    @property
    def waits(self) -> bool:
        """Whether it has not said all that it can say."""
        return self._spoken_chars < self._due_chars

    @property
    def may_be_held(self) -> bool:
        """Some voices begin nothing new until what they have said is played."""
        return not self._spoken_chars and not self._sounds

    def begins(self, frame: Frame) -> bool:
        """Whether a reply begins, or something else to say, in silence."""
        is_idle = not any(isinstance(each, SAID) for each in self._texts)
        return is_idle and isinstance(frame, LLMFullResponseStartFrame | TTSSpeakFrame)

    def given(self, frame: Frame) -> None:
        """Keep what is to be said, and what is to pass between."""
        match frame:
            case InterruptionFrame():
                self._interruptions.given(frame)
                self._keep([each for each in self._texts if not each.interruptible])
                self._open = False
            case LLMFullResponseEndFrame() | TTSSpeakFrame():
                self._keep([*self._texts, frame], self._spoken_chars)
            case TTSTextFrame():
                pass
            case AggregatedTextFrame():
                self._keep([*self._texts, frame], self._spoken_chars)
            case LLMFullResponseStartFrame() | LLMTextFrame():
                self._texts.append(frame)
            case TextFrame():
                pass
            case _ if _waits_its_turn(frame):
                self._texts.append(frame)

    def made(self, frame: Frame) -> bool:
        """Note what is said; one beginning of a reply passes."""
        if self._interruptions.precedes(frame):
            return True
        match frame:
            case LLMFullResponseStartFrame():
                first, self._open = not self._open, True
                return first
            case LLMFullResponseEndFrame():
                self._open = False
                self._done_with(LLMFullResponseEndFrame)
            case TTSStartedFrame():
                self._sounds = False
            case TTSAudioRawFrame():
                self._sounds = True
            case TTSTextFrame():
                self._spoken_chars += _characters(frame.text)
            case TTSStoppedFrame():
                self._sounds = False
                if not self._open:
                    self._done_with(TTSSpeakFrame)
            case TextFrame():
                pass
            case _:
                self._texts = [each for each in self._texts if each.id != frame.id]
        return True

    def again(self) -> Sequence[Frame]:
        """Give what was not said, from the first word of which nothing came."""
        rest: list[Frame] = []
        spoken = self._spoken_chars
        for frame in self._texts:
            text = _text(frame)
            if not text:
                rest.append(_copy(frame) if isinstance(frame, SAID) else frame)
                continue
            left = _without(text, spoken)
            spoken = max(0, spoken - _characters(text))
            if left.strip():
                rest.append(_reworded(frame, left))
        self._keep(rest)
        return [*self._interruptions.frames, *rest]

    def ending(self) -> Sequence[Frame]:
        """End the audio that broke off."""
        broken, self._sounds = self._sounds, False
        return [TTSStoppedFrame()] if broken else []

    def _done_with(self, kind: type[Frame]) -> None:
        """Drop all to the end of the first of a kind, but what is yet to pass."""
        ends = [i for i, each in enumerate(self._texts) if isinstance(each, kind)]
        last = ends[0] if ends else len(self._texts)
        self._keep(
            [each for i, each in enumerate(self._texts) if i > last or not isinstance(each, SAID)]
        )

    def _keep(self, texts: list[Frame], spoken_chars: int = 0) -> None:
        self._texts, self._spoken_chars = texts, spoken_chars
        self._due_chars = _characters("".join(map(_text, texts)))


def _waits_its_turn(frame: Frame) -> bool:
    """Whether a service does it in order, and gives it on; settings are one service's own."""
    return not isinstance(frame, SystemFrame | ServiceUpdateSettingsFrame)


def _behind(frame: Frame, queue: list[Frame]) -> list[Frame]:
    """What came after a frame that is done, which is all where it is not among them."""
    ids = [each.id for each in queue]
    return queue[ids.index(frame.id) + 1 :] if frame.id in ids else queue


def _copy(frame: Frame) -> Frame:
    again: Frame = replace(frame)
    again.metadata = {**frame.metadata, AGAIN: True}
    return again


def _reworded(frame: Frame, text: str) -> Frame:
    again: Any = _copy(frame)
    again.text = text
    if getattr(again, "raw_text", None):
        again.raw_text = text
    return again  # type: ignore[no-any-return]


def _text(frame: Frame) -> str:
    return frame.text if isinstance(frame, TextFrame | TTSSpeakFrame) else ""


def _characters(text: str) -> int:
    """Count what is said alike, however it is spaced."""
    return sum(not character.isspace() for character in text)


def _without(text: str, characters: int) -> str:
    """Drop so many characters from the start; a word that is not dropped whole stays whole."""
    words = text.split(" ")
    while words and (not words[0] or _characters(words[0]) <= characters):
        characters -= _characters(words.pop(0))
    return " ".join(words)


def _length_ms(frame: Frame) -> float:
    if not isinstance(frame, InputAudioRawFrame):
        return 0.0
    return frame.num_frames * MS_PER_S / frame.sample_rate

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

AGAIN = "bargein_again"
"""Key of the metadata of a frame that is given a second time: it does not pass on again."""
REMEMBERED_MS = 15_000
"""So much of the microphone is kept for the next recogniser, since the last final transcript."""
MS_PER_S = 1000
KEPT = (InputAudioRawFrame, VADUserStartedSpeakingFrame, VADUserStoppedSpeakingFrame)
"""What a recogniser is given, and passes on."""


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
    """An LLM's: the context it is to answer. A reply that has begun is not begun again."""

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self._asked: LLMContextFrame | None = None
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
        """Note what is asked."""
        if isinstance(frame, LLMContextFrame):
            self._asked, self._said = frame, False
        elif isinstance(frame, InterruptionFrame):
            self._asked, self._open, self._said = None, False, False

    def made(self, frame: Frame) -> bool:
        """Let one beginning of a reply pass, not that of a second service too."""
        if isinstance(frame, LLMFullResponseStartFrame):
            first, self._open = not self._open, True
            return first
        if isinstance(frame, LLMFullResponseEndFrame):
            self._asked, self._open, self._said = None, False, False
        elif isinstance(frame, LLMTextFrame | FunctionCallsStartedFrame):
            self._said = True
        return True

    def again(self) -> Sequence[Frame]:
        """Give the context, if nothing was answered: what was said must not be said twice."""
        return [self._asked] if self._asked and not self._said else []

    def ending(self) -> Sequence[Frame]:
        """End a reply that broke off."""
        if not (self._open and self._said):
            return []
        self._asked, self._open, self._said = None, False, False
        return [LLMFullResponseEndFrame()]


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
        return not self._texts and isinstance(frame, LLMFullResponseStartFrame | TTSSpeakFrame)

    def given(self, frame: Frame) -> None:
        """Keep what is to be said."""
        match frame:
            case InterruptionFrame():
                self._forget()
                self._open = False
            case TTSTextFrame():
                pass
            case LLMFullResponseEndFrame() | AggregatedTextFrame() | TTSSpeakFrame():
                self._texts.append(frame)
                self._due_chars = _characters("".join(map(_text, self._texts)))
            case LLMFullResponseStartFrame() | LLMTextFrame():
                self._texts.append(frame)

    def made(self, frame: Frame) -> bool:
        """Note what is said; one beginning of a reply passes."""
        match frame:
            case LLMFullResponseStartFrame():
                first, self._open = not self._open, True
                return first
            case LLMFullResponseEndFrame():
                self._open = False
                self._forget()
            case TTSStartedFrame():
                self._sounds = False
            case TTSAudioRawFrame():
                self._sounds = True
            case TTSTextFrame():
                self._spoken_chars += _characters(frame.text)
            case TTSStoppedFrame():
                self._sounds = False
                if not self._open:
                    self._forget()
            case _:
                pass
        return True

    def again(self) -> Sequence[Frame]:
        """Give what was not said, from the first word of which nothing came."""
        rest: list[Frame] = []
        spoken = self._spoken_chars
        for frame in self._texts:
            text = _text(frame)
            if not text:
                rest.append(_copy(frame))
                continue
            left = _without(text, spoken)
            spoken = max(0, spoken - _characters(text))
            if left.strip():
                rest.append(_reworded(frame, left))
        self._texts, self._spoken_chars = rest, 0
        self._due_chars = _characters("".join(map(_text, rest)))
        return rest if self._due_chars or self._open else []

    def ending(self) -> Sequence[Frame]:
        """End the audio that broke off."""
        broken, self._sounds = self._sounds, False
        return [TTSStoppedFrame()] if broken else []

    def _forget(self) -> None:
        self._texts, self._spoken_chars, self._due_chars = [], 0, 0


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

"""Tells an RTVI client what goes on: the server's bargein/1 messages become RTVI's.

A word of the bot's is told when it was handed out, not when it was made: what the page
marks as spoken was on its way to the listener.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pipecat.processors.frameworks.rtvi.models as rtvi
from pydantic import BaseModel

from bargein.floor import Floor
from bargein.outlet import Position
from bargein.protocol import Error, ServerMessage, SpokenWord, State, Transcript, Words
from bargein.truncation import Word

SENTENCE = "sentence"
WORD = "word"
USER = "user"
USER_INPUT_SINCE = (2, 2)
"""The version of RTVI that knows `user-input`."""


class Narrator:
    """Remembers what the client was told, and gives what it is to be told next."""

    def __init__(self) -> None:
        """Begin in silence."""
        self.version: tuple[int, ...] = ()
        """Of RTVI, as the client speaks it."""
        self._words: dict[int, dict[int, Word]] = {}
        self._position = Position()
        self._spoken = 0
        self._segment: tuple[int, int] = (0, 0)
        self._segments = 0
        self._user_speaks = False
        self._bot_speaks = False

    def take(self, message: ServerMessage) -> list[BaseModel]:
        """Give what a message of the server's means in RTVI; nothing for most."""
        match message:
            case State(state=floor):
                return self._take_floor(floor)
            case Transcript(text=text, final=final) if text:
                return self._transcript(text, final=final)
            case Words():
                self._take_words(message)
                return self.handed_out(self._position)
            case Error():
                data = rtvi.ErrorData(error=message.message, fatal=message.final)
                return [rtvi.Error(data=data)]
            case _:
                return []

    def handed_out(self, position: Position) -> list[BaseModel]:
        """Give the words that this position has come to."""
        if position.utterance != self._position.utterance:
            self._begin(position.utterance)
        self._position = position
        words = self._words.get(position.utterance, {})
        told: list[BaseModel] = []
        while word := words.get(self._spoken):
            begun = position.finished or word.start_sample < position.samples
            if begun and self._spoken >= self._segment[1]:
                told += self._open_segment(words)
            if not (position.finished or word.heard(position.samples)):
                break
            self._spoken += 1
            told.append(self._progress(words))
        return told

    # --- who speaks ----------------------------------------------------------------------

    def _take_floor(self, floor: Floor) -> list[BaseModel]:
        if floor is Floor.CONTESTED:
            return []  # it is nobody's yet
        told: list[BaseModel] = []
        user, bot = floor is Floor.LISTENING, floor is Floor.SPEAKING
        if self._bot_speaks and not bot:
            told.append(rtvi.BotStoppedSpeakingMessage())
        if self._user_speaks != user:
            began = rtvi.UserStartedSpeakingMessage()
            told.append(began if user else rtvi.UserStoppedSpeakingMessage())
        if bot and not self._bot_speaks:
            told.append(rtvi.BotStartedSpeakingMessage())
        self._user_speaks, self._bot_speaks = user, bot
        return told

    # --- what the user says ---------------------------------------------------------------

    def _transcript(self, text: str, *, final: bool) -> list[BaseModel]:
        now = datetime.now(UTC).isoformat()
        data = rtvi.UserTranscriptionMessageData(
            text=text, user_id=USER, timestamp=now, final=final
        )
        told: list[BaseModel] = [rtvi.UserTranscriptionMessage(data=data)]
        if self.version >= USER_INPUT_SINCE:
            given = rtvi.UserInputMessageData(
                text=text, input_type="transcription", timestamp=now, final=final, user_id=USER
            )
            told.append(rtvi.UserInputMessage(data=given))
        return told

    # --- what the bot says ----------------------------------------------------------------

    def _begin(self, utterance: int) -> None:
        self._words = {key: words for key, words in self._words.items() if key >= utterance}
        self._spoken = 0
        self._segment = (0, 0)

    def _take_words(self, message: Words) -> None:
        if message.utterance >= self._position.utterance:
            words = self._words.setdefault(message.utterance, {})
            for index, each in enumerate(message.words, start=message.first_word):
                words[index] = _word(each)

    @property
    def _legacy(self) -> bool:
        return bool(self.version) and self.version[0] <= rtvi.LEGACY_SUPPORTED_MAJOR

    def _open_segment(self, words: dict[int, Word]) -> list[BaseModel]:
        """Tell the text that begins here, to the end of its sentence as far as it is known."""
        first = end = self._spoken
        while end in words:
            end += 1
            if words[end - 1].ends_sentence:
                break
        self._segment = (first, end)
        self._segments += 1
        return [] if self._legacy else [self._output(words, "new")]

    def _progress(self, words: dict[int, Word]) -> BaseModel:
        if not self._legacy:
            done = self._spoken == self._segment[1]
            return self._output(words, "completed" if done else "in-progress")
        data = rtvi.BotOutputMessageData(
            text=words[self._spoken - 1].text, output_type=WORD, spoken=True
        )
        return rtvi.BotOutputMessage(data=data)

    def _output(self, words: dict[int, Word], status: rtvi.SpokenStatus) -> BaseModel:
        first, end = self._segment
        data = rtvi.BotOutputMessageData(
            text=_text(words, first, end),
            output_type=SENTENCE,
            segment_id=self._segments,
            will_be_spoken=True,
            spoken_status=status,
            spoken_progress=rtvi.SpokenProgressData(
                accumulated_text=_text(words, first, self._spoken),
                remaining_text=_text(words, self._spoken, end),
            ),
        )
        return rtvi.BotOutputMessage(data=data)


def _word(spoken: SpokenWord) -> Word:
    return Word(spoken.text, spoken.start_sample, spoken.end_sample, spoken.estimate)


def _text(words: dict[int, Word], first: int, end: int) -> str:
    return " ".join(words[index].text for index in range(first, end))

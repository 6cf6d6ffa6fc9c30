"""espeak-ng through ctypes: speech in chunks as they are made, with the place of every word.

The engine is one per process and not re-entrant, so one thread of its own runs it, one text at a
time. It runs in synchronous mode: the callback gets each chunk, and stops the engine by its return
value. (Its retrieval mode runs a thread of its own and returns at once, with the audio cut short.)
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bargein.config.problems import did_you_mean
from bargein.errors import ConfigError, PartError

CHUNK_MS = 40
"""How much speech the engine makes before it hands it over; at most 60 ms are given at once."""

SAMPLE_BYTES = 2

SYNCHRONOUS = 2
DONT_EXIT = 0x8000
UTF8 = 1
END_PAUSE = 0x1000
"""Flag of `espeak_Synth`: behind the text comes the pause that would follow it in a longer one."""
FROM_CHARACTER = 1
EVENT_LIST_END = 0
EVENT_WORD = 1
RATE_PARAMETER, VOLUME_PARAMETER, PITCH_PARAMETER = 1, 2, 3
"""Values of `espeak_AUDIO_OUTPUT`, `espeak_EVENT_TYPE` and `espeak_PARAMETER` in speak_lib.h."""

MARKS = (",", ";", ":", ".", "?", "!", "…", "–", "—")
"""At these the engine ends a clause by itself, each with a melody and a pause of its own."""
MARK_OF_MORE = ","
"""At the end of a text without a mark the engine falls as at a full stop; not so at a comma."""

MISSING = (
    "espeak_tts needs the 'embedded' extra: pip install 'bargein[embedded]'"
    " (it brings espeak-ng, which is GPL-3.0-or-later)"
)


@dataclass(frozen=True, slots=True)
class Voice:
    """How to speak; the ranges are the engine's own."""

    name: str = "en-us+klatt5"
    words_per_minute: int = 165
    pitch: int = 50
    """0 to 100, 50 is the voice's own."""
    volume: int = 100
    """0 to 200, 100 is the engine's own."""


@dataclass(frozen=True, slots=True)
class WordStart:
    """A whitespace token of the text and where its sound begins, in samples at `sample_rate_hz`."""

    text: str
    start_sample: int


@dataclass(frozen=True, slots=True)
class Speech:
    """A chunk of speech, 16 bit mono PCM, with the words that begin in it."""

    pcm: bytes
    words: tuple[WordStart, ...]


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h; the union at its end is eight bytes wide."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


if TYPE_CHECKING:
    _Samples: TypeAlias = ctypes._Pointer[ctypes.c_short]
    _Events: TypeAlias = ctypes._Pointer[_Event]

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(slots=True)
class WordFinder:
    """Turns the engine's events into one start for each whitespace token of the text.

    The engine counts characters from 1, gives several events for a number ("4217" has four) and
    for abbreviations, and may leave a token of mere punctuation without any. So the first event
    inside a token counts, and a token without one begins where the next one does.
    """

    text: str
    starts: tuple[int, ...] = field(init=False)
    tokens: tuple[str, ...] = field(init=False)
    given: int = 0

    def __post_init__(self) -> None:
        """Find the tokens of the text."""
        self.tokens = tuple(self.text.split())
        starts, position = [], 0
        for token in self.tokens:
            position = self.text.index(token, position)
            starts.append(position)
            position += len(token)
        self.starts = tuple(starts)

    def at(self, text_position: int, sample: int) -> tuple[WordStart, ...]:
        """Give the tokens that begin at `sample`, told of an event at a character (from 1)."""
        reached = sum(start < text_position for start in self.starts)
        return self._give(reached, sample)

    def rest(self, sample: int) -> tuple[WordStart, ...]:
        """Give the tokens for which no event came, at the end of the audio."""
        return self._give(len(self.tokens), sample)

    def _give(self, until: int, sample: int) -> tuple[WordStart, ...]:
        words = tuple(WordStart(token, sample) for token in self.tokens[self.given : until])
        self.given = max(self.given, until)
        return words


class Engine:
    """The process's one espeak-ng; get it with `engine()`."""

    def __init__(self) -> None:
        """Load the library and its data from the package; raises `PartError`."""
        try:
            loader = import_module("espeakng_loader")
        except ModuleNotFoundError:
            raise PartError(MISSING) from None
        self._library = ctypes.CDLL(loader.get_library_path())
        data_path = str(loader.get_data_path()).encode()
        self._variants = Path(loader.get_data_path()) / "voices" / "!v"
        self.sample_rate_hz = int(
            self._library.espeak_Initialize(SYNCHRONOUS, CHUNK_MS, data_path, DONT_EXIT)
        )
        if self.sample_rate_hz <= 0:
            raise PartError(
                f"espeak-ng found no voice data in {data_path.decode()}; reinstall it with"
                " pip install --force-reinstall espeakng-loader"
            )
        self._library.espeak_Synth.argtypes = (
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        )
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="espeak")

    def speak(
        self,
        text: str,
        voice: Voice,
        sink: Callable[[Speech], bool],
        *,
        goes_on: bool = False,
        end_pause: bool = False,
    ) -> Future[int]:
        """Speak in the engine's thread; `sink` is called there and stops the engine by False.

        A text that `goes_on` does not fall at its end as a sentence does. With `end_pause` the
        pause that its last mark makes is in the audio. The future gives the number of samples
        that were made. Texts wait for those before them.
        """
        return self._thread.submit(self._speak, text, voice, sink, goes_on, end_pause)

    def check(self, voice: Voice) -> None:
        """Raise `ConfigError` if the engine has no such voice; blocks for some milliseconds."""
        self._check_variant(voice.name)
        self._thread.submit(self._choose, voice).result()

    def _check_variant(self, name: str) -> None:
        """The engine itself takes a variant that it does not have, and speaks without it."""
        language, plus, variant = name.partition("+")
        known = sorted(path.name for path in self._variants.glob("*") if path.is_file())
        if plus and known and not variant.isdecimal() and variant not in known:
            raise ConfigError(
                f"espeak-ng has no variant '{variant}' of '{language}'."
                f"{did_you_mean(variant, known, most=24)}"
            )

    def _choose(self, voice: Voice) -> None:
        if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise ConfigError(
                f"espeak-ng has no voice '{voice.name}'; try en-us+klatt5, en-us, en or de"
            )
        for parameter, value in (
            (RATE_PARAMETER, voice.words_per_minute),
            (VOLUME_PARAMETER, voice.volume),
            (PITCH_PARAMETER, voice.pitch),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)

    def _speak(
        self,
        text: str,
        voice: Voice,
        sink: Callable[[Speech], bool],
        goes_on: bool,
        end_pause: bool,
    ) -> int:
        self._choose(voice)
        finder = WordFinder(text)
        made_samples = 0

        def on_chunk(wav: _Samples, number: int, events: _Events) -> int:
            nonlocal made_samples
            pcm = ctypes.string_at(wav, number * SAMPLE_BYTES) if wav and number > 0 else b""
            made_samples += len(pcm) // SAMPLE_BYTES
            words = [word for at in _words(events) for word in finder.at(*at)]
            go_on = sink(Speech(pcm, tuple(words))) if pcm or words else True
            return 0 if go_on else 1

        callback = _Callback(on_chunk)
        self._library.espeak_SetSynthCallback(callback)
        unmarked = goes_on and not text.rstrip().endswith(MARKS)
        encoded = f"{text.rstrip()}{MARK_OF_MORE}".encode() if unmarked else text.encode()
        flags = UTF8 | (END_PAUSE if end_pause and not unmarked else 0)
        self._library.espeak_Synth(
            encoded, len(encoded) + 1, 0, FROM_CHARACTER, 0, flags, None, None
        )
        if rest := finder.rest(made_samples):
            sink(Speech(b"", rest))
        return made_samples


def _words(events: _Events) -> Iterator[tuple[int, int]]:
    """Give the character (from 1) and the sample of each word event of a chunk."""
    for number in count():
        event = events[number]
        if event.type == EVENT_LIST_END:
            return
        if event.type == EVENT_WORD:
            yield event.text_position, event.sample


@lru_cache(maxsize=1)
def engine() -> Engine:
    """Give the process's engine, loaded at the first call (2-6 ms); raises `PartError`."""
    return Engine()

"""The synthesiser itself: every word once, in order, inside the audio; and it can be stopped."""

from __future__ import annotations

import sys

import pytest

from bargein.errors import ConfigError, PartError
from bargein.processors.espeak import SAMPLE_BYTES, Engine, Speech, Voice, WordFinder, engine

TEXTS = (
    "Hello there.",
    "Your order 4217 has shipped.",
    "“Hello” - he said; $3.50 & more",
    "It arrives between 9 and 11 a.m.!",
    "naïve café — yes",
    "...",
    "one  two\nthree",
)


def speak(text: str) -> list[Speech]:
    chunks: list[Speech] = []

    def keep(chunk: Speech) -> bool:
        chunks.append(chunk)
        return True

    engine().speak(text, Voice(), keep).result()
    return chunks


@pytest.mark.parametrize("text", TEXTS)
def test_each_whitespace_token_is_one_word_with_a_time_inside_the_audio(text: str) -> None:
    chunks = speak(text)
    words = [word for chunk in chunks for word in chunk.words]
    samples = sum(len(chunk.pcm) // SAMPLE_BYTES for chunk in chunks)
    starts = [word.start_sample for word in words]
    assert [word.text for word in words] == text.split()
    assert starts == sorted(starts)
    assert all(0 <= start <= samples for start in starts)


def test_speech_comes_in_chunks_of_60_ms_at_most() -> None:
    longest = max(len(chunk.pcm) // SAMPLE_BYTES for chunk in speak("A sentence of some length."))
    assert longest <= 0.061 * engine().sample_rate_hz


def test_the_engine_stops_at_the_chunk_at_which_it_is_told_to() -> None:
    chunks: list[Speech] = []

    def two(chunk: Speech) -> bool:
        chunks.append(chunk)
        return len(chunks) < 2

    made = engine().speak("word " * 2_000, Voice(), two).result()
    assert made < engine().sample_rate_hz


def test_without_the_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(PartError, match=r"espeak_tts needs .* pip install 'bargein\[embedded\]'"):
        Engine()


def test_a_variant_that_is_not_there_is_refused_with_some_that_are() -> None:
    engine().check(Voice("en-us+f3"))
    with pytest.raises(ConfigError, match=r"'klat5' of 'en-us'\. Did you mean 'klatt5'\?"):
        engine().check(Voice("en-us+klat5"))
    with pytest.raises(ConfigError, match=r"no variant 'nosuch' of 'en-us'\. Known: "):
        engine().check(Voice("en-us+nosuch"))


def test_the_first_event_inside_a_token_counts() -> None:
    finder = WordFinder("It is 4217 now")
    heard = [
        finder.at(text_position, sample)
        for text_position, sample in ((1, 0), (4, 10), (7, 20), (7, 30), (9, 40), (12, 50))
    ]
    words = [(word.text, word.start_sample) for words in heard for word in words]
    assert words == [("It", 0), ("is", 10), ("4217", 20), ("now", 50)]


def test_a_token_without_an_event_begins_with_the_next_one() -> None:
    finder = WordFinder("so - yes !")
    words = (*finder.at(1, 0), *finder.at(6, 30), *finder.rest(60))
    assert [(word.text, word.start_sample) for word in words] == [
        ("so", 0),
        ("-", 30),
        ("yes", 30),
        ("!", 60),
    ]

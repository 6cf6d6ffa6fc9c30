"""The recogniser's real worker in a real pipeline, spoken to by the real synthesiser."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soxr
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)

from bargein import configs
from bargein.errors import ConfigError, PartError
from bargein.processors import pocketsphinx_process
from bargein.processors.espeak import Speech, Voice, engine
from bargein.processors.pocketsphinx_process import (
    READY_WITHIN_S,
    HeardWord,
    PocketsphinxProcess,
    Setup,
)
from bargein.processors.pocketsphinx_stt import PocketsphinxSTT
from bargein.processors.pocketsphinx_worker import RATE_HZ
from bargein.processors.transcripts_frames import NoWordsFrame

if TYPE_CHECKING:
    from .conftest import Run, Running

CAFE = Path(next(iter(configs.__path__))) / "cafe.yaml"
CHUNK_SAMPLES = 320
PATIENCE_S = 20.0
SILENCE = bytes(RATE_HZ)
"""Half a second of it."""

PHRASES = (
    "can i have a large latte with oat milk",
    "two small cappuccinos and a croissant to go",
    "tell me about your coffee",
    "what's on the menu",
    "when do you open",
    "what did i order",
    "that's all thank you",
    "never mind",
    "a medium one please",
    "give me a double shot mocha with brown sugar",
)


def speech_of(text: str) -> bytes:
    """What the synthesiser says, at the recogniser's rate."""
    chunks: list[Speech] = []

    def keep(chunk: Speech) -> bool:
        chunks.append(chunk)
        return True

    engine().speak(text, Voice(), keep).result()
    samples = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), dtype=np.int16)
    resampled: bytes = soxr.resample(samples, engine().sample_rate_hz, RATE_HZ).tobytes()
    return resampled


def audio(pcm: bytes) -> list[Frame]:
    step = CHUNK_SAMPLES * 2
    chunks = (pcm[at : at + step] for at in range(0, len(pcm), step))
    return [InputAudioRawFrame(chunk, RATE_HZ, 1) for chunk in chunks]


def utterance(text: str) -> list[Frame]:
    """Silence, then speech that the VAD notices after 200 ms, then silence that it notices."""
    before, speech = audio(SILENCE), audio(speech_of(text))
    late = 200 * RATE_HZ // 1_000 // CHUNK_SAMPLES
    return [
        *before,
        *speech[:late],
        VADUserStartedSpeakingFrame(start_secs=0.2),
        *speech[late:],
        *audio(SILENCE),
        VADUserStoppedSpeakingFrame(stop_secs=0.5),
    ]


def worker_of(stt: PocketsphinxSTT) -> PocketsphinxProcess:
    assert stt._worker is not None
    return stt._worker


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def words_of(frame: TranscriptionFrame) -> tuple[HeardWord, ...]:
    assert frame.result is not None
    return tuple(frame.result)


async def finals(rig: Running, number: int) -> None:
    await rig.until(lambda: len(rig.heard(TranscriptionFrame) + rig.heard(NoWordsFrame)) >= number)


@pytest.mark.pipeline
@pytest.mark.slow
async def test_the_scripts_phrases_are_recognised_with_their_word_times(run: Run) -> None:
    async with run(PocketsphinxSTT(script=CAFE)) as rig:
        for number, phrase in enumerate(PHRASES, start=1):
            await rig.send(*utterance(phrase))
            await finals(rig, number)
        heard = rig.heard(TranscriptionFrame)
    texts = [frame.text for frame in heard]
    assert sum(phrase in texts for phrase in PHRASES) >= 9, texts
    assert all(frame.finalized for frame in heard)
    for frame in heard:
        words = words_of(frame)
        length_ms = 200 + len(speech_of(frame.text)) // 32 + 600
        assert " ".join(word.text for word in words) == frame.text
        assert all(word.start_ms < word.end_ms <= length_ms for word in words)
        starts = [word.start_ms for word in words]
        assert starts == sorted(starts)


@pytest.mark.pipeline
async def test_the_text_so_far_comes_before_the_speech_has_ended(run: Run) -> None:
    async with run(PocketsphinxSTT(script=CAFE)) as rig:
        *speaking, stopped = utterance("tell me about your coffee")
        await rig.send(*speaking)
        await rig.next(InterimTranscriptionFrame)
        assert not rig.heard(TranscriptionFrame)
        await rig.send(stopped)
        assert (await rig.next(TranscriptionFrame)).text == "tell me about your coffee"


@pytest.mark.pipeline
async def test_a_speech_without_words_says_so(run: Run) -> None:
    silent = [
        VADUserStartedSpeakingFrame(start_secs=0.2),
        *audio(bytes(6_400)),
        VADUserStoppedSpeakingFrame(stop_secs=0.2),
    ]
    async with run(PocketsphinxSTT(script=CAFE)) as rig:
        await rig.send(*silent)
        await rig.next(NoWordsFrame)
        assert not rig.heard(TranscriptionFrame)


@pytest.mark.pipeline
async def test_a_killed_worker_is_started_again_and_the_lost_speech_is_answered_for(
    run: Run,
) -> None:
    stt = PocketsphinxSTT(script=CAFE)
    ready: asyncio.Queue[None] = asyncio.Queue()

    async def on_connected(_: object) -> None:
        ready.put_nowait(None)

    stt.add_event_handler("on_connected", on_connected)
    async with run(stt) as rig:
        await ready.get()
        *speaking, stopped = utterance("never mind")
        await rig.send(*speaking)
        await rig.next(InterimTranscriptionFrame)
        killed = worker_of(stt).pid
        os.kill(killed, signal.SIGKILL)
        await rig.until(lambda: bool(rig.errors))
        await rig.send(stopped)
        await rig.next(NoWordsFrame)
        async with asyncio.timeout(READY_WITHIN_S):
            await ready.get()
        await rig.send(*utterance("when do you open"))
        assert (await rig.next(TranscriptionFrame)).text == "when do you open"
        restarted = worker_of(stt).pid
    assert "died" in rig.errors[0]
    assert not is_running(killed)
    assert not is_running(restarted)


async def test_the_worker_ends_when_its_input_closes() -> None:
    worker = await PocketsphinxProcess.start(
        Setup("#JSGF V1.0; grammar g; public <g> = yes | no;", {})
    )
    assert is_running(worker.pid)
    async with asyncio.timeout(5):
        await worker.stop()
    assert not is_running(worker.pid)


async def test_the_worker_ends_with_its_parent() -> None:
    script = (
        "import asyncio, os\n"
        "from bargein.processors.pocketsphinx_process import PocketsphinxProcess, Setup\n"
        "async def main():\n"
        "    await PocketsphinxProcess.start(Setup('#JSGF V1.0; grammar g;"
        " public <g> = yes;', {}))\n"
        "    os._exit(3)\n"
        "asyncio.run(main())\n"
    )
    # The worker holds the parent's standard error, which closes when both have ended.
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE_S):
        await parent.communicate()
    assert parent.returncode == 3


def test_without_the_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pocketsphinx_process, "find_spec", lambda _: None)
    with pytest.raises(PartError, match=r"pip install 'bargein\[embedded\]'"):
        PocketsphinxSTT(script=CAFE)


def test_a_script_or_dictation_is_needed() -> None:
    with pytest.raises(ConfigError, match="either 'script'"):
        PocketsphinxSTT()
    with pytest.raises(ConfigError, match="not both"):
        PocketsphinxSTT(script=CAFE, dictation=True)


def test_a_word_that_the_recogniser_lacks_is_named(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(
        "name: Zoo\nfallback: What?\ntopics: [{name: animal, hear: show me the okapis}]\n"
    )
    with pytest.raises(
        ConfigError, match=r"script.yaml:3:25: topics\[0\].hear\[0\]: .*'okapis'; write how"
    ):
        PocketsphinxSTT(script=script)

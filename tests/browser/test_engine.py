"""The whole client in a real Chromium: what reaches the loudspeaker, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bargein.floor import Floor
from bargein.protocol import (
    Accepted,
    Contested,
    Error,
    Hello,
    Ping,
    Played,
    Reason,
    Rejected,
    SpeechEnded,
    SpokenWord,
    State,
    Transcript,
    Truncate,
    VadSettings,
    Words,
)

from .ramp import QUANTUM_SAMPLES, whole

if TYPE_CHECKING:
    from .conftest import Converse
    from .recording import Recording

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SPEECH_AT_S = 1.5


async def test_a_rejected_barge_in_loses_and_repeats_no_sample(
    converse: Converse, speech: Recording
) -> None:
    async with converse(speech.after(SPEECH_AT_S)) as talk:
        peer = talk.peer
        await talk.connect()
        await peer.play(1, 0, 96_000)
        at = (await peer.next(Truncate)).played_samples
        await peer.next(Truncate, 3)
        await peer.say(Rejected(epoch=2, utterance=1, at_sample=at, reason=Reason.NO_SPEECH))
        # The server sends again from the cut, and a little before it.
        await peer.play(1, at - 4800, 96_000 - at + 9600, epoch=2, last=True)
        await peer.until(lambda: any(played.finished for played in peer.heard(Played)))
        tape = await talk.tape()
        underruns = await talk.told("underrun")
    before, after = tape.split("detected")
    assert tape.at("silent") == tape.at("detected") == before[-1].end
    assert whole(before) == (0, at)
    silent = tape.samples[tape.at("detected") + QUANTUM_SAMPLES - 1 : tape.at("verdict")]
    assert not np.any(silent)
    assert whole([*before, *after]) == (0, 100_800)
    # A machine that stalls may starve the player, which then says so; nothing else splits a run.
    assert len(tape.runs) <= 2 + len(underruns)


async def test_after_acceptance_only_the_new_epoch_sounds(
    converse: Converse, speech: Recording
) -> None:
    async with converse(speech.after(SPEECH_AT_S)) as talk:
        peer = talk.peer
        await talk.connect()
        await peer.play(1, 0, 96_000)
        at = (await peer.next(Truncate)).played_samples
        await peer.say(Contested(epoch=1, utterance=1, verdict_deadline_ms=600))
        # The next reply's first audio overtakes the verdict, and is kept for it.
        await peer.next(SpeechEnded)
        await peer.play(2, 0, 4800, epoch=2)
        await peer.say(
            Accepted(epoch=2, utterance=1, cut_samples=at, heard_text="one", unheard_text="two")
        )
        await peer.play(1, 96_000, 4800)
        await peer.play(2, 4800, 4800, epoch=2, last=True)
        await peer.until(lambda: any(played.finished for played in peer.heard(Played)))
        tape = await talk.tape()
        attempts = await talk.told("bargein")
    cut, reply = tape.split("detected")
    assert whole(cut) == (0, at)
    assert whole(reply) == (0, 9600)
    assert not reply[0].odd
    assert [attempt["phase"] for attempt in attempts] == ["contested", "contested", "accepted"]
    assert attempts[0]["quanta"] == 0
    assert attempts[-1]["heardText"] == "one"
    assert 0 < attempts[-1]["ms"]["onsetToMute"] < 500


async def test_at_the_devices_own_rate_nothing_is_lost_but_the_samples_between(
    converse: Converse, speech: Recording
) -> None:
    refuse = """() => {
      const Context = AudioContext;
      globalThis.AudioContext = class extends Context {
        constructor(options) {
          if (options.sampleRate) throw new DOMException('not here', 'NotSupportedError');
          super(options);
        } }; }"""
    async with converse(speech.after(SPEECH_AT_S)) as talk:
        peer = talk.peer
        await talk.page.evaluate(refuse)
        await talk.connect()
        await peer.play(1, 0, 72_000, last=True)
        at = (await peer.next(Truncate)).played_samples
        tape = await talk.tape()
    assert tape.rate_hz != 24_000
    detected = tape.at("detected")
    sounding = np.count_nonzero(tape.samples[:detected])
    assert sounding * 24_000 / tape.rate_hz == pytest.approx(at, abs=3)
    assert not np.any(tape.samples[detected + QUANTUM_SAMPLES - 1 :])


async def test_a_server_that_goes_leaves_the_audio_that_is_there_and_a_clear_error(
    converse: Converse, speech: Recording
) -> None:
    async with converse(speech.after(SPEECH_AT_S)) as talk:
        await talk.connect()
        await talk.peer.play(1, 0, 60_000)
        await talk.peer.next(Truncate)
        await talk.peer.leave()
        closed = await talk.until_told("connection", "d.state === 'closed'")
        lost = await talk.until_told("bargein", "d.phase === 'lost'")
        tape = await talk.tape()
        await talk.connect()
        resume = (await talk.peer.next(Hello, 2)).resume
    assert (closed["error"]["code"], closed["error"]["final"]) == ("server_gone", False)
    assert whole(tape.split("detected")[0]) == (0, lost["at"])
    # A new client of the page's knows nothing of the old one's session.
    assert resume is None


async def test_a_client_that_connects_again_says_where_it_left_off(converse: Converse) -> None:
    async with converse() as talk:
        await talk.connect()
        await talk.peer.play(1, 0, 2400)
        await talk.peer.say(Transcript(epoch=1, text="two teas", final=True))
        await talk.until_told("playout", "d.played === 2400")
        await talk.peer.leave()
        await talk.until_told("connection", "d.state === 'closed'")
        await talk.page.evaluate("() => client.connect()")
        resume = (await talk.peer.next(Hello, 2)).resume
        assert resume is not None
        assert (resume.session, resume.utterance, resume.played_samples) == ("s1", 1, 2400)
        # The server can't know that this was heard before the connection was lost.
        await talk.peer.say(Transcript(epoch=1, text="two teas", final=True))
        await talk.peer.say(Transcript(epoch=1, text="and a cake", final=True))
        await talk.peer.play(1, 0, 4800, last=True)
        await talk.peer.until(lambda: any(p.finished for p in talk.peer.heard(Played)))
        tape = await talk.tape()
        said = [told["text"] for told in await talk.told("transcript")]
    assert whole(tape.runs) == (2400, 2400)
    assert said == ["two teas", "and a cake"]


async def test_the_page_is_told_what_the_server_says(converse: Converse) -> None:
    word = SpokenWord(text="Hello", start_sample=10, end_sample=20)
    async with converse() as talk:
        peer = talk.peer
        await talk.connect()
        await peer.say(State(epoch=1, state=Floor.PROCESSING))
        await peer.say(Words(epoch=1, utterance=3, first_word=2, words=(word,)))
        await peer.say(Transcript(epoch=1, text="two teas", final=True))
        await peer.say(VadSettings(epoch=1, probability_threshold=0.8, noise_floor_db=-50))
        await peer.say(Error(epoch=1, code="slow", message="The voice is slow today."))
        await talk.until_told("levels", "d.threshold === 0.8")
        await talk.until_told("rtt", "d.ms >= 0 && d.ms < 5000")
        ping = await peer.next(Ping)
        await talk.page.evaluate("() => client.setThreshold(0.7)")
        await talk.until_told("levels", "d.threshold === 0.7")
        assert [told["state"] for told in await talk.told("floor")] == ["idle", "processing"]
        (words,) = await talk.told("words")
        assert (words["utterance"], words["first"]) == (3, 2)
        assert words["words"] == [{"text": "Hello", "start": 10, "end": 20, "estimate": False}]
        assert await talk.told("transcript") == [{"text": "two teas", "final": True}]
        (settings,) = await talk.told("vadsettings")
        assert (settings["threshold"], settings["noiseFloorDb"]) == (0.8, -50)
        assert (settings["gateDb"], settings["why"]) == (-120, "quiet")
        assert (await talk.told("warning"))[0]["code"] == "slow"
        assert (await talk.told("welcome"))[0]["session"] == "s1"
        assert (ping.session, ping.epoch) == ("s1", 1)
        seqs = [message.seq for message in peer.messages]
        assert seqs == list(range(len(seqs)))


@pytest.mark.parametrize(
    ("code", "told", "final"),
    [("version", "version_mismatch", True), ("room_full", "room_full", False)],
)
async def test_a_refusal_is_told_with_its_way_out(
    converse: Converse, code: str, told: str, final: bool
) -> None:
    refusal = Error(code=code, message="No.", final=True)
    async with converse(welcome=refusal) as talk:
        error = await talk.refusal()
        steps = await talk.told("connection")
        assert await talk.page.evaluate("() => client.state") == "closed"
    assert (error["code"], error["final"]) == (told, final)
    assert error["wayOut"]
    assert [step.get("step") for step in steps] == ["microphone", "server", None]
    assert steps[-1]["error"]["code"] == told


async def test_a_server_that_is_not_there_is_told(converse: Converse) -> None:
    async with converse() as talk:
        error = await talk.refusal(url=talk.peer.url.replace("http", "ws") + "nothing-here")
    assert error["code"] == "server_gone"


async def test_a_refused_microphone_is_told(converse: Converse) -> None:
    async with converse(flags=["--deny-permission-prompts"]) as talk:
        error = await talk.refusal()
    assert error["code"] == "no_permission"


@pytest.mark.parametrize(
    ("name", "code"), [("NotFoundError", "no_device"), ("NotReadableError", "device_busy")]
)
async def test_a_microphone_that_cannot_be_opened_is_told(
    converse: Converse, name: str, code: str
) -> None:
    refuse = """name => { navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('refused', name); }; }"""
    async with converse() as talk:
        await talk.page.evaluate(refuse, name)
        error = await talk.refusal()
    assert error["code"] == code


async def test_a_browser_without_worklets_is_told(converse: Converse) -> None:
    async with converse() as talk:
        await talk.page.evaluate("() => { delete globalThis.AudioWorkletNode; }")
        error = await talk.refusal()
    assert (error["code"], error["final"]) == ("no_worklet", True)


async def test_a_muted_microphone_sends_silence(converse: Converse, speech: Recording) -> None:
    async with converse(speech.after(0.3)) as talk:
        await talk.connect()
        await talk.page.evaluate("() => client.setMicrophoneMuted(true)")
        await talk.peer.until(lambda: len(talk.peer.microphone) > 30)
        heard = b"".join(packet.pcm for packet in talk.peer.microphone[10:])
    assert not np.any(np.frombuffer(heard, "<i2"))


async def test_a_page_that_closes_ends_everything(converse: Converse) -> None:
    async with converse() as talk:
        await talk.connect()
        await talk.page.evaluate("() => client.close()")
        assert await talk.page.evaluate("() => client.state") == "closed"
        closed = await talk.until_told("connection", "d.state === 'closed'")
    assert "error" not in closed


async def test_a_page_that_closes_while_it_connects_does_not_wait(converse: Converse) -> None:
    close_at_hello = """() => { globalThis.WebSocket = class extends WebSocket {
        send() { client.close(); } }; }"""
    async with converse() as talk:
        await talk.page.evaluate(close_at_hello)
        error = await talk.refusal()
        assert await talk.page.evaluate("() => client.state") == "closed"
    assert error["code"] == "closed"

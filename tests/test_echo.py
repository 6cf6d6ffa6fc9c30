"""The bot's own voice in the microphone: found at any lag, and told from a user's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from bargein.bot_sound import RATE_HZ, BotSound, Lowered
from bargein.echo import EchoJudge, MicrophoneClock
from bargein.protocol import MICROPHONE_RATE_HZ, WINDOW_SAMPLES
from bargein.voice_activity import WINDOW_MS
from tests.room.speech import spoken

BOT_RATE_HZ = 24_000
CHUNK_MS = 20
LEAD_MS = 200
PER_MS = MICROPHONE_RATE_HZ // 1000
AUDIBLE, LOUD = 60, 600
"""Root mean square of a window that a VAD hears, and of one that counts here."""

Sound = NDArray[np.float64]


def bot_says() -> Sound:
    """Some seconds of the bot, at the microphone's rate."""
    text = "Our house blend comes from three farms in the hills of Colombia."
    return spoken(text).astype(np.float64)


def user_says() -> Sound:
    """Some seconds of somebody else."""
    return spoken("No thanks, I would much rather have a cup of tea with milk.").astype(np.float64)


def room(sound: Sound, *, direct: float = 0.7) -> Sound:
    """The sound as it comes back from the walls: so much of it direct, the rest fades in 0.3 s."""
    rng = np.random.default_rng(3)
    at = np.arange(MICROPHONE_RATE_HZ * 3 // 10)
    tail = rng.standard_normal(len(at)) * 10 ** (-3 * at / len(at))
    tail *= np.sqrt((1 - direct**2) / (tail @ tail))
    tail[0] = direct
    return np.convolve(sound, tail)[: len(sound)]


def loudspeaker(sound: Sound) -> Sound:
    """A cheap one, that bends what is loud."""
    peak = np.abs(sound).max()
    bent: Sound = np.tanh(2 * sound / peak) * peak / 2
    return bent


def later(sound: Sound, delay_ms: float, gain_db: float) -> Sound:
    """The sound, delayed and softer."""
    delayed = np.concatenate([np.zeros(int(delay_ms * PER_MS)), sound])
    return delayed[: len(sound)] * 10 ** (gain_db / 20)


def level(sound: Sound) -> float:
    """Root mean square."""
    return float(np.sqrt((sound**2).mean()))


def pcm(sound: Sound) -> bytes:
    """The sound on the wire, with the hiss of a microphone."""
    hiss = np.random.default_rng(5).standard_normal(len(sound)) * 10
    return (sound + hiss).clip(-32768, 32767).astype("<i2").tobytes()


@dataclass(frozen=True)
class Heard:
    """What the judge made of the windows that have something to say."""

    echo: list[bool]
    judge: EchoJudge


def judged(
    bot: Sound,
    microphone: Sound,
    *,
    of: Sound | None = None,
    jitter_ms: float = 0,
    judge: EchoJudge | None = None,
) -> Heard:
    """Let the bot say it while the microphone hears that; judge where `of` is loud."""
    judge = judge or EchoJudge(BOT_RATE_HZ)
    samples = np.interp(np.arange(len(bot) * 3 // 2) * 2 / 3, np.arange(len(bot)), bot)
    said, heard = samples.astype("<i2").tobytes(), pcm(microphone)
    rng, sent_ms, readings = np.random.default_rng(1), 0, []
    level_of = microphone if of is None else of
    for n in range(len(microphone) // WINDOW_SAMPLES):
        now_ms = (n + 1) * WINDOW_MS
        while sent_ms < now_ms + LEAD_MS and sent_ms < len(bot) // PER_MS:
            at = sent_ms * BOT_RATE_HZ // 1000
            chunk = said[at * 2 : (at + CHUNK_MS * BOT_RATE_HZ // 1000) * 2]
            judge.bot.say(1, at, chunk, sent_ms)
            sent_ms += CHUNK_MS
        window = slice(n * WINDOW_SAMPLES, (n + 1) * WINDOW_SAMPLES)
        judge.hear(heard[window.start * 2 : window.stop * 2], now_ms + rng.uniform(0, jitter_ms))
        if level(microphone[window]) > AUDIBLE:
            reading = judge.judge()
            if level(level_of[window]) > LOUD:
                readings.append(reading.is_echo)
    return Heard(readings, judge)


ECHOES = [
    pytest.param(20, -12, False, id="near and loud"),
    pytest.param(80, -20, False, id="usual"),
    pytest.param(80, -20, True, id="in a room"),
    pytest.param(300, -20, True, id="far away in a room"),
    pytest.param(150, -25, True, id="soft"),
    pytest.param(580, -12, False, id="over a slow line"),
]


@pytest.mark.parametrize(("delay_ms", "gain_db", "walls"), ECHOES)
def test_the_bots_own_voice_is_echo(delay_ms: float, gain_db: float, *, walls: bool) -> None:
    bot = bot_says()
    back = later(room(loudspeaker(bot)) if walls else bot, delay_ms, gain_db)
    heard = judged(bot, back, of=back * 10 ** (-gain_db / 20) / 2, jitter_ms=25)
    assert np.mean(heard.echo) > 0.93
    assert heard.judge.leak
    assert abs(heard.judge.leak.lag * 1000 / RATE_HZ - delay_ms) < 8


def test_a_user_with_a_headset_is_no_echo() -> None:
    assert not any(judged(bot_says(), user_says()).echo)


def test_silence_is_no_echo() -> None:
    bot = bot_says()
    assert not any(judged(bot, bot * 0, of=bot).echo)


def test_where_the_bot_is_silent_nothing_is_echo() -> None:
    user = user_says()
    assert not any(judged(user * 0, user).echo)


@pytest.mark.parametrize("gain_db", [-12, -20, -30])
def test_who_speaks_over_the_echo_is_heard(gain_db: float) -> None:
    bot = np.tile(bot_says(), 2)
    user = np.concatenate([np.zeros(len(bot) // 2), user_says()])[: len(bot)]
    user = np.pad(user, (0, len(bot) - len(user)))
    heard = judged(bot, user + later(room(bot), 100, gain_db), of=user * 0.4)
    assert np.mean(heard.echo) < 0.2
    assert heard.judge.leak


def test_how_much_comes_back_is_learned() -> None:
    bot = np.tile(bot_says(), 2)
    gains = [judged(bot, later(bot, 60, gain_db)).judge.leak_db for gain_db in (-12, -18)]
    assert gains[0]
    assert gains[1]
    assert gains[0] - gains[1] == pytest.approx(6, abs=1)


def test_a_headset_that_is_plugged_in_ends_the_echo() -> None:
    bot = np.tile(bot_says(), 3)
    back = later(bot, 60, -15)
    back[len(bot) // 3 :] = 0
    assert judged(bot, back[: len(bot) // 3]).judge.leak
    assert judged(bot, back).judge.leak is None


def test_a_loudspeaker_that_is_turned_up_makes_no_user_of_the_bot() -> None:
    bot = np.tile(bot_says(), 3)
    back = later(room(loudspeaker(bot), direct=0.5), 80, -26)
    back[len(bot) // 3 :] *= 10 ** (14 / 20)
    heard = judged(bot, back, of=back * 4)
    assert np.mean(heard.echo[len(heard.echo) // 2 :]) > 0.9


def test_a_lag_that_changes_is_found_again() -> None:
    bot = np.tile(bot_says(), 2)
    half = len(bot) // 2
    back = np.concatenate([later(bot, 60, -15)[:half], later(bot, 210, -15)[half:]])
    heard = judged(bot, back)
    assert np.mean(heard.echo) > 0.9
    assert heard.judge.leak
    assert heard.judge.leak.lag * 1000 / RATE_HZ == pytest.approx(210, abs=5)


def test_what_the_loudspeaker_never_played_is_no_echo() -> None:
    bot = BotSound(BOT_RATE_HZ)
    tone = np.full(BOT_RATE_HZ // 10, 9000, dtype="<i2")
    tone[::2] *= -1
    bot.say(3, 0, tone.tobytes(), 0)
    bot.say(3, len(tone), tone.tobytes(), 100)
    assert not bot.silent_since(1500)
    bot.stop(3, len(tone) // 2)
    assert bot.silent_since(400)
    assert not bot.between(400, 1600).any()
    bot.say(3, len(tone) // 2, tone.tobytes(), 70)
    assert bot.silent_since(171 * 8)


def test_time_goes_on_through_a_long_silence() -> None:
    bot = BotSound(BOT_RATE_HZ)
    noise = np.random.default_rng(2).integers(-9000, 9000, 480).astype("<i2").tobytes()
    bot.say(1, 0, noise, 0)
    early = bot.between(0, 160)
    bot.say(1, 480, noise, 60_000)
    assert bot.between(480_012, 480_160) == pytest.approx(early[12:], abs=0.01)
    assert not bot.between(470_000, 479_990).any()
    assert not bot.between(0, 160).any()


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_any_rate_becomes_8_khz_and_chunks_leave_no_seam(rate_hz: int) -> None:
    at = np.arange(rate_hz)
    tone = (9000 * np.sin(2 * np.pi * 1000 * at / rate_hz)).astype("<i2").tobytes()
    whole = Lowered(rate_hz).take(tone)
    lowered = Lowered(rate_hz)
    size = rate_hz // 50 * 2
    parts = [lowered.take(tone[i : i + size]) for i in range(0, len(tone), size)]
    assert len(whole) == pytest.approx(RATE_HZ, abs=2)
    assert np.concatenate(parts) == pytest.approx(whole, abs=1e-4)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_chunks_of_any_length_leave_no_seam(rate_hz: int) -> None:
    rng = np.random.default_rng(6)
    sound = rng.integers(-9000, 9000, rate_hz // 2).astype("<i2")
    cuts = np.cumsum(rng.integers(1, rate_hz // 40, 100))
    lowered = Lowered(rate_hz)
    # Utterances end where they end, and one of a single sample may be left over.
    parts = [lowered.take(part.tobytes()) for part in np.split(sound, [1, 2, *cuts])]
    together = np.concatenate(parts)
    assert together == pytest.approx(
        Lowered(rate_hz).take(sound.tobytes())[: len(together)], abs=1e-4
    )


def test_the_microphones_time_is_counted_and_free_of_jitter() -> None:
    clock = MicrophoneClock()
    rng = np.random.default_rng(4)
    late_ms = [clock.end_ms(n * WINDOW_MS + rng.uniform(0, 40)) - n * WINDOW_MS for n in range(900)]
    assert max(late_ms[50:]) - min(late_ms[50:]) < 8


def test_a_microphone_that_stood_still_is_counted_anew() -> None:
    clock = MicrophoneClock()
    for n in range(10):
        clock.end_ms(n * WINDOW_MS)
    assert clock.end_ms(30_000) == 30_000

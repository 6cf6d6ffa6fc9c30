"""One recording over a speaking bot, in audio time: client, server and room, window by window.

Everything that decides is what ships: the client's onset rule, Silero, the moving threshold,
the echo judge, the run of speech and the arbiter. There is no network between the two sides.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bargein.arbiter import Accept, Arbiter, Order, Pause, Reject
from bargein.client.ear import Ear
from bargein.echo import NO_ECHO, EchoJudge
from bargein.floor import Floor
from bargein.gate import NO_GATE_DB
from bargein.noise import SILENCE_DB, UNHEARD, NoiseRules, Room, level_db
from bargein.processors.silero import Silero
from bargein.protocol import WINDOW_SAMPLES
from bargein.verdict import VerdictRules
from bargein.voice_activity import WINDOW_MS, Change, Refresh, VoiceActivity, VoiceRules
from bench.recordings import RATE_HZ, Recording, Sound

LEAD_MS, TAIL_MS = 3008, 1216
"""The bot speaks alone for so long before and after."""
LEAK_DELAY_MS = 80
REFLECTIONS = 60
ROOM_FADES_S = 0.3
EARLY_MS = -100
"""What ends so long before the labelled onset is not its doing."""
STEADY, STEADY_WINDOWS = 0.7, 6
UTTERANCE = 1


@dataclass(frozen=True, slots=True)
class Scene:
    """What surrounds the recording, and who listens."""

    bot: Sound
    background: Sound
    leak_db: float | None = None
    client_has_vad: bool = True
    words_delay_ms: float | None = None
    """None: the recogniser's words are not trusted."""
    rules: VerdictRules = field(default_factory=VerdictRules)


@dataclass(frozen=True, slots=True)
class Contest:
    """From the pause to the verdict; ms after the recording's onset."""

    from_ms: float
    until_ms: float
    reason: str
    """Empty if it was accepted."""


@dataclass(slots=True)
class Outcome:
    """What came of a recording."""

    recording: Recording
    contests: list[Contest] = field(default_factory=list)
    steady_ms: float | None = None
    """When six windows in a row had reached 0.7, after the onset: another rule's mute."""
    echo_windows: int = 0

    @property
    def accepted(self) -> bool:
        """The user took the floor."""
        return bool(self.own) and not self.own[-1].reason

    @property
    def own(self) -> list[Contest]:
        """The contests that the recording itself can have caused."""
        return [each for each in self.contests if each.until_ms >= EARLY_MS]

    @property
    def early_accepts(self) -> int:
        """How often the room alone took the floor."""
        return sum(not c.reason for c in self.contests if c.until_ms < EARLY_MS)


class Hearing:
    """Runs one recording; `outcome` is there afterwards."""

    def __init__(self, recording: Recording, scene: Scene) -> None:
        """Set the scene."""
        self.scene = scene
        self.outcome = Outcome(recording)
        self._onset_ms = LEAD_MS + recording.onset_ms
        self._arbiter = Arbiter(
            scene.rules, floor=Floor.SPEAKING, client_has_vad=scene.client_has_vad
        )
        self._arbiter.words_stream = scene.words_delay_ms is not None
        self._ear, self._silero, self._refresh = Ear(), Silero(), Refresh()
        self._voice, self._room = VoiceActivity(VoiceRules()), Room(NoiseRules())
        self._echo = EchoJudge(RATE_HZ)
        self._leak = Leak(scene.leak_db)
        self._played = 0
        self._since_ms = 0.0
        self._words: tuple[str, ...] = ()
        self._steady = 0
        self._reading = NO_ECHO

    def run(self) -> Outcome:
        """Let all of it be heard, or as much as there is until the user has the floor."""
        length_ms = LEAD_MS + len(self.outcome.recording.sound) * 1000 / RATE_HZ + TAIL_MS
        for n in range(int(length_ms) // WINDOW_MS):
            if not self.outcome.accepted:
                self._window(n)
            elif self.outcome.steady_ms is None:
                self._listen_on(n)
        return self.outcome

    def _listen_on(self, n: int) -> None:
        """The bot is silent by now, and only the other rule is still of interest."""
        probability = self._silero.probability(self._microphone(n, self._leak.silence))
        self._follow_steady(probability, (n + 1.0) * WINDOW_MS)

    def _window(self, n: int) -> None:
        now_ms = (n + 1.0) * WINDOW_MS
        said = self._say(now_ms)
        pcm = self._microphone(n, said)
        probability = self._silero.probability(pcm)
        threshold = self._threshold(pcm, probability, said, now_ms)
        if self._refresh.due(probability, speaking=self._voice.speaking):
            self._silero.reset()
        self._follow_steady(probability, now_ms)
        if self._ear.hear(pcm, probability, self._client_threshold(level_db(pcm))):
            self._client(probability, now_ms)
        self._server(probability, threshold, now_ms)
        self._recognise(now_ms)
        self._obey(self._arbiter.tick(now_ms), now_ms)

    # --- sound ----------------------------------------------------------------------------

    def _say(self, now_ms: float) -> Sound:
        """The bot's next window; silence while it is paused."""
        if self._arbiter.contest is not None:
            return np.zeros(WINDOW_SAMPLES, dtype=np.float32)
        at = np.arange(self._played, self._played + WINDOW_SAMPLES)
        said: Sound = self.scene.bot[at % len(self.scene.bot)]
        self._echo.bot.say(UTTERANCE, self._played, _pcm(said), now_ms - WINDOW_MS)
        self._played += WINDOW_SAMPLES
        return said

    def _microphone(self, n: int, said: Sound) -> bytes:
        at, lead = n * WINDOW_SAMPLES, LEAD_MS * RATE_HZ // 1000
        heard = np.take(self.scene.background, range(at, at + WINDOW_SAMPLES), mode="wrap")
        heard = heard + self._leak.window(said)
        user = self.outcome.recording.sound[max(0, at - lead) : max(0, at - lead + WINDOW_SAMPLES)]
        heard[: len(user)] += user
        return _pcm(heard)

    # --- what it is taken for -------------------------------------------------------------

    def _threshold(self, pcm: bytes, probability: float, said: Sound, now_ms: float) -> float:
        """What the window must reach, as `processors/vad.py` has it."""
        bot_db = level_db(_pcm(said)) if said.any() else SILENCE_DB
        self._echo.hear(pcm, now_ms)
        suspicious = probability >= self._voice.rules.silence_below(self._room.hearing.threshold)
        self._reading = self._echo.judge() if suspicious else NO_ECHO
        self.outcome.echo_windows += self._reading.is_echo
        is_echo = self._reading.is_echo
        return self._room.threshold(probability, level_db(pcm), bot_db, is_echo=is_echo)

    def _client_threshold(self, level_db: float) -> float:
        """What the window must reach at the client, which is told of its gates."""
        hearing = self._room.hearing
        gate_db = hearing.client_echo_gate_db if self._room.bot_speaks else NO_GATE_DB
        heard = level_db >= max(gate_db, hearing.gate_db)
        return hearing.threshold if heard else 2 * UNHEARD

    def _client(self, probability: float, now_ms: float) -> None:
        """The client's onset or offset; it hears no echo, only the gate."""
        if not self._ear.speaking:
            self._obey(self._arbiter.client_speech_ended(now_ms), now_ms)
        elif self.scene.client_has_vad and self._arbiter.floor is Floor.SPEAKING:
            orders = self._arbiter.truncate(
                UTTERANCE,
                self._played,
                self._arbiter.epoch,
                now_ms,
                playing=UTTERANCE,
                probability=probability,
            )
            self._obey(orders, now_ms)

    def _server(self, probability: float, threshold: float, now_ms: float) -> None:
        change = self._voice.window(probability, UNHEARD if self._reading.is_echo else threshold)
        orders = self._arbiter.window(
            speech_ms=self._voice.speech_ms,
            silence_ms=self._voice.silence_ms,
            now_ms=now_ms,
            is_echo=self._reading.is_echo,
            echo_correlation=self._reading.correlation,
            playing=UTTERANCE,
        )
        self._obey(orders, now_ms)
        if change is Change.STARTED:
            self._obey(self._arbiter.speech_started(now_ms, playing=UTTERANCE), now_ms)
        elif change is Change.STOPPED:
            self._arbiter.speech_stopped()

    def _recognise(self, now_ms: float) -> None:
        if self.scene.words_delay_ms is None:
            return
        words = self.outcome.recording.words_at(now_ms - LEAD_MS, self.scene.words_delay_ms)
        if words != self._words:
            self._words = words
            self._obey(self._arbiter.words(words, now_ms, partial=True), now_ms)

    def _follow_steady(self, probability: float, now_ms: float) -> None:
        self._steady = self._steady + 1 if probability >= STEADY else 0
        if now_ms < self._onset_ms:
            return
        if self._steady >= STEADY_WINDOWS and self.outcome.steady_ms is None:
            self.outcome.steady_ms = now_ms - self._onset_ms

    def _obey(self, orders: list[Order], now_ms: float) -> None:
        for order in orders:
            match order:
                case Pause():
                    self._since_ms = now_ms
                    self._echo.bot.stop(UTTERANCE, self._played)
                case Accept():
                    self._note("", now_ms)
                    if self.outcome.contests[-1].until_ms < EARLY_MS:
                        # The room's doing: counted, and the bot goes on.
                        self._arbiter.floor = Floor.SPEAKING
                        self._arbiter.judged_ms = self._arbiter.speech_ms
                case Reject():
                    self._note(str(order.reason), now_ms)
                case _:
                    pass

    def _note(self, reason: str, now_ms: float) -> None:
        since, until = self._since_ms - self._onset_ms, now_ms - self._onset_ms
        self.outcome.contests.append(Contest(since, until, reason))


class Leak:
    """The way from the loudspeaker to the microphone: a delay, and a room of some reflections."""

    silence: Sound = np.zeros(WINDOW_SAMPLES, dtype=np.float32)

    def __init__(self, gain_db: float | None, seed: int = 1) -> None:
        """None: no sound comes through."""
        rng = np.random.default_rng(seed)
        after_s = np.concatenate(([0.0], rng.uniform(0.002, ROOM_FADES_S, REFLECTIONS)))
        gains = rng.choice([-1.0, 1.0], REFLECTIONS + 1) * 10 ** (-3 * after_s / ROOM_FADES_S)
        gains[1:] *= 0.7 / np.sqrt((gains[1:] ** 2).sum())
        self._gain = 0.0 if gain_db is None else 10 ** (gain_db / 20)
        self._gains = gains / np.sqrt((gains**2).sum())
        self._ago = LEAK_DELAY_MS * RATE_HZ // 1000 + (after_s * RATE_HZ).astype(int)
        self._said: Sound = np.zeros(self._ago.max() + WINDOW_SAMPLES, dtype=np.float32)

    def window(self, said: Sound) -> Sound:
        """What comes back in a window while this is said."""
        self._said = np.concatenate((self._said[WINDOW_SAMPLES:], said))
        back = np.zeros(WINDOW_SAMPLES, dtype=np.float32)
        if self._gain:
            end = len(self._said)
            for gain, ago in zip(self._gains, self._ago, strict=True):
                back += (
                    np.float32(gain * self._gain)
                    * self._said[end - ago - WINDOW_SAMPLES :][:WINDOW_SAMPLES]
                )
        return back


def _pcm(sound: Sound) -> bytes:
    return (sound * 32768).clip(-32768, 32767).astype("<i2").tobytes()

"""Was it a barge-in? The evidence, and the rules that weigh it; pure, so it can be replayed."""

from __future__ import annotations

from dataclasses import dataclass

from bargein.protocol import Reason

BACKCHANNELS = (
    "ah", "aha", "hm", "hmm", "huh", "mhm", "mhmm", "mm", "mm-hm", "mmhm", "mmm", "oh", "okay",
    "ok", "right", "uh", "uh-huh", "uhhuh", "um", "wow", "yeah", "yep", "yes", "yup",
)  # fmt: skip
ECHO_MS = 64
"""So much of the bot's own voice and less of anybody else's: it is echo, its words too."""
PUNCTUATION = ".,!?…;:\"'“”‘’-–—"


@dataclass(frozen=True, slots=True)
class VerdictRules:
    """What the verdict asks for."""

    min_speech_duration_ms: int = 150
    """Speech that the server's VAD must hear; it is what tells a word from a cough."""
    quiet_ms: int = 200
    """So much silence after too little speech, and it was nothing."""
    deadline_ms: int = 600
    """The verdict is there by then, come what may."""
    trust_words: bool = True
    """Partial words count. Off for a recogniser that hears words in coughs."""
    min_words: int = 1
    """So many words that are no backchannel take the floor at once."""
    backchannels: tuple[str, ...] = BACKCHANNELS
    backchannel_ms: int = 0
    """Speech that is no longer may be one: it waits for words, where partial ones come and count.

    0 waits for none. With 800 and a deadline of 1000 ms nine of ten are found out.
    """


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a contest so far; durations are audio time."""

    elapsed_ms: float
    """Since the contest began."""
    speech_ms: float = 0
    """Speech that the server's VAD heard in it, the run that led into it included; no echo."""
    silence_ms: float = 0
    """Silence that the server's VAD heard since the last speech in it."""
    words: tuple[str, ...] = ()
    """Partial or final words."""
    words_stream: bool = False
    """This recogniser tells partial words: it has done so before."""
    echo_ms: float = 0
    """What sounded like speech in it and was the bot's own voice."""
    echo_correlation: float = 0
    """The highest correlation of the microphone with what was played, 0 to 1."""
    client_probability: float | None = None
    """The highest that the client's VAD has told; None if it told none."""
    client_noise_floor_db: float | None = None
    """What the client hears when nobody speaks, dBFS; None if it told none."""
    client_speech_ended: bool = False
    """The client's VAD heard the speech end, and none since."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Accepted if there is no reason to reject."""

    reason: Reason | None = None

    @property
    def accepted(self) -> bool:
        """The user takes the floor."""
        return self.reason is None


ACCEPTED = Verdict()


def normal(word: str) -> str:
    """A word without case and the marks around it; empty if it is nothing but marks."""
    return word.strip(PUNCTUATION).lower()


def decide(evidence: Evidence, rules: VerdictRules) -> Verdict | None:
    """Give the verdict, or None while it is open; never None at the deadline."""
    if evidence.echo_ms >= ECHO_MS and evidence.speech_ms < ECHO_MS:
        return Verdict(Reason.ECHO)
    words = _words(evidence, rules)
    backchannels = {normal(word) for word in rules.backchannels}
    wanting = [word for word in words if word not in backchannels]
    if len(wanting) >= rules.min_words:
        return ACCEPTED
    enough = evidence.speech_ms >= rules.min_speech_duration_ms
    murmur = bool(words) and not wanting
    if enough and not murmur and not _words_will_tell(evidence, rules):
        return ACCEPTED
    if evidence.silence_ms >= rules.quiet_ms and (murmur or not enough):
        return Verdict(Reason.BACKCHANNEL if murmur else _nothing(evidence))
    if evidence.elapsed_ms >= rules.deadline_ms:
        return _at_last(evidence, murmur=murmur, enough=enough)
    return None


def _words(evidence: Evidence, rules: VerdictRules) -> list[str]:
    spoken = evidence.words if rules.trust_words else ()
    return [text for word in spoken if (text := normal(word))]


def _words_will_tell(evidence: Evidence, rules: VerdictRules) -> bool:
    """Whether it is short enough for a backchannel, and its words are still to come."""
    waits = rules.trust_words and evidence.words_stream and not evidence.words
    in_time = evidence.elapsed_ms < rules.deadline_ms
    return waits and in_time and evidence.speech_ms <= rules.backchannel_ms


def _nothing(evidence: Evidence) -> Reason:
    return Reason.ECHO if evidence.echo_ms else Reason.NO_SPEECH


def _at_last(evidence: Evidence, *, murmur: bool, enough: bool) -> Verdict:
    if murmur and enough and not evidence.silence_ms:
        return ACCEPTED  # whoever still talks by now wants the floor
    if murmur:
        return Verdict(Reason.BACKCHANNEL)
    return Verdict(Reason.TIMEOUT if evidence.speech_ms else _nothing(evidence))

"""Was it a barge-in? One line a case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.protocol import Reason
from bargein.verdict import ACCEPTED, Evidence, Verdict, VerdictRules, decide, normal

RULES = VerdictRules()
DEAF = VerdictRules(trust_words=False)
TWO_WORDS = VerdictRules(min_words=2)
OWN_LIST = VerdictRules(backchannels=("Genau.", "JA"))

PATIENT = VerdictRules(backchannel_ms=800, deadline_ms=1000)
STREAM: dict[str, Any] = {"words_stream": True}

OPEN = None
ECHO = Verdict(Reason.ECHO)
NO_SPEECH, BACKCHANNEL, TIMEOUT = (
    Verdict(Reason.NO_SPEECH),
    Verdict(Reason.BACKCHANNEL),
    Verdict(Reason.TIMEOUT),
)

CASES: list[tuple[str, VerdictRules, Evidence, Verdict | None]] = [
    ("nothing yet", RULES, Evidence(0), OPEN),
    ("too little speech yet", RULES, Evidence(100, speech_ms=128), OPEN),
    ("enough speech", RULES, Evidence(160, speech_ms=160), ACCEPTED),
    ("speech before the contest counts", RULES, Evidence(0, speech_ms=150), ACCEPTED),
    ("silence after a click", RULES, Evidence(260, speech_ms=32, silence_ms=200), NO_SPEECH),
    ("silence from the start", RULES, Evidence(200, silence_ms=200), NO_SPEECH),
    ("a short silence proves nothing", RULES, Evidence(190, silence_ms=190), OPEN),
    ("deadline, a bit of speech", RULES, Evidence(600, speech_ms=96, silence_ms=64), TIMEOUT),
    ("deadline, no window came", RULES, Evidence(600), NO_SPEECH),
    ("a word takes the floor at once", RULES, Evidence(40, words=("stop",)), ACCEPTED),
    ("case and marks do not matter", RULES, Evidence(40, words=("Yeah,",)), OPEN),
    ("a murmur is no speech, so far", RULES, Evidence(300, 288, 0, ("yeah",)), OPEN),
    ("a murmur and silence", RULES, Evidence(500, 288, 200, ("mm-hm",)), BACKCHANNEL),
    ("a murmur that ends at the deadline", RULES, Evidence(600, 500, 32, ("yes",)), BACKCHANNEL),
    ("a murmur that never ends", RULES, Evidence(600, 500, 0, ("yes", "yes")), ACCEPTED),
    ("a murmur nobody voiced", RULES, Evidence(600, 0, 0, ("yes",)), BACKCHANNEL),
    ("a murmur and a word", RULES, Evidence(300, 100, 0, ("yes", "but")), ACCEPTED),
    ("two halves of a murmur", RULES, Evidence(300, 200, 0, ("Uh", "huh.")), OPEN),
    ("marks are no words", RULES, Evidence(40, words=("...", "—")), OPEN),
    ("marks are no murmur", RULES, Evidence(160, 160, 0, ("...",)), ACCEPTED),
    ("a word broken off", RULES, Evidence(300, 200, 0, ("uh-",)), OPEN),
    ("echo, and nobody else", RULES, Evidence(64, echo_ms=64), ECHO),
    ("the bot's own words are echo, too", RULES, Evidence(64, 0, 0, ("our",), echo_ms=64), ECHO),
    ("one window of echo proves nothing", RULES, Evidence(64, echo_ms=32), OPEN),
    ("somebody over the echo", RULES, Evidence(64, speech_ms=64, echo_ms=64), OPEN),
    ("echo, then silence", RULES, Evidence(300, 0, 200, echo_ms=32), ECHO),
    ("a short sound waits for its words", PATIENT, Evidence(300, 300, **STREAM), OPEN),
    ("and in silence, too", PATIENT, Evidence(600, 300, 250, **STREAM), OPEN),
    ("they say that it was nothing", PATIENT, Evidence(600, 300, 250, ("uh", "huh")), BACKCHANNEL),
    ("or that it was not", PATIENT, Evidence(600, 300, 250, ("stop",), **STREAM), ACCEPTED),
    ("words that never come", PATIENT, Evidence(1000, 300, 500, **STREAM), ACCEPTED),
    ("a long sound waits for none", PATIENT, Evidence(850, 832, **STREAM), ACCEPTED),
    ("a click waits for none", PATIENT, Evidence(300, 64, 200, **STREAM), NO_SPEECH),
    ("no partial words, no waiting", PATIENT, Evidence(160, 160), ACCEPTED),
    ("words without trust", DEAF, Evidence(40, words=("stop",)), OPEN),
    ("a murmur without trust is speech", DEAF, Evidence(300, 160, 0, ("yeah",)), ACCEPTED),
    ("one word where two are asked for", TWO_WORDS, Evidence(40, words=("stop",)), OPEN),
    ("two words", TWO_WORDS, Evidence(40, words=("please", "stop")), ACCEPTED),
    ("one word and enough speech", TWO_WORDS, Evidence(160, 160, 0, ("stop",)), ACCEPTED),
    ("a list of one's own", OWN_LIST, Evidence(300, 200, 0, ("genau", "ja")), OPEN),
    ("a list of one's own replaces ours", OWN_LIST, Evidence(300, 0, 0, ("yeah",)), ACCEPTED),
]


@pytest.mark.parametrize(
    ("rules", "evidence", "verdict"),
    [pytest.param(*case, id=name) for name, *case in CASES],
)
def test_the_verdict(rules: VerdictRules, evidence: Evidence, verdict: Verdict | None) -> None:
    assert decide(evidence, rules) == verdict


def test_accepted_is_the_verdict_without_a_reason() -> None:
    assert ACCEPTED.accepted
    assert not TIMEOUT.accepted


@pytest.mark.parametrize(
    ("spoken", "plain"),
    [("Yes!", "yes"), ("mm-hm", "mm-hm"), ("“Okay”", "okay"), ("?!", ""), ("", "")],
)
def test_a_word_is_compared_without_case_and_marks(spoken: str, plain: str) -> None:
    assert normal(spoken) == plain


EVIDENCE = st.builds(
    Evidence,
    elapsed_ms=st.floats(0, 5000),
    speech_ms=st.floats(0, 5000),
    silence_ms=st.floats(0, 5000),
    echo_ms=st.sampled_from([0, 32, 64, 300]),
    words_stream=st.booleans(),
    words=st.lists(st.sampled_from(["yeah", "stop", "...", ""]), max_size=4).map(tuple),
)


@given(EVIDENCE, st.sampled_from([RULES, DEAF, TWO_WORDS, OWN_LIST, PATIENT]))
def test_the_verdict_is_there_at_the_deadline_come_what_may(
    evidence: Evidence, rules: VerdictRules
) -> None:
    assert decide(evidence, rules) is not None or evidence.elapsed_ms < rules.deadline_ms


@given(EVIDENCE, st.floats(0, 5000))
def test_more_speech_never_turns_an_acceptance_round(evidence: Evidence, more_ms: float) -> None:
    later = replace(evidence, speech_ms=evidence.speech_ms + more_ms)
    if decide(evidence, RULES) == ACCEPTED:
        assert decide(later, RULES) == ACCEPTED

"""A client may say that it is ready; nothing else that it says goes any further."""

from __future__ import annotations

import pytest

from bargein.transports.rtvi.allowed import ClientReady, RefusedError, read
from tests.rtvi.forged import FORGED, rtvi


def test_a_client_that_is_ready_tells_its_version() -> None:
    about = {"library": "@pipecat-ai/client-js", "library_version": "1.13.1"}
    text = rtvi("client-ready", {"version": "2.2.0", "about": about})
    assert read(text) == ClientReady("forged-client-ready", (2, 2, 0))


@pytest.mark.parametrize("data", [None, {}, {"version": 7}, {"version": "new", "about": {}}])
def test_a_client_that_tells_no_version_is_ready_all_the_same(data: object) -> None:
    assert read(rtvi("client-ready", data)) == ClientReady("forged-client-ready", ())


@pytest.mark.parametrize(
    "text",
    [
        "ping: 1763725000000",
        '{"type": "signalling", "message": {"type": "trackStatus", "receiver_index": 0}}',
    ],
)
def test_signs_of_life_need_no_answer(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize("name", FORGED)
def test_everything_else_is_refused(name: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read(FORGED[name])
    assert len(str(caught.value)) <= 300

"""How wrong the page's estimate of its position is where the bot's voice comes as a track.

    python -m bench.daily --rounds 3

The real page in a headless Chromium, the real bot, and between them WebRTC of this machine in
Daily's place: Opus, RTP and the browser's jitter buffer are real, the network is not. In each round
the bot speaks for some ten seconds; each position that the page tells is compared with what its
loudspeaker gave just then, found in the bot's track by cross-correlation.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from loguru import logger

from tests.daily.test_page import MICROPHONE_RATE_HZ, visiting
from tests.daily.truth import errors_ms
from tests.end_to_end.test_barge_in import until
from tests.room.test_barge_in import LONG

SILENCE_S = 20


async def one_round(chromium: str) -> list[float]:
    """Let the bot speak; gives the errors in milliseconds, positive where the page is ahead."""
    quiet = np.zeros(SILENCE_S * MICROPHONE_RATE_HZ, np.int16)
    with tempfile.TemporaryDirectory() as folder:
        async with visiting(Path(folder), chromium, LONG, quiet) as visit:
            await until(visit.page, "told.playout?.some(p => p.finished)")
            tape = await visit.tape()
        return errors_ms(tape, visit.daily.track, visit.daily.sent)


def report(errors: list[float]) -> str:
    """One line of figures."""
    size = np.abs(errors)
    p50, p90, worst = np.percentile(size, 50), np.percentile(size, 90), size.max()
    return (
        f"{len(errors)} positions: bias {np.median(errors):+.1f} ms, "
        f"error p50 {p50:.1f}, p90 {p90:.1f}, worst {worst:.1f} ms"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("no Chromium here: install one with apt")
    logger.remove()
    errors: list[float] = []
    for number in range(rounds):
        found = asyncio.run(one_round(chromium))
        print(f"round {number + 1}: {report(found)}", flush=True)
        errors += found
    print(f"all: {report(errors)}")


if __name__ == "__main__":
    main()

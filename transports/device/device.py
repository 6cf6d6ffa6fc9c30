"""Microphone and loudspeaker of this machine, as a config declares them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

from pydantic import Field

from bargein.errors import PartError

NEEDS = "Install what it needs: pip install 'bargein[device]'."


class Device:
    """The microphone and the loudspeaker of this machine; one conversation at a time."""

    def __init__(
        self,
        *,
        input: Annotated[  # noqa: A002 - it is the key in the YAML
            str | None,
            Field(
                description=(
                    "The microphone: part of its name in `bargein devices`. Left out, the "
                    "system's own choice."
                )
            ),
        ] = None,
        output: Annotated[
            str | None,
            Field(description="The loudspeaker: part of its name. Left out, the system's choice."),
        ] = None,
        sample_rate_hz: Annotated[
            int, Field(ge=8000, le=48000, description="Rate of the bot's voice.")
        ] = 24_000,
        echo_cancellation: Annotated[
            bool,
            Field(
                description=(
                    "Whether the bot's own voice is taken out of the microphone. Needed with a "
                    "loudspeaker; headphones do without."
                )
            ),
        ] = True,
        buffer_ms: Annotated[
            int,
            Field(
                ge=10,
                le=200,
                description=(
                    "Sound that waits in the loudspeaker's buffer. A mute is heard so much "
                    "later; with too little of it the sound breaks up on a busy machine."
                ),
            ),
        ] = 30,
        wait_s: Annotated[
            float,
            Field(
                ge=0,
                le=300,
                description=(
                    "A device that was unplugged is waited for so long; then the session ends."
                ),
            ),
        ] = 15.0,
    ) -> None:
        """Keep the settings; nothing is opened yet. PartError if a package is missing."""
        if find_spec("sounddevice") is None:
            raise PartError(f"the package 'sounddevice' is missing. {NEEDS}")
        if echo_cancellation and find_spec("livekit") is None:
            raise PartError(
                "`echo_cancellation: true` needs the package 'livekit', which is missing. "
                f"{NEEDS} Or set it to false, and wear headphones."
            )
        self.input = input
        self.output = output
        self.sample_rate_hz = sample_rate_hz
        self.echo_cancellation = echo_cancellation
        self.buffer_ms = buffer_ms
        self.wait_s = wait_s

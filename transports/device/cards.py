"""What sound devices this machine has, and which of them a name means."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType

from bargein.errors import PartError

NO_PORTAUDIO = (
    "PortAudio is missing, the library behind 'sounddevice'. "
    "Install it: apt install libportaudio2, dnf install portaudio, or brew install portaudio."
)
NO_PACKAGE = "the package 'sounddevice' is missing. Install it: pip install 'bargein[device]'."
NO_CARD = (
    "this machine has no {end} (no sound card, or no sound server runs for this user). "
    "Plug one in, or serve a browser instead: transport: {{use: local}}."
)


class End(StrEnum):
    """Which way sound goes."""

    INPUT = "input"
    OUTPUT = "output"

    @property
    def thing(self) -> str:
        """As people call it."""
        return "microphone" if self is End.INPUT else "loudspeaker"


@dataclass(frozen=True, slots=True)
class Card:
    """A sound device, as PortAudio lists it."""

    index: int
    name: str
    api: str
    """The system's interface to it, like ALSA, Core Audio or Windows WASAPI."""
    inputs: int
    """Channels."""
    outputs: int
    rate_hz: int
    """The rate that it works at by itself."""
    default_for: frozenset[End] = frozenset()
    """The system chooses it, if nobody else does."""
    of_default_api: bool = True

    def has(self, end: End) -> bool:
        """Whether it is a microphone, or a loudspeaker."""
        return (self.inputs if end is End.INPUT else self.outputs) > 0

    @property
    def full_name(self) -> str:
        """What tells it from one of the same name at another interface."""
        return f"{self.name}, {self.api}"


def choose(cards: Sequence[Card], end: End, wanted: str | None) -> Card:
    """Find the device that is meant; a PartError says what there is, if it is none or several."""
    there = [card for card in cards if card.has(end)]
    if not there:
        raise PartError(NO_CARD.format(end=end.thing))
    if not wanted:  # an empty name is that of a variable that is not set
        chosen = next((card for card in there if end in card.default_for), None)
        if chosen is not None:
            return chosen
        raise PartError(
            f"the system names no {end.thing} of its own choice. "
            f"Write one under `transport` as `{end}`: {_listed(there)}."
        )
    exact = [card for card in there if wanted in (card.name, card.full_name)]
    found = exact or [card for card in there if wanted.casefold() in card.full_name.casefold()]
    # Windows lists each device once for each of its interfaces.
    found = [card for card in found if card.of_default_api] or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise PartError(
            f"transport.{end}: no {end.thing} has {wanted!r} in its name. "
            f"There is: {_listed(there)}."
        )
    raise PartError(
        f"transport.{end}: {wanted!r} may mean {_listed(found)}. Write more of the name."
    )


def _listed(cards: Sequence[Card]) -> str:
    several = len({card.api for card in cards}) > 1
    return "; ".join(repr(card.full_name if several else card.name) for card in cards)


def sounddevice() -> ModuleType:
    """Import the binding of PortAudio; a PartError says what is missing."""
    try:
        with quiet_stderr():
            import sounddevice
    except ImportError as error:
        raise PartError(NO_PACKAGE) from error
    except OSError as error:
        raise PartError(NO_PORTAUDIO) from error
    module: ModuleType = sounddevice
    return module


def cards() -> list[Card]:
    """List the devices of this machine; a PartError if they can't be asked for."""
    sd = sounddevice()
    with quiet_stderr(), asked():
        apis, devices = sd.query_hostapis(), sd.query_devices()
        default_api = sd.default.hostapi
    return [
        Card(
            index,
            str(each["name"]),
            str(apis[each["hostapi"]]["name"]),
            int(each["max_input_channels"]),
            int(each["max_output_channels"]),
            int(each["default_samplerate"]),
            frozenset(
                end
                for end in End
                if apis[default_api][f"default_{end}_device"] == index
            ),
            each["hostapi"] == default_api,
        )
        for index, each in enumerate(devices)
    ]  # fmt: skip


@contextlib.contextmanager
def asked() -> Iterator[None]:
    """Asking PortAudio what there is: where it does not answer, a PartError says what it says."""
    try:
        yield
    except sounddevice().PortAudioError as error:
        raise PartError(
            f"the sound system does not say what devices it has: {error}. "
            "Is a sound server being started or stopped? Try again."
        ) from error


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep ALSA's library quiet: it writes a page about each device that is not there."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

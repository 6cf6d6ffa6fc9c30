"""`bargein run` with `transport: device`: one conversation at this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal

from bargein.errors import ConfigError, PartError
from bargein.ledger.recorder import Sink
from bargein.pipelines.ledger import open_ledger
from bargein.pipelines.load import Config
from bargein.pipelines.session import assemble
from bargein.pipelines.shared import NOTHING, Shared, open_shared
from bargein.transports.device.console import Console
from bargein.transports.device.device import Device
from bargein.transports.device.line import DeviceLine
from bargein.transports.local.connection import DisconnectedError
from bargein.transports.local.server import expect_hello
from bargein.transports.local.transport import LocalTransport

THIS_MACHINE = "this machine"
"""Who talks at a device."""
MANY_DROPOUTS = 20
"""Fewer are hardly heard."""


def talk(config: Config, device: Device) -> None:
    """Talk until Ctrl-C, or until the bot ends it; raises ConfigError if it can't begin."""
    with (
        open_ledger(config.ledger) as ledger,
        open_shared(config) as shared,
        contextlib.suppress(KeyboardInterrupt),
    ):
        asyncio.run(_talk(config, device, ledger, shared))
    print("Stopped.", flush=True)


async def _talk(
    config: Config, device: Device, ledger: Sink | None, shared: Shared = NOTHING
) -> None:
    console = Console()

    def warn(text: str) -> None:
        console.say(f"     {text}")

    try:
        line = await DeviceLine.open(device, note=console.note, warn=warn)
    except PartError as error:
        raise ConfigError(str(error), place=config.transport.place) from error
    try:
        _ends_at_signals(line)
        _introduce(config, device, line)
        with contextlib.suppress(DisconnectedError):  # before it said hello; `failure` says why
            await _converse(config, device, line, ledger, shared)
    finally:
        await line.end()
        console.end()
    if line.failure:
        raise PartError(line.failure)
    dropouts = line.counts.underflows + line.counts.overflows
    if dropouts >= MANY_DROPOUTS:
        print(f"The sound broke up {dropouts} times; raise transport.buffer_ms.")


async def _converse(
    config: Config, device: Device, line: DeviceLine, ledger: Sink | None, shared: Shared
) -> None:
    hello = await expect_hello(line)
    transport = LocalTransport(
        line, sample_rate_hz=device.sample_rate_hz, capabilities=hello.capabilities
    )
    session = assemble(
        config,
        transport=transport,
        link=line,
        sample_rate_hz=device.sample_rate_hz,
        ledger=ledger,
        shared=shared,
        identity=THIS_MACHINE,
    )
    await session.run(until=line.closed, greet_after=transport.microphone_heard)


def _introduce(config: Config, device: Device, line: DeviceLine) -> None:
    opened = line.opened
    assert opened is not None
    echo = "taken out" if device.echo_cancellation else "left in: wear headphones"
    print(f"{config.name} ({config.path}, {config.short_digest})")
    print(f"Microphone {opened.input!r}, loudspeaker {opened.output!r}; echo is {echo}.")
    if config.ledger:
        print(f"Barge-ins and turns are written to {config.ledger.path}.")
    print("Talk, and interrupt as you like. Ctrl-C ends it.", flush=True)


def _ends_at_signals(line: DeviceLine) -> None:
    """Hang up at Ctrl-C; where an event loop can't be told, Python's own way ends it."""
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(each, line.close)

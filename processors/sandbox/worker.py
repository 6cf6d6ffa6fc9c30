"""The inside of the sandbox: one process, one function, one call.

It takes its setup, gives up everything but that, imports the function, says that it is ready,
waits for the arguments of one call, answers and ends. What the function prints goes to a pipe
that the bot reads after the call; the answer has a channel of its own.
"""

from __future__ import annotations

import inspect
import io
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bargein.processors.sandbox import (
    channel,
    identity,
    landlock,
    listeners,
    priority,
    rlimits,
    seccomp,
)
from bargein.processors.sandbox.setup import MAX_PRINTED_BYTES, Setup, read_setup
from bargein.tools.calling import as_json, by_name
from bargein.tools.importing import imported

OUT_OF_MEMORY = channel.trouble("out_of_memory", "")
"""Made before it is needed: then there is no memory to make it."""
ENDED_WELL, ENDED_BADLY = 0, 1


class Printed(io.TextIOBase):
    """Standard output that takes the first 16 KB and drops the rest: printing never blocks."""

    def __init__(self, descriptor: int) -> None:
        """Write to a pipe that does not block."""
        self._descriptor = descriptor
        self._room = MAX_PRINTED_BYTES

    def writable(self) -> bool:
        """It can be written to, and nothing else."""
        return True

    def write(self, text: str) -> int:
        """Take it all, keep what there is room for."""
        kept = text[: self._room].encode("utf-8", "replace")[: self._room]
        self._room -= len(kept)
        if kept:
            try:
                os.write(self._descriptor, kept)
            except BlockingIOError:
                self._room = 0
        return len(text)


def main(descriptor: int) -> None:
    """Serve one call over the socket with this number; never returns."""
    bot = socket.socket(fileno=descriptor)
    try:
        setup = read_setup(_message(bot, channel.SETUP, channel.MAX_SETUP_BYTES))
        _give_up_all_else(setup, bot)
        sys.stdout = sys.stderr = Printed(1)
        function = by_name(_imported(setup))
        bot.sendall(channel.packed(channel.READY))
        arguments = channel.loaded(_message(bot, channel.CALL, channel.MAX_SETUP_BYTES))
        bot.sendall(_answer(function, arguments, setup.limits.answer_bytes))
    except channel.HungUpError:
        os._exit(ENDED_BADLY)
    except MemoryError:
        bot.sendall(OUT_OF_MEMORY)
    except BaseException as error:
        bot.sendall(channel.trouble("failed", _told(error)))
    # Threads of the function, and what it registered to run at the end, are not waited for.
    os._exit(ENDED_WELL)


def _message(bot: socket.socket, expected: bytes, most_bytes: int) -> bytes:
    kind, length = channel.HEADER.unpack(channel.read_exactly(bot.recv, channel.HEADER.size))
    if kind != expected or length > most_bytes:
        raise channel.HungUpError
    return channel.read_exactly(bot.recv, length)


def _give_up_all_else(setup: Setup, bot: socket.socket) -> None:
    """Step by step what the next step does not need any more."""
    if setup.listeners:
        listeners.hand_over(setup.listeners, bot)
    rlimits.apply(setup)
    priority.step_back(0)
    identity.give_up(setup.identity)
    if setup.dies_with:
        identity.die_with(setup.dies_with)
    if setup.files is not None:
        landlock.restrict(setup.files, setup.tcp_ports)
    if setup.seccomp:
        seccomp.restrict(network=setup.may_use_network)


def _imported(setup: Setup) -> Callable[..., Any]:
    sys.path += setup.search_path
    found: Any = imported(setup.source)
    for name in setup.function.split("."):
        found = getattr(found, name)
    if not callable(found):
        raise TypeError(f"{setup.function} is not a function")
    function: Callable[..., Any] = found
    return function


def _answer(
    function: Callable[[dict[str, Any]], Any], arguments: dict[str, Any], most_bytes: int
) -> bytes:
    returned = function(arguments)
    if inspect.isawaitable(returned):
        import asyncio  # 40 ms, which most functions do not need

        returned = asyncio.run(_awaited(returned))
    try:
        answer = channel.dumped(as_json(returned))
    except (TypeError, ValueError, RecursionError) as error:
        return channel.trouble("bad_answer", _told(error))
    if len(answer) > most_bytes:
        return channel.trouble("too_large", f"{len(answer)} bytes, at most {most_bytes}")
    return channel.packed(channel.ANSWER, answer)


async def _awaited(returned: Any) -> Any:
    return await returned


def _told(error: BaseException) -> str:
    """Name type, text and line; this goes to the bot's log, never to the LLM."""
    trace, line = error.__traceback__, ""
    while trace is not None:
        line = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{line}"

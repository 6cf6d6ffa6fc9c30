"""A worker becomes another program, which keeps all that the worker has given up.

Its channel to the bot is that program's standard input and output from then on.
"""

from __future__ import annotations

import os
import sys

from bargein.processors.sandbox import identity

INPUT, OUTPUT = 0, 1


def become(command: list[str]) -> None:
    """Run the command in place of this worker; returns only by an OSError."""
    identity.keep_in_program()
    channel = int(sys.argv[2])
    for descriptor in (INPUT, OUTPUT):
        os.dup2(channel, descriptor)
    os.execv(command[0], command)

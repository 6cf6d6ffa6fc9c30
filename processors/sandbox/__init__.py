"""Where tools run: a process for each call, with nothing of the bot in it.

`sandbox.py` is what others use. `worker.py` is what runs inside, with `rlimits.py`, `identity.py`,
`seccomp.py`, `landlock.py` and `listeners.py`; these import the standard library alone.
"""

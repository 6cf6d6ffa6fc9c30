"""Microphone and loudspeaker of this machine, in a process with a client of bargein/1."""

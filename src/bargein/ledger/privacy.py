"""A line without anybody's words, that still decides as the full one does."""

from __future__ import annotations

from dataclasses import replace

from bargein.ledger.entries import AnyEntry, Input, SessionEnd, Turn
from bargein.ledger.recorder import Sink
from bargein.verdict import normal

HIDDEN = "*"
"""Stands for a word. It is none of the marks that are no words, so it counts as one."""


class Wordless:
    """A sink that passes lines on without anybody's words."""

    def __init__(self, sink: Sink) -> None:
        """Pass them on to this one."""
        self._sink = sink

    def write(self, entry: AnyEntry) -> None:
        """Take a line."""
        self._sink.write(without_words(entry))


def without_words(entry: AnyEntry) -> AnyEntry:
    """Leave out what user and bot said; how many words it was stays, and so do backchannels."""
    if isinstance(entry, SessionEnd):
        return entry
    no_text = {"heard_text": "", "unheard_text": ""}
    if isinstance(entry, Turn):
        silent = tuple(each.model_copy(update={"text": ""}) for each in entry.predictions)
        return entry.model_copy(update={**no_text, "transcript": "", "predictions": silent})
    kept = {normal(word) for word in entry.settings["interruption"].get("backchannels", ())}
    at_stake = entry.at_stake and entry.at_stake.model_copy(update=no_text)
    inputs = tuple(_hidden_input(each, kept) for each in entry.inputs)
    evidence = entry.evidence and replace(entry.evidence, words=_hidden(entry.evidence.words, kept))
    return entry.model_copy(update={"evidence": evidence, "inputs": inputs, "at_stake": at_stake})


def _hidden_input(told: Input, kept: set[str]) -> Input:
    if "words" not in told.facts:
        return told
    words = _hidden(tuple(told.facts["words"]), kept)
    return told.model_copy(update={"facts": {**told.facts, "words": words}})


def _hidden(words: tuple[str, ...], kept: set[str]) -> tuple[str, ...]:
    """Hide each word that says something; a mark that is no word stays, too."""
    return tuple(word if not normal(word) or normal(word) in kept else HIDDEN for word in words)

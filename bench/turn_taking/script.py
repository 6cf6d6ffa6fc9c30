"""What the user says in the bench, and what the LLM answers.

In a turn, `|0.5|` is a pause in seconds, and `their~there` a word that is understood as "there"
until the recogniser knows better: with the word that follows, or with the final transcript.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.vendors.voice import spoken

TURNS = (
    "Hello.",
    "I would like to book a table for two~to people, please.",
    "Tomorrow evening, |0.5| if that is possible.",
    "Around half past seven.",
    "Yes.",
    "Could we sit by the window~widow, |0.6| or somewhere quiet in the back?",
    "My name is Martin~Morten. |0.4| It is spelled M, |0.3| A, |0.3| R, |0.3| T, |0.3| I, |0.3| N.",
    "Five five five, |0.5| oh one two, |0.6| four four nine seven.",
    "Do you have anything without meat~meet?",
    "Sounds good.",
    "What does the soup cost?",
    "One of us can't eat~heat nuts, |0.4| so please tell the kitchen~chicken about it.",
    "I think, |0.8| we will come by train.",
    "Is it far from the station?",
    "No, thank you.",
    "And how long does it take to walk~work there~their with a small child and two heavy bags?",
    "Can you change it to eight o'clock?",
    "Great.",
    "Please send me a message~massage when it is confirmed, |0.5| because I must tell my brother.",
    "To~Two the same number.",
    "What is the weather~leather going to be like tomorrow?",
    "If it rains, |0.6| we would rather~other sit inside.",
    "How much is the large~larch one?",
    "Seven.",
    "I wanted to ask, |0.7| um, |0.5| whether you have a parking~barking place for a van.",
    "It is about six meters~matters long.",
    "Which card do you take?",
    "Okay, then I will pay in cash.",
    "The zip code is nine, |0.4| zero, |0.4| three, |0.4| one, |0.4| eight.",
    "Wait, can I also order a birthday cake~cape for my mother, with candles and her name on it?",
    "Her name is Rose~Rows.",
    "She will be seventy.",
    "Chocolate, |0.5| or maybe lemon, |0.6| no, make it chocolate.",
    "That's~That right.",
    "Tell me something about the music.",
    "Who plays~place on Friday?",
    "My sister says that the garden is beautiful in the evening, |0.4| is it open in spring?",
    "When do you close?",
    "We might be a bit late.",
    "Of course.",
    "Could you repeat the time and the number of people so that I can write~right it down?",
    "Yes, that is correct~collect.",
    "One more thing, |0.9| we will bring a dog.",
    "A small one.",
    "Thank you very much for your help, |0.4| see you tomorrow.",
)
"""From 1 to 18 words; 14 have pauses of 0.3 to 0.9 s inside, as at commas and in doubt."""

VOICES = ("en-us+klatt2", "en-us+Annie", "en-us", "en-us+m7")
"""Who speaks, by turns: smart turn takes half of their ends for ends, of other voices fewer."""

REPLIES = (
    "Order {n}, let me have a look at that for you. Yes, it is free, and I have put your name down"
    " for it, so you only need to come here by seven in the evening.",
    "Number {n} it is. I can do that for you right away, and if anything changes later on, just"
    " call us again, somebody is here until ten o'clock every day.",
    "For {n}, no problem at all, we have it here most days of the week. Would you like me"
    " to keep one for you, or do you want to decide when you are here?",
    "Request {n}: that is a good question, and I am glad that you ask. It depends a little on the"
    " day, but as a rule it takes ten minutes, sometimes less than that.",
    "Note {n}, got it. I have written all of it down, and I will pass it on to the others here,"
    " so that everything is ready when you arrive. What else may I do?",
)
"""The number is in the first two words, spelled out as one who speaks does: the voice tells by its
pitch which reply it speaks."""


@dataclass(frozen=True, slots=True)
class Said:
    """A stretch of speech between pauses."""

    text: str
    first: tuple[str, ...]
    """How each word is understood at first; empty where it is understood at once."""
    pause_ms: float
    """The silence behind it."""


def stretches(turn: str) -> Iterator[Said]:
    """Take a turn apart."""
    pieces = re.split(r"\|([\d.]+)\|", turn)
    for text, pause_s in zip(pieces[::2], [*pieces[1::2], "0"], strict=True):
        words, first = [], []
        for word in text.split():
            end = re.search(r"[,.?!]*$", word)
            assert end is not None
            final, _, wrong = word[: end.start()].partition("~")
            words.append(final + end.group())
            first.append(wrong)
        yield Said(" ".join(words), tuple(first), float(pause_s) * 1000)


def reply(number: int) -> str:
    """What the LLM answers to its request of this number, from 1."""
    return REPLIES[number % len(REPLIES)].format(n=spoken(number))

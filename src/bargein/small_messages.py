"""Messages for a channel that takes only small ones: split where that changes nothing, else cut.

Only what is for display grows with what is said. `words` are told again in parts; texts lose
what stands farthest from the cut; of examples the last are left out.
"""

from __future__ import annotations

from bargein.protocol import Accepted, Codec, Message, Transcript, Welcome, Words

ELLIPSIS = "…"


def fitted(message: Message, most_bytes: int) -> list[Message]:
    """Give messages of at most so many bytes each that say the same as far as it fits.

    None where one can't be made small enough.
    """
    if _size_bytes(message) <= most_bytes:
        return [message]
    match message:
        case Words(words=words) if len(words) > 1:
            return [each for half in _halves(message) for each in fitted(half, most_bytes)]
        case Accepted() | Transcript() | Welcome() if (shorter := _shorter(message)) != message:
            return fitted(shorter, most_bytes)
    return []


def _size_bytes(message: Message) -> int:
    return len(Codec.write(message).encode())


def _halves(message: Words) -> list[Words]:
    middle = len(message.words) // 2
    second = {"words": message.words[middle:], "first_word": message.first_word + middle}
    return [
        message.model_copy(update={"words": message.words[:middle]}),
        message.model_copy(update=second),
    ]


def _shorter(message: Accepted | Transcript | Welcome) -> Message:
    match message:
        case Welcome(examples=examples):
            return message.model_copy(update={"examples": examples[: len(examples) // 2]})
        case Transcript(text=text):
            return message.model_copy(update={"text": _end_of(text)})
        case Accepted(heard_text=heard, unheard_text=unheard):
            texts = {"heard_text": _end_of(heard), "unheard_text": _beginning_of(unheard)}
            return message.model_copy(update=texts)


def _end_of(text: str) -> str:
    """Half of a text, up to its end."""
    kept = text[(len(text) + 1) // 2 :]
    return ELLIPSIS + kept if len(kept) > 1 else ""


def _beginning_of(text: str) -> str:
    kept = text[: len(text) // 2]
    return kept + ELLIPSIS if len(kept) > 1 else ""

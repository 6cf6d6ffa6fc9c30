"""The server's end of the control channel, and what a transport must offer for it."""

from __future__ import annotations

from typing import Protocol

from bargein.ledger.watcher import NOBODY, Watcher
from bargein.noise import SILENCE_DB, level_db
from bargein.packet import Flag, Kind, Packet
from bargein.protocol import Message, Transcript
from bargein.sound import first_sound


class ClientLink(Protocol):
    """How messages and audio reach one client, in the order of the calls.

    Both return at once; a link that is broken drops what it is given. Neither order nor
    arrival is promised beyond what the transport's channel promises.
    """

    def send(self, message: Message) -> None:
        """Send a control message."""

    def send_audio(self, packet: Packet) -> None:
        """Send a stretch of the bot's voice."""


class Wire:
    """Stamps what goes to the client with session, sequence number and epoch."""

    def __init__(self, link: ClientLink, session: str, *, watcher: Watcher = NOBODY) -> None:
        """Begin at sequence number 1 and epoch 1; the watcher sees all that goes out."""
        self.session = session
        self.epoch = 1
        self._link = link
        self._seq = 0
        self._watcher = watcher
        self._bot_db = SILENCE_DB
        self._sounded = 0
        self.transcript: Transcript | None = None
        """What the client was told last of the user's words."""

    def send(self, message: Message) -> None:
        """Send a message under the present epoch."""
        self._seq += 1
        if isinstance(message, Transcript):
            self.transcript = message
        stamp = {"session": self.session, "seq": self._seq, "epoch": self.epoch}
        self._link.send(message.model_copy(update=stamp))
        self._watcher.sent(message)

    def send_audio(self, utterance: int, start_sample: int, pcm: bytes, *, last: bool) -> None:
        """Send the bot's voice under the present epoch."""
        self._bot_db = max(self._bot_db, level_db(pcm))
        flags = Flag.LAST if last else Flag.NONE
        self._link.send_audio(
            Packet(Kind.BOT, self.epoch, utterance, start_sample, pcm, flags=flags)
        )
        self._watcher.sent_audio(utterance)
        if utterance != self._sounded and (sounds_at := first_sound(pcm)) is not None:
            self._sounded = utterance
            self._watcher.sounds(utterance, start_sample + sounds_at)

    def take_bot_db(self) -> float:
        """The highest level of the bot's voice since this was last asked, in dBFS."""
        bot_db, self._bot_db = self._bot_db, SILENCE_DB
        return bot_db

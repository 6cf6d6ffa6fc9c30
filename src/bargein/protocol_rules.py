"""The prose of `docs/protocol.md`: what the models cannot say, who does what and when."""

from __future__ import annotations

from bargein.packet import Kind
from bargein.protocol import (
    MAX_MESSAGE_BYTES,
    MICROPHONE_RATE_HZ,
    PLAYED_EVERY_MS,
    TRUNCATE_REPEAT_MS,
    WINDOW_SAMPLES,
)
from bargein.sending_again import KEPT_PACKETS

INTRODUCTION = f"""\
`bargein/1` joins a client, which has the loudspeaker and the microphone, with a bot session,
which decides who may speak. The client may detect speech and mute the bot by itself, at once;
the server then gives the verdict. Both sides count in samples, so they agree on what was heard.

## The channel

Control messages are JSON objects, one in each text message; the bot's voice and the microphone
travel as binary packets. Over a WebSocket both share one ordered connection. Any other channel
will do: nothing here needs order or arrival. Messages may be lost, repeated, delayed and
overtaken, and no sequence of that leaves the two sides apart for longer than one retry period.

A client's message has at most {MAX_MESSAGE_BYTES:,} bytes. Unknown fields are ignored, so that
either side may learn new ones, and a client ignores messages whose `type` it does not know.
Numbers that are not finite are refused. What cannot be read is answered with `error`, and the
session goes on unless `final` is set.
"""

PACKETS = f"""\
After the header comes little-endian PCM16, one channel. On the way down (kind 1) it has the rate
that `welcome` names, `start_sample` counts from the first sample of the utterance, and flag 1
(LAST) ends the utterance; a packet with that flag may be empty. On the way up (kind 2) it has
{MICROPHONE_RATE_HZ:,} Hz, {WINDOW_SAMPLES} samples a packet, and `start_sample` counts from when
the microphone was opened. Reserved bits are sent as 0 and ignored.

Where packets travel as datagrams, the empty LAST packet of each utterance is sent on the control
channel too, and a client may ask for what is missing, as soon as it sees a later sample: kind
{Kind.MISSING:d}, with the epoch, the utterance and the first missing sample, and instead of audio
the count of missing samples as u32. It is sent again once, if it is of the last {KEPT_PACKETS}
packets.
"""

RULES = f"""\
## Epochs

The session has an epoch, which `welcome` tells first. **Each verdict adds one to it, and so does
each return to a session; nothing else does.** Every message and packet of the server carries its
present epoch, every message of the client the last one that it has taken over.

- Audio of an older epoch than the client's is dropped: it was flushed, or is sent again.
- Audio of a newer one has overtaken its verdict; the client keeps it (at most 2 s) until the
  verdict is there.
- A verdict whose epoch is not newer than the client's is a repetition, and changes nothing.
- Any message or packet whose epoch is newer than the client's, and no verdict within 300 ms of
  it: the verdict is lost. The client sends `ping`, and again every 300 ms until the verdict is
  there: whatever a client says under an old epoch is answered with the last verdict.
- A `rejected` whose epoch is newer by more than one: a verdict before it was lost. The client
  drops what it holds of the bot's voice, and goes on where it was in what is sent again.
- Who has the floor is told by the message with the highest `seq`: a `state` that was overtaken
  tells nothing any more. Each `pong` tells it again.

## A barge-in

1. The client's VAD finds speech while the bot is heard, or has audio that was not heard yet. It
   mutes the bot in that very moment, notes the exact sample at which the bot fell silent, and
   sends `truncate`.
2. It sends `truncate` again every {TRUNCATE_REPEAT_MS} ms until `contested`, `ignored` or a
   verdict is there, and after `contested` every 500 ms until the verdict. Each one carries the
   present position; the server takes the furthest.
3. The server stops sending, answers `contested`, and gathers evidence: its own VAD, words,
   silence. `verdict_deadline_ms` later at the latest it sends a verdict.
4. `accepted`: the floor is the user's. The client drops all of the bot's audio. The context of
   the bot holds `heard_text` and not a word more.
5. `rejected`: the client unmutes and plays on at the very sample where it stopped. The server
   sends again from `at_sample`, under the new epoch; the client trims what it has already by
   `start_sample`. Not a sample is lost or repeated.
6. `ignored`: the truncate did not apply (the bot does not speak, or may not be interrupted). The
   client unmutes, and nothing else happens.
7. Without any of these for 3 s the client unmutes by itself and plays on what it has.

A word counts as heard when more than half of it was played.

## Who contests

- **The server's own VAD** contests the floor too. A client that gets `contested` without having
  asked mutes at once, and answers with a `truncate` of `detected` false that tells the position.
  Such a contest goes by the same rules; a client without a VAD needs no other.
- **A truncate of an older epoch** gets the last verdict again, and so does any other message;
  one of the present epoch while the floor is contested gets `contested` again. A server may be
  sent the same truncate any number of times.
- **Before the first sample**: if the user is already speaking when an utterance is about to
  begin, the client contests it at position 0. A rejection then starts it from its first sample.

## What the server does besides

- It sends the bot's voice in real time, a little ahead of playout (200 ms unless configured).
- It takes `played` as the truth about what was heard. If none comes for 2 s after an utterance
  should have ended, it takes the utterance as heard.
- After a cut, a `played` that tells another position corrects the context.
- `words` and `transcript` are for display alone.
- `hello` is answered with `welcome`, as often as it comes, and the bot's voice is sent again
  from what was heard: from the position that `resume` tells, if it names this session. Such a
  client gets the words of what is not played to its end again, and the last `transcript`, which
  may have been told to nobody.

## A connection that is lost

A `welcome` with a `key` says that the session waits `grace_s` for a client whose connection was
lost; one without says that it ends with it. [reconnect.md](reconnect.md) tells why each rule is so.

1. The server pauses: it keeps the bot's voice, decides an open contest by its evidence, and
   prepares what it still has to say. The client plays what it has, and contests nothing.
2. The client connects again and says `hello` with `resume`: session and `key`, the utterance and
   how much of it was played, and how long it was away. From this `hello` on it plays nothing.
3. `welcome` has the same session, a new epoch, a new `key`, and `goes_on`: the client drops what it
   holds, and expects this utterance from this sample on. After less than a second away it is the
   sample where the client was. After longer, the word that was cut begins again: the one case in
   which a position runs backwards. Utterance 0: nothing is under way.
4. A key is good until the client has spoken behind its welcome with the next one. A `hello` whose
   session is over, or whose key is not its own, begins another session.
5. A second connection with the key has the session; the first one gets `error` with the code
   `taken_over`, final, and does not come back.
6. `goodbye` ends the session at once, as does a WebSocket that is closed with code 1000.

## What the client must do

- Say `hello` first, and wait for `welcome` before it sends anything else; say it again where it
  may have been lost.
- Send the microphone as soon as a window of {WINDOW_SAMPLES} samples is complete, also while the
  bot is speaking, with the echo of the bot taken out as far as it can.
- Play utterances one after another in the order of their numbers, each in the order of its
  samples; what comes of one when a later one was played to its end is dropped. Playback starts
  when 40 ms are there or the end of the utterance is.
- If a sample is missing while later ones are there, it is lost 80 ms after those came. When it is
  its turn, something as long sounds in its place (silence, or better the voice's last period dying
  away), but no more than 500 ms; the position counts as if it had been played. While nothing is
  there to play, the position stands still.
- Tell `played` every {PLAYED_EVERY_MS} ms while the bot is heard, at each stop, with `finished`
  at the end of each utterance, and once more with the final position when a verdict is
  `accepted`. That one is of the new epoch, so nothing behind it was heard, and it is told again
  with each `ping`. A position never runs backwards.
- Tell its offset with `speech_ended`: 200 ms below the threshold minus 0.15.
- Use threshold and gates of `vad_settings`, unless its user has chosen a threshold: then no
  gate. Before the first one there is no gate, and `welcome` tells the threshold.
- Send `ping` every 2 s, and take the connection for dead when nothing was heard for 6 s.
- A client that is not able to count samples sets `exact_playout` to false and `estimate` in each
  `played`.

## Where the voice travels as a track

A media track (Daily, any WebRTC) carries sound and nothing else: no packets, no epochs, no
positions, and it plays on while the bot is muted. There the server tells a `mark` beside it for
each stretch of the bot's voice that it puts in, under the epoch of that audio.

- A client finds each stretch again in what it renders by the outline of levels, and takes its
  position from there. It sets `exact_playout` to false and `estimate` in each `played`.
- It stays muted after a verdict until a stretch of the new epoch is there. The server puts at
  least 40 ms of silence before that one, and stops the track while the floor is contested.
- After a rejection the stretch from `at_sample` on comes again, as with packets. After `ignored`
  nothing comes again: what sounded during the mute is lost.
"""

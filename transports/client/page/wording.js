/** What the page says: one table for each thing that has a code. */

export const FLOOR = Object.freeze({
  closed: {words: 'Ready', hint: 'Press Start to open the microphone.'},
  continues: {words: 'Ready', hint: 'Press Continue: the bot waits for you.'},
  reconnecting: {words: 'Reconnecting …', hint: 'The connection was lost. The bot waits for you.'},
  broken: {words: 'Not connected', hint: ''},
  connecting: {words: 'Connecting', hint: 'A moment.'},
  idle: {words: 'Your turn', hint: 'Say something.'},
  listening: {words: 'Listening', hint: 'You have the floor.'},
  processing: {words: 'Thinking', hint: 'The bot prepares its answer.'},
  speaking: {words: 'Speaking', hint: 'Interrupt whenever you like.'},
  contested: {words: 'Paused', hint: 'Was that meant for the bot?'},
});

export const STEP = Object.freeze({
  microphone: 'Allow the microphone, if asked.',
  server: 'Calling the bot.',
  audio: 'Getting the sound ready.',
});

/** Each trouble: what is wrong, the way out, and what the button says (none: trying again is no use). */
export const TROUBLE = Object.freeze({
  no_permission: {
    what: 'The browser may not use the microphone.',
    wayOut: 'Allow it through the icon beside the address, then try again.',
    retry: 'Try again',
  },
  no_device: {
    what: 'There is no microphone.',
    wayOut: 'Plug one in, or switch it on in your system’s sound settings, then try again.',
    retry: 'Try again',
  },
  device_busy: {
    what: 'Another program holds the microphone.',
    wayOut: 'Close the program that uses it (often a call), then try again.',
    retry: 'Try again',
  },
  insecure_page: {
    what: 'Browsers give the microphone only to secure pages.',
    wayOut: 'Open this page over https, or at http://127.0.0.1 on the machine that serves it.',
    retry: '',
  },
  no_worklet: {
    what: 'This browser cannot run the sound engine.',
    wayOut: 'Use a current Chrome, Edge, Firefox or Safari.',
    retry: '',
  },
  connection_lost: {
    what: 'The connection was lost.',
    wayOut: 'Reconnect; if that fails, see that the server runs and that you are online.',
    retry: 'Reconnect',
  },
  session_lost: {
    what: 'The connection was lost for too long, and the conversation is over.',
    wayOut: 'See that you are online, then begin a new one.',
    retry: 'Start again',
  },
  taken_over: {
    what: 'Another page has taken up this conversation.',
    wayOut: 'Go on there, or begin a new one here.',
    retry: 'Start a new one',
  },
  server_gone: {
    what: 'The server cannot be reached.',
    wayOut: 'See that it runs and that you are online, then reconnect.',
    retry: 'Reconnect',
  },
  room_full: {
    what: 'Somebody else is talking with the bot.',
    wayOut: 'Wait until they have left (another tab of yours, perhaps), then try again.',
    retry: 'Try again',
  },
  version_mismatch: {
    what: 'This page and the server are of different versions.',
    wayOut: 'Reload the page; if that does not help, update the server.',
    retry: 'Try again',
  },
});

/**
 * Words for an error of the client; what we have no words for speaks for itself.
 *
 * `wasOpen`: it ended a conversation. Which side slept or went then, no page can know.
 */
export function troubleOf({code, message, wayOut}, wasOpen = false) {
  if (wasOpen && code === 'server_gone') return TROUBLE.connection_lost;
  const known = Object.hasOwn(TROUBLE, code) ? TROUBLE[code] : null;
  if (known) return known;
  return {what: message || 'Something went wrong.', wayOut: wayOut || 'Try again.', retry: 'Try again'};
}

/** Why a barge-in was no barge-in: in a list, and as a note beside the bot's words. */
export const REASON = Object.freeze({
  no_speech: {why: 'no speech in it', note: 'A cough? Went on.'},
  backchannel: {why: 'a nod in words', note: 'A nod in words. Went on.'},
  echo: {why: 'the bot’s own echo', note: 'Its own echo. Went on.'},
  timeout: {why: 'too little to tell', note: 'Not clear in time. Went on.'},
  lost: {why: 'no verdict came', note: 'No verdict came. Went on.'},
});

/** Give the words for a reason; a reason that we do not know stands as it came. */
export function reasonOf(reason) {
  const known = Object.hasOwn(REASON, reason) ? REASON[reason] : null;
  if (known) return known;
  const why = (reason || 'no reason given').replaceAll('_', ' ');
  return {why, note: `${why}. Went on.`};
}

/** Why the threshold is where it is. */
const WHY = Object.freeze({
  quiet: 'The room is quiet: nothing moves the threshold.',
  noise: 'Noise hides speech, so a lower probability is enough.',
  voices: 'Others talk around you: only what is louder than they are counts.',
  echo: 'The microphone hears the bot: while it speaks, only what is louder counts.',
});
const LEAST_GATE_DB = -100;

/** The stages of an answer, in words; its kind is how the bar draws it. */
const STAGE = Object.freeze({
  final_transcript: {kind: 'words', words: 'Recogniser'},
  endpoint: {kind: 'end', words: 'End of turn'},
  first_token: {kind: 'thought', words: 'LLM'},
  first_clause: {kind: 'clause', words: 'First clause'},
  first_tts_audio: {kind: 'voice', words: 'Voice'},
  first_audio_sent: {kind: 'server', words: 'Server'},
  playout_began: {kind: 'way', words: 'Way to you'},
  first_audio_heard: {kind: 'silence', words: 'Silent start'},
});

/** Give kind and words of a stage; one that we do not know stands as it came. */
export function stageWords(stage) {
  if (Object.hasOwn(STAGE, stage)) return STAGE[stage];
  return {kind: 'way', words: String(stage).replaceAll('_', ' ')};
}

/** How the speech detector runs. */
export const VAD = Object.freeze({wasm: 'WebAssembly', plain: 'plain JavaScript'});

/** What the server hears of the room, in words; without `follows` the listener has chosen. */
export function roomWords({noiseFloorDb, gateDb, echoGateDb, why}, follows) {
  const gate = Math.max(gateDb ?? LEAST_GATE_DB, echoGateDb ?? LEAST_GATE_DB);
  return {
    noise: Number.isFinite(noiseFloorDb) ? decibels(noiseFloorDb) : '–',
    gate: follows && gate > LEAST_GATE_DB ? decibels(gate) : 'none',
    why: follows ? WHY[why] ?? WHY.quiet : 'You have chosen the threshold; it stays there.',
  };
}

function decibels(db) {
  return `${Math.round(db)} dBFS`.replace('-', '−');
}

/**
 * The conversation as data: words and playout in, turns with heard and unheard words out.
 *
 * Pure: every function takes a transcript and returns the next one; an entry that did not
 * change stays the same object, so that a view need not look into it. Positions are samples
 * within an utterance, as the client counts them.
 *
 * Entries: {kind: 'user', key, done: [text], disputed: [text], partial},
 * {kind: 'bot', key, conversation, utterance, words, playedSamples, finished, held, cut, notes},
 * and {kind: 'divider', key} where a new conversation begins: utterances count from 1 again.
 * `disputed` is what was said into the bot's words, until it is known who has the floor.
 */

export const EMPTY = Object.freeze({
  entries: Object.freeze([]), turns: 0, conversation: 0, floor: 'idle', settled: new Set(),
});

/** What is said while the bot has the floor may turn out to be no turn. */
const DISPUTED = new Set(['speaking', 'contested']);

/** A word counts as heard once more than half of it was played, as the server counts it. */
export function isHeard(word, playedSamples) {
  return 2 * playedSamples > word.start + word.end;
}

/** Take words of the bot in; a word that is sent again replaces the old one. */
export function withWords(transcript, {utterance, first, words}) {
  return changeBot(transcript, utterance, entry => {
    const all = entry.words.slice();
    words.forEach((word, index) => { all[first + index] = word; });
    return {...entry, words: all};
  });
}

/**
 * Take a played position in. It never goes back, and does not bring an interrupted utterance
 * to life; one that stopped with the session may still sound for a while.
 */
export function withPlayout(transcript, {utterance, played, finished}) {
  const known = botOf(transcript, utterance);
  if (!known && played === 0) return transcript;
  return changeBot(transcript, utterance, entry => {
    if (entry.cut?.why === 'interrupted') return entry;
    const playedSamples = Math.max(entry.playedSamples, played);
    const cut = entry.cut && !finished ? {...entry.cut, samples: playedSamples} : null;
    return {...entry, playedSamples, finished: entry.finished || finished, cut};
  });
}

/** Take what the user was understood to say in; words in a row are one turn, no words end a partial. */
export function withTranscript(transcript, {text, final}) {
  if (!text) return withoutPartial(transcript);
  const where = final && DISPUTED.has(transcript.floor) ? 'disputed' : 'done';
  const at = openTurn(transcript.entries);
  if (at < 0) {
    const fresh = {kind: 'user', key: `user-${transcript.turns}`, done: [], disputed: [], partial: ''};
    const entries = transcript.entries.slice();
    entries.splice(firstUnplayed(entries), 0, said(fresh, where, text, final));
    return {...transcript, entries, turns: transcript.turns + 1};
  }
  return replaceAt(transcript, at, said(transcript.entries[at], where, text, final));
}

/**
 * Take the floor in. Once it is nobody's or the bot's, no final follows the partial that is
 * open; words that were said into the bot's are the user's turn, if the user got the floor.
 */
export function withFloor(transcript, state) {
  const next = {...transcript, floor: state};
  if (state === 'contested') return next;
  const settled = changeUsers(next, entry => {
    if (!entry.disputed.length) return entry;
    const taken = state === 'listening' || state === 'processing';
    return {...entry, done: taken ? [...entry.done, ...entry.disputed] : entry.done, disputed: []};
  });
  return state === 'listening' ? settled : withoutPartial(settled);
}

/** Take a barge-in's progress in; the same news twice changes nothing. */
export function withBargein(transcript, attempt) {
  const news = `${attempt.id}/${attempt.phase}`;
  if (transcript.settled.has(news)) return transcript;
  const seen = {...transcript, settled: new Set(transcript.settled).add(news)};
  if (attempt.phase === 'contested') return hold(seen, attempt.utterance, true);
  const free = hold(seen, attempt.utterance, false);
  if (attempt.phase === 'accepted') return cutFrom(free, attempt);
  if (attempt.phase === 'ignored') return free;
  return withNote(attempt.phase === 'rejected' ? withoutPartial(free) : free, attempt);
}

/** The session is over: what was not played will not be. */
export function ended(transcript) {
  const entries = transcript.entries.map(entry =>
    isOpen(entry)
      ? {...entry, held: false, cut: {samples: entry.playedSamples, why: 'stopped'}}
      : entry);
  return withoutPartial({...transcript, entries});
}

/** The same session goes on: what stopped with the connection may be played after all. */
export function resumed(transcript) {
  const entries = transcript.entries.map(entry =>
    entry.cut?.why === 'stopped' && entry.conversation === transcript.conversation
      ? {...entry, cut: null}
      : entry);
  return {...transcript, entries};
}

/** Another session begins: what was said before stays above a divider. */
export function begun(transcript) {
  const conversation = transcript.conversation + 1;
  const entries = transcript.entries.slice();
  if (entries.length && entries.at(-1).kind !== 'divider') {
    entries.push({kind: 'divider', key: `divider-${conversation}`});
  }
  return {...EMPTY, entries, turns: transcript.turns, conversation};
}

/**
 * The words of a bot's entry, in order, as {text, state}.
 *
 * States: `heard`, `now` (being spoken), `ahead` (not yet heard), `unheard` (never will be).
 */
export function spokenWords(entry) {
  if (entry.cut) return cutWords(entry);
  const playing = entry.playedSamples > 0 && !entry.finished;
  return present(entry.words).map(word => {
    const within = playing && word.start <= entry.playedSamples && entry.playedSamples < word.end;
    if (within) return {text: word.text, state: 'now'};
    const heard = entry.finished || isHeard(word, entry.playedSamples);
    return {text: word.text, state: heard ? 'heard' : 'ahead'};
  });
}

/** The words of one state, as text. */
export function textOf(entry, state) {
  return spokenWords(entry).filter(word => word.state === state).map(word => word.text).join(' ');
}

/** What to tell a listener who does not see the page: turns that became complete, in order. */
export function announcements(before, after) {
  const old = new Map(before.entries.map(entry => [entry.key, entry]));
  return after.entries.flatMap(entry => {
    const previous = old.get(entry.key);
    if (previous === entry) return [];
    if (entry.kind === 'divider') return ['A new conversation.'];
    return entry.kind === 'user' ? announceUser(previous, entry) : announceBot(previous, entry);
  });
}

function announceUser(previous, entry) {
  const fresh = entry.done.slice(previous ? previous.done.length : 0);
  return fresh.map(text => `You: ${text}`);
}

function announceBot(previous, entry) {
  if (entry.cut?.why === 'interrupted' && !previous?.cut) {
    const heard = textOf(entry, 'heard');
    const unheard = textOf(entry, 'unheard');
    return [`Bot: ${heard || 'nothing'}. Interrupted.${unheard ? ` Not heard: ${unheard}` : ''}`];
  }
  if (entry.finished && !previous?.finished) return [`Bot: ${textOf(entry, 'heard')}`];
  return [];
}

function cutWords(entry) {
  const words = present(entry.words);
  if (words.length) {
    return words.map(word => ({
      text: word.text,
      state: isHeard(word, entry.cut.samples) ? 'heard' : 'unheard',
    }));
  }
  const split = (text, state) => (text || '').split(/\s+/).filter(Boolean).map(word => ({text: word, state}));
  return [...split(entry.cut.heardText, 'heard'), ...split(entry.cut.unheardText, 'unheard')];
}

/** A hole stands where a later message with words came first. */
function present(words) {
  return words.filter(Boolean);
}

function isOpen(entry) {
  return entry.kind === 'bot' && !entry.finished && !entry.cut;
}

function botOf(transcript, utterance) {
  return transcript.entries[placeOf(transcript, utterance)];
}

function placeOf({entries, conversation}, utterance) {
  return entries.findIndex(entry =>
    entry.kind === 'bot' && entry.conversation === conversation && entry.utterance === utterance);
}

function changeBot(transcript, utterance, change) {
  const at = placeOf(transcript, utterance);
  const {conversation} = transcript;
  if (at >= 0) return replaceAt(transcript, at, change(transcript.entries[at]));
  const entry = change({
    kind: 'bot', key: `bot-${conversation}-${utterance}`, conversation, utterance, words: [],
    playedSamples: 0, finished: false, held: false, cut: null, notes: [],
  });
  return {...transcript, entries: [...transcript.entries, entry]};
}

function replaceAt(transcript, at, entry) {
  if (transcript.entries[at] === entry) return transcript;
  const entries = transcript.entries.slice();
  entries.splice(at, 1, ...(entry ? [entry] : []));
  return {...transcript, entries};
}

function said(entry, where, text, final) {
  return final ? {...entry, [where]: [...entry[where], text], partial: ''} : {...entry, partial: text};
}

/** The user's turn that goes on: one with a partial, or the last entry but replies not yet begun. */
function openTurn(entries) {
  const partial = entries.findLastIndex(entry => entry.kind === 'user' && entry.partial);
  if (partial >= 0) return partial;
  const last = firstUnplayed(entries) - 1;
  return last >= 0 && entries[last].kind === 'user' ? last : -1;
}

/** Replies of which nothing was played yet stand after what the user says. */
function firstUnplayed(entries) {
  let at = entries.length;
  while (at > 0 && isOpen(entries[at - 1]) && entries[at - 1].playedSamples === 0) at -= 1;
  return at;
}

function withoutPartial(transcript) {
  return changeUsers(transcript, entry => (entry.partial ? {...entry, partial: ''} : entry));
}

/** Change what the user said; an entry that is left without words goes. */
function changeUsers(transcript, change) {
  const entries = transcript.entries
    .map(entry => (entry.kind === 'user' ? change(entry) : entry))
    .filter(entry => entry.kind !== 'user' || entry.done.length || entry.disputed.length || entry.partial);
  return {...transcript, entries};
}

function hold(transcript, utterance, held) {
  const entry = botOf(transcript, utterance);
  if (!entry || entry.held === held || (held && !isOpen(entry))) return transcript;
  return changeBot(transcript, utterance, old => ({...old, held}));
}

/** Cut the utterance, and whatever was to follow it. */
function cutFrom(transcript, {utterance, cutSamples, at, heardText, unheardText}) {
  const entries = transcript.entries.map(entry => {
    const spared = entry.kind !== 'bot' || entry.utterance < utterance;
    if (spared || entry.finished || entry.cut) return entry;
    const itself = entry.utterance === utterance;
    const samples = itself ? cutSamples ?? at ?? entry.playedSamples : 0;
    const texts = itself ? {heardText, unheardText} : {};
    return {...entry, held: false, cut: {samples, why: 'interrupted', ...texts}};
  });
  return {...transcript, entries};
}

function withNote(transcript, {id, utterance, at, phase, reason}) {
  const entry = botOf(transcript, utterance);
  if (!entry) return transcript;
  const heard = present(entry.words).filter(word => isHeard(word, at ?? 0));
  const note = {id, reason: phase === 'lost' ? 'lost' : reason, afterWord: heard.at(-1)?.text ?? ''};
  return changeBot(transcript, utterance, old => ({...old, notes: [...old.notes, note]}));
}

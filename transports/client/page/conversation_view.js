/** Shows a transcript: one list item a turn, changed only where its entry changed. */

import {element, unseen} from './element.js';
import {spokenWords} from './transcript.js';
import {reasonOf} from './wording.js';

const NEAR_THE_END_PX = 80;

export class ConversationView {
  #scroll;
  #list;
  #empty;
  #botName = 'Bot';
  #shown = new Map();
  #following = true;
  /** As it was when its end was last followed or left. */
  #size = '';

  constructor({scroll, list, empty}) {
    this.#scroll = scroll;
    this.#list = list;
    this.#empty = empty;
    scroll.addEventListener('scroll', () => this.#scrolled());
    new ResizeObserver(() => this.#follow()).observe(scroll);
  }

  /** Name the bot as it stands beside its turns. */
  name(botName) {
    this.#botName = botName || 'Bot';
  }

  /** Show a transcript, and stay at its end if the reader is there. */
  show(transcript) {
    const before = this.#scroll.scrollHeight;
    const keys = new Set(transcript.entries.map(entry => entry.key));
    for (const [key, {item}] of this.#shown) {
      if (keys.has(key)) continue;
      item.remove();
      this.#shown.delete(key);
    }
    transcript.entries.forEach((entry, index) => this.#place(entry, index));
    this.#empty.hidden = transcript.entries.length > 0;
    // Marks that move do not hold back a reader who is about to leave the end.
    if (this.#scroll.scrollHeight !== before) this.#follow();
  }

  #follow() {
    this.#size = this.#measure();
    if (this.#following) this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  /** The reader moved, unless it was the room that did: who was at the end stays there then. */
  #scrolled() {
    if (this.#measure() !== this.#size) return;
    const {scrollHeight, scrollTop, clientHeight} = this.#scroll;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR_THE_END_PX;
  }

  #measure() {
    return `${this.#scroll.clientWidth}x${this.#scroll.clientHeight}`;
  }

  #place(entry, index) {
    const shown = this.#shown.get(entry.key) ?? this.#make(entry);
    if (shown.entry !== entry) {
      shown.entry = entry;
      if (entry.kind === 'user') fillUser(shown.text, entry);
      if (entry.kind === 'bot') fillBot(shown, entry);
    }
    const there = this.#list.children[index] ?? null;
    if (there !== shown.item) this.#list.insertBefore(shown.item, there);
  }

  #make(entry) {
    const shown = entry.kind === 'divider' ? makeDivider() : this.#makeTurn(entry);
    this.#shown.set(entry.key, shown);
    return shown;
  }

  #makeTurn(entry) {
    const mine = entry.kind === 'user';
    const text = element('p', {class: 'text'});
    const notes = element('ul', {class: 'notes'});
    const item = element('li', {class: `turn ${entry.kind}`},
      element('p', {class: 'who'}, mine ? 'You' : this.#botName, unseen(':')), text);
    if (!mine) item.append(notes);
    return {item, text, notes, words: [], shape: '', entry: null};
  }
}

function makeDivider() {
  return {item: element('li', {class: 'divider'}, 'A new conversation'), entry: null};
}

function fillUser(text, entry) {
  const parts = [[...entry.done, ...entry.disputed].join(' ')];
  if (entry.partial) parts.push(element('span', {class: 'partial'}, entry.partial));
  text.replaceChildren(...parts.filter(Boolean).flatMap((part, index) => (index ? [' ', part] : [part])));
}

/** New words or a cut build the line anew; playout only moves the marks. */
function fillBot(shown, entry) {
  const words = spokenWords(entry);
  const shape = JSON.stringify([words.map(word => word.text), entry.cut]);
  if (shape !== shown.shape) buildWords(shown, entry, words);
  shown.shape = shape;
  words.forEach(({state}, index) => {
    const name = `word ${state}`;
    if (shown.words[index].className !== name) shown.words[index].className = name;
  });
  shown.item.classList.toggle('held', entry.held);
  shown.item.classList.toggle('playing', entry.playedSamples > 0 && !entry.finished && !entry.cut);
  fillNotes(shown.notes, entry.notes);
}

function buildWords(shown, entry, words) {
  shown.words = words.map(({text}) => element('span', {class: 'word'}, text));
  const heard = spaced(shown.words.filter((_, index) => words[index].state !== 'unheard'));
  const lost = spaced(shown.words.filter((_, index) => words[index].state === 'unheard'));
  const parts = heard;
  if (entry.cut) {
    parts.push(' ', cutMark(entry), ' ');
    if (lost.length) parts.push(element('del', {class: 'lost'}, unseen('not heard: '), ...lost));
  }
  shown.text.replaceChildren(...parts);
}

function spaced(spans) {
  return spans.flatMap((span, index) => (index ? [' ', span] : [span]));
}

/** Where the words' times are interpolated, the place of the cut is an estimate, and says so. */
function cutMark({cut, words}) {
  const what = cut.why === 'interrupted' ? 'interrupted' : 'stopped';
  const about = words.some(word => word?.estimate);
  return element('span', {class: 'cut'}, about ? `${what} about here` : what);
}

function fillNotes(list, notes) {
  if (list.children.length === notes.length) return;
  list.replaceChildren(...notes.map(({reason, afterWord}) => {
    const {note} = reasonOf(reason);
    return element('li', {class: 'note'}, afterWord ? `after “${afterWord}”: ${note}` : note);
  }));
}

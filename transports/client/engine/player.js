/**
 * Plays utterances one after another, in order of their ids, and counts every sample.
 *
 * While the gate is muted nothing advances and the output is exact zeros; opening it goes on
 * at the very next sample. A starved utterance stands still, too.
 *
 * In the quantum in which the gate mutes, what would have come next dies away without being
 * played; when it opens again the same samples come back by the opposite ramp. The two gains of
 * a sample add up to one: none is lost, and none is heard twice.
 */

import {GAINS, ramp} from './gain.js';
import {Sinc} from './sinc.js';
import {Utterance} from './utterance.js';

/** An utterance begins, or goes on after it starved, when this much is there... */
const PRIME_MS = 40;
/** ...or when it has waited this long with less: the server may send no more before we play. */
const PRIME_WAIT_MS = 100;
/**
 * So long after later samples came, those missing before them are lost, not overtaken. They are
 * concealed, in their own length, when it is their turn.
 */
const GAP_WAIT_MS = 80;
/** What is concealed at most, and how long to wait for an end when the next utterance is there. */
const LOST_WAIT_MS = 500;
/** Positions of this many utterances that are over are remembered, for late questions. */
const REMEMBERED_UTTERANCES = 8;

/**
 * What the player tells: an utterance was played to its end, one starved (`samples` of silence
 * at the bot's rate) or `lost` samples that never came, a stretch begins `offset` samples into
 * the output, or audio did not fit.
 * @typedef {{tell: 'finished', utterance: number, played: number}
 *   | {tell: 'underrun', utterance: number, samples: number, lost: number}
 *   | {tell: 'stretch', utterance: number, startSample: number, offset: number}
 *   | {tell: 'overflow', utterance: number}} Telling
 */

export class Player {
  /** @type {'open'|'hinted'|'ducked'|'muted'} */
  gate = 'open';
  // Of the last sample that went out.
  #gain = 1;
  #queue = [];
  #lengths = new Map();
  // How far utterances were played that were dropped: one may be sent again.
  #dropped = new Map();
  #lastFinished = -1;
  /** The utterance of which something was heard last; 0 for none. */
  lastHeard = 0;
  #starvedSamples = 0;
  #gapAt = -1;
  #gapSamples = 0;
  #inStretch = false;
  #sinc;
  #outputPerSecond;
  #botRateHz;
  #tell;

  /**
   * @param {number} rateHz of the output
   * @param {number} botRateHz
   * @param {(telling: Telling) => void} tell
   */
  constructor(rateHz, botRateHz, tell) {
    this.#outputPerSecond = rateHz;
    this.#botRateHz = botRateHz;
    this.#sinc = rateHz === botRateHz ? null : new Sinc(botRateHz, rateHz);
    this.#tell = tell;
  }

  /** The utterance that plays or is the next to: {id, played, begun}; null when none is. */
  get current() {
    return this.#queue[0] ?? null;
  }

  /** How much of an utterance was played; 0 for one that never came. */
  playedOf(id) {
    return this.#find(id)?.played ?? this.#lengths.get(id) ?? this.#dropped.get(id) ?? 0;
  }

  /** All before this utterance is over; it was heard before the connection was lost. */
  passOver(id) {
    this.#lastFinished = id - 1;
    this.lastHeard = id;
  }

  /** @param {import('./packet.js').Packet} packet of the current epoch */
  append(packet) {
    if (this.#lengths.has(packet.utterance)) {
      // Sent again although it was played: the server has not learnt that it is finished.
      if (packet.last) this.#tellFinished(packet.utterance);
      return;
    }
    if (this.wasFinished(packet.utterance)) return;
    const utterance = this.expect(packet.utterance, 0);
    if (!utterance.append(packet.startSample, packet.samples, packet.last)) {
      this.#tell({tell: 'overflow', utterance: packet.utterance});
    }
  }

  /** The utterance with this id; where it is new it will begin at `startSample`. */
  expect(id, startSample) {
    let utterance = this.#find(id);
    if (utterance === undefined) {
      utterance = new Utterance(id, this.#dropped.get(id) ?? startSample, this.#sinc, this.#botRateHz);
      this.#dropped.delete(id);
      this.#queue.push(utterance);
      this.#queue.sort((a, b) => Number(b.begun) - Number(a.begun) || a.id - b.id);
    }
    return utterance;
  }

  /** Whether it is over: it was played to its end, or one behind it was. */
  wasFinished(id) {
    return id <= this.#lastFinished;
  }

  /** Forget all audio: none of it will sound. What is sent again goes on where it was. */
  drop() {
    for (const {id, played} of this.#queue) remember(this.#dropped, id, played);
    this.#queue = [];
    this.#starvedSamples = 0;
    this.#gapAt = -1;
    this.#inStretch = false;
  }

  /** Fill one render quantum. */
  render(output) {
    output.fill(0);
    const gain = GAINS[this.gate];
    // Where nothing sounds there is nothing to fade.
    const before = this.#sounds ? this.#gain : gain;
    this.#gain = gain;
    if (gain > 0) this.#advance(output);
    else this.#dieAway(output, before);
    ramp(output, before, gain);
  }

  get #sounds() {
    return this.current !== null && this.current.begun && this.current.primed;
  }

  #dieAway(output, before) {
    this.#inStretch = false;
    if (before > 0) this.current.peek(output);
  }

  #advance(output) {
    let done = 0;
    if (this.current !== null) this.#watchGap(this.current, output.length);
    while (done < output.length && this.#queue.length > 0) {
      const head = this.#queue[0];
      if (head.finished) this.#finish(head);
      else if (this.#ready(head)) done += this.#play(head, output, done);
      else if (!this.#starve(head, output.length - done)) break;
    }
    if (this.current?.finished) this.#finish(this.current);
  }

  #play(head, output, from) {
    const startSample = head.played;
    const written = head.read(output, from);
    if (written === 0) {
      head.primed = false;
    } else if (!this.#inStretch) {
      this.#tell({tell: 'stretch', utterance: head.id, startSample, offset: from});
      this.#inStretch = true;
    }
    head.begun ||= written > 0;
    if (written > 0) this.lastHeard = head.id;
    return written;
  }

  #ready(head) {
    if (!head.primed && (head.ended || this.#ms(head.available) >= PRIME_MS)) this.#prime(head);
    return head.primed;
  }

  #prime(head, lost = 0) {
    if (head.begun && this.#starvedSamples + lost > 0) {
      const samples = Math.round(this.#starvedSamples);
      this.#tell({tell: 'underrun', utterance: head.id, samples, lost});
    }
    head.primed = true;
    this.#starvedSamples = 0;
  }

  /** @returns {boolean} whether there is something to play after all */
  #starve(head, outputSamples) {
    if (head.gapped && this.#bridge(head)) return true;
    this.#inStretch = false;
    this.#starvedSamples += this.#botSamples(outputSamples);
    const waitedMs = this.#ms(this.#starvedSamples);
    if (head.available > 0) {
      if (waitedMs < PRIME_WAIT_MS) return false;
      this.#prime(head);
      return true;
    }
    if (head.gapped || waitedMs < LOST_WAIT_MS || this.#queue.length === 1) return false;
    // The next one is here already, so this one's end was lost.
    this.#finish(head);
    return true;
  }

  /** Count for how long later samples have been there; a gap is known by where it begins. */
  #watchGap(head, outputSamples) {
    if (head.gapped && head.end === this.#gapAt) {
      this.#gapSamples += this.#botSamples(outputSamples);
    } else {
      this.#gapAt = head.end;
      this.#gapSamples = 0;
    }
  }

  /** Conceal what is missing, once it can hardly come any more. */
  #bridge(head) {
    if (this.#ms(this.#gapSamples) < GAP_WAIT_MS) return false;
    const most = (LOST_WAIT_MS * this.#botRateHz) / 1000;
    if (head.gapSamples > most || this.#starvedSamples > 0) this.#inStretch = false;
    head.begun = true;
    this.#prime(head, head.conceal(most));
    return true;
  }

  #finish(head) {
    this.#queue.shift();
    this.#starvedSamples = 0;
    this.#inStretch = false;
    remember(this.#lengths, head.id, head.played);
    this.#lastFinished = Math.max(this.#lastFinished, head.id);
    this.#queue = this.#queue.filter((utterance) => utterance.id > head.id);
    this.#tellFinished(head.id);
  }

  #tellFinished(id) {
    this.#tell({tell: 'finished', utterance: id, played: this.#lengths.get(id)});
  }

  #find(id) {
    return this.#queue.find((utterance) => utterance.id === id);
  }

  #botSamples(outputSamples) {
    return (outputSamples * this.#botRateHz) / this.#outputPerSecond;
  }

  #ms(botSamples) {
    return (botSamples * 1000) / this.#botRateHz;
  }
}

function remember(positions, id, played) {
  positions.set(id, played);
  if (positions.size > REMEMBERED_UTTERANCES) positions.delete(positions.keys().next().value);
}

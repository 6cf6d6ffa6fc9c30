/**
 * Plays the bot's voice where it comes as a track: the track runs on, whatever we do.
 *
 * It stands in the place of `engine/player.js`, and tells the engine the same. A mute makes the
 * very quantum silent; what sounds meanwhile is not played. What may sound after a verdict is
 * only what the server put into the track under its epoch, found by `alignment.js`.
 */

import {GAINS, ramp} from '../engine/gain.js';
import {Alignment} from './alignment.js';

/** The server puts 40 ms of silence before a new epoch: we may begin so much before its sound. */
const EARLY_MS = 20;
const REMEMBERED_UTTERANCES = 8;

export class TrackPlayer {
  /** @type {'open'|'hinted'|'ducked'|'muted'} */
  gate = 'open';
  /** Its positions are no counts. */
  estimate = true;
  /** The utterance of which something was heard last; 0 for none. */
  lastHeard = 0;
  #epoch;
  #tell;
  #alignment;
  #early;
  #input = new Float32Array(0);
  #stretches = [];
  #utterances = new Map();
  #lastFinished = -1;
  // A verdict has come, and of its epoch nothing sounds yet: what sounds is stale.
  #waits = false;
  #gain = 1;
  #sounding = null;

  /**
   * @param {number} rateHz of the output
   * @param {number} botRateHz
   * @param {(telling: import('../engine/player.js').Telling) => void} tell
   * @param {number} epoch
   */
  constructor(rateHz, botRateHz, tell, epoch) {
    this.#tell = tell;
    this.#epoch = epoch;
    this.#alignment = new Alignment(rateHz, botRateHz);
    this.#early = (EARLY_MS * botRateHz) / 1000;
  }

  // --- what comes -------------------------------------------------------------------------

  /** @param {Float32Array} input of the track in this quantum @param {number} frame its first */
  hear(input, frame) {
    this.#input = input;
    this.#alignment.hear(input, frame);
  }

  /** The server says what it put into the track. */
  mark({epoch, track_sample: at, utterance, start_sample: start, samples, last, outline}) {
    this.#alignment.mark(at, outline);
    if (epoch < this.#epoch || this.wasFinished(utterance)) return;
    this.#stretches.push({epoch, at, utterance, start, samples, last});
    this.#stretches.sort((a, b) => a.at - b.at);
    if (epoch === this.#epoch) this.expect(utterance, start);
  }

  /** A verdict began an epoch: nothing of an older one may sound. */
  advance(epoch) {
    if (epoch <= this.#epoch) return;
    this.#epoch = epoch;
    this.#waits = true;
    this.#stretches = this.#stretches.filter((stretch) => stretch.epoch >= epoch);
    for (const {utterance, start} of this.#stretches) this.expect(utterance, start);
  }

  // --- as the engine knows a player -------------------------------------------------------

  /** The utterance that sounds or is the next to: {id, played, begun}; null when none is. */
  get current() {
    const here = this.#stretches.find((stretch) => stretch.epoch === this.#epoch);
    return here === undefined ? null : this.#utterances.get(here.utterance);
  }

  playedOf(id) {
    return this.#utterances.get(id)?.played ?? 0;
  }

  passOver(id) {
    this.#lastFinished = id - 1;
    this.lastHeard = id;
  }

  /** A packet has no place here. */
  append() {}

  expect(id, startSample) {
    if (!this.#utterances.has(id)) {
      this.#utterances.set(id, {id, played: startSample, begun: false});
      if (this.#utterances.size > REMEMBERED_UTTERANCES) {
        this.#utterances.delete(this.#utterances.keys().next().value);
      }
    }
    return this.#utterances.get(id);
  }

  wasFinished(id) {
    return id <= this.#lastFinished;
  }

  drop() {
    this.#stretches = [];
    this.#sounding = null;
  }

  /** Fill one render quantum with what the track gives, as far as it may sound. */
  render(output) {
    const at = this.#alignment.trackSample;
    if (this.#waits && this.#reached(at)) this.#waits = false;
    const gain = this.#waits ? 0 : GAINS[this.gate];
    if (this.#input.length === output.length) output.set(this.#input);
    else output.fill(0);
    ramp(output, this.#gain, gain);
    this.#gain = gain;
    if (at !== null) this.#count(at, gain > 0);
  }

  // --- inside -----------------------------------------------------------------------------

  #reached(at) {
    return at !== null && this.#stretches.some(
      (stretch) => stretch.epoch === this.#epoch && at >= stretch.at - this.#early,
    );
  }

  /** Note how far the track has come, in what is heard of it. */
  #count(at, heard) {
    while (this.#stretches.length > 0 && this.#stretches[0].epoch === this.#epoch) {
      const stretch = this.#stretches[0];
      if (at < stretch.at) break;
      if (heard) this.#play(stretch, Math.min(stretch.samples, Math.floor(at - stretch.at)));
      if (at < stretch.at + stretch.samples) break;
      this.#stretches.shift();
      if (stretch.last && heard) this.#finish(stretch);
    }
  }

  #play({utterance: id, start}, samples) {
    const utterance = this.expect(id, start);
    if (samples > 0) utterance.begun = true;
    utterance.played = Math.max(utterance.played, start + samples);
    this.lastHeard = id;
    if (this.#sounding === id) return;
    this.#sounding = id;
    this.#tell({tell: 'stretch', utterance: id, startSample: start + samples, offset: 0});
  }

  #finish({utterance: id, start, samples}) {
    this.#lastFinished = Math.max(this.#lastFinished, id);
    this.#tell({tell: 'finished', utterance: id, played: start + samples});
  }
}

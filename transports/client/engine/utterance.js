/**
 * One utterance of the bot's on its way to the loudspeaker: what came, and how far it was played.
 *
 * Positions are samples of the utterance at the bot's rate. What comes twice is trimmed, what
 * comes early waits for what is missing, so that the server may always send again from any
 * earlier sample.
 */

import {conceal, historySamples, leadIn, leadInSamples} from './concealment.js';

const FIRST_CAPACITY_SAMPLES = 1 << 16;
/** 87 s at 24 kHz; a server that paces never comes near it. */
const MOST_CAPACITY_SAMPLES = 1 << 21;

export class Utterance {
  #ring = new Float32Array(FIRST_CAPACITY_SAMPLES);
  #ahead = [];
  #sinc;
  #rateHz;
  #phase = 0;

  /**
   * @param {number} id
   * @param {number} startSample where to begin; 0 but for one that is taken up again
   * @param {import('./sinc.js').Sinc|null} sinc null where the bot's rate is the output's
   * @param {number} rateHz of the bot
   */
  constructor(id, startSample, sinc, rateHz) {
    this.id = id;
    /** The next sample to play: how many were played. */
    this.played = startSample;
    /** All samples before this one are here, or were played. */
    this.end = startSample;
    /** @type {number|null} the utterance's length, once the server has told it */
    this.total = null;
    /** Its first sample went out. */
    this.begun = false;
    /** Enough is there to play on. */
    this.primed = false;
    this.#sinc = sinc;
    this.#rateHz = rateHz;
  }

  /** Samples that can be played now. */
  get available() {
    const end = this.ended ? this.total : this.end - this.#reach;
    return Math.max(0, end - this.played);
  }

  /** Everything is here. */
  get ended() {
    return this.total !== null && this.end >= this.total;
  }

  get finished() {
    return this.ended && this.played >= this.total;
  }

  /** Later samples are here while some before them are missing. */
  get gapped() {
    return this.#ahead.length > 0;
  }

  /** So many are missing before the next that are here. */
  get gapSamples() {
    return this.gapped ? this.#ahead[0].startSample - this.end : 0;
  }

  /**
   * Take what came; what is here already is trimmed.
   * @returns {boolean} false where it did not fit, and is lost
   */
  append(startSample, samples, last) {
    const mostAhead = MOST_CAPACITY_SAMPLES - 2 * this.#reach;
    if (startSample + samples.length - this.played > mostAhead) return false;
    if (last) this.total = startSample + samples.length;
    if (startSample > this.end) {
      if (samples.length > 0) this.#ahead.push({startSample, samples});
      this.#ahead.sort((a, b) => a.startSample - b.startSample);
      return true;
    }
    this.#write(samples.subarray(Math.min(samples.length, this.end - startSample)));
    while (this.gapped && this.#ahead[0].startSample <= this.end) {
      const next = this.#ahead.shift();
      this.append(next.startSample, next.samples, false);
    }
    return true;
  }

  /**
   * Fill what is missing with what may have sounded, and go on with what came after it.
   * @param {number} most samples; what is missing before these is left out
   * @returns {number} how many samples are lost
   */
  conceal(most) {
    const next = this.#ahead[0];
    const lost = next.startSample - this.end;
    const missing = Math.min(lost, most);
    const made = conceal(this.#history(), missing + leadInSamples(this.#rateHz), this.#rateHz);
    if (missing < lost) this.#jump(next.startSample - missing);
    this.#write(made.subarray(0, missing));
    leadIn(next.samples, made.subarray(missing));
    this.append(this.end, new Float32Array(0), false);
    return lost;
  }

  #history() {
    const mask = this.#ring.length - 1;
    const history = new Float32Array(historySamples(this.#rateHz));
    const first = this.end - history.length;
    for (let i = Math.max(0, -first); i < history.length; i++) {
      history[i] = this.#ring[(first + i) & mask];
    }
    return history;
  }

  #jump(sample) {
    this.played = this.end = sample;
    this.#phase = 0;
    this.#ring.fill(0);
  }

  /**
   * Play into `output` from index `from` on, as far as samples are here.
   * @returns {number} how many output samples were written
   */
  read(output, from) {
    return this.#sinc === null ? this.#copy(output, from) : this.#interpolate(output, from);
  }

  /** Fill `output` with what comes next, as far as it is here, without playing it. */
  peek(output) {
    const {played} = this;
    const phase = this.#phase;
    this.read(output, 0);
    this.played = played;
    this.#phase = phase;
  }

  #copy(output, from) {
    const count = Math.min(this.available, output.length - from);
    const mask = this.#ring.length - 1;
    for (let i = 0; i < count; i++) output[from + i] = this.#ring[(this.played + i) & mask];
    this.played += count;
    return count;
  }

  #interpolate(output, from) {
    const {advance, phases} = this.#sinc;
    const mask = this.#ring.length - 1;
    const playable = this.played + this.available;
    let written = 0;
    while (from + written < output.length && this.played < playable) {
      output[from + written] = this.#sinc.at(this.#ring, mask, this.played, this.#phase);
      const next = this.#phase + advance;
      this.played += Math.floor(next / phases);
      this.#phase = next % phases;
      written += 1;
    }
    if (this.ended) this.played = Math.min(this.played, this.total);
    return written;
  }

  #write(samples) {
    this.#makeRoom(samples.length + this.end - this.played + this.#kept + this.#reach);
    const mask = this.#ring.length - 1;
    for (let i = 0; i < samples.length; i++) this.#ring[(this.end + i) & mask] = samples[i];
    this.end += samples.length;
    // The last samples' neighbours, where nothing follows.
    for (let i = 0; i < this.#reach; i++) this.#ring[(this.end + i) & mask] = 0;
  }

  #makeRoom(samples) {
    let capacity = this.#ring.length;
    while (capacity < samples) capacity *= 2;
    if (capacity === this.#ring.length) return;
    const larger = new Float32Array(capacity);
    for (let at = Math.max(0, this.played - this.#kept); at < this.end; at++) {
      larger[at & (capacity - 1)] = this.#ring[at & (this.#ring.length - 1)];
    }
    this.#ring = larger;
  }

  /** So much of what was played is still needed: by the next sample, or if a loss follows. */
  get #kept() {
    return historySamples(this.#rateHz) + this.#reach;
  }

  get #reach() {
    return this.#sinc?.reach ?? 0;
  }
}

/**
 * Finds in what a track sounds like the place of what the server put into it.
 *
 * The server tells the outline of levels of each stretch; here the lag is looked for at which
 * the outline and the levels of what was heard last differ least. A network's buffer stretches and
 * squeezes time, so the lag is looked for again and again while the bot speaks. It is an
 * estimate: docs/daily.md says by how much it is wrong.
 */

import {HOP_MS, HOPS_A_LEVEL, LEVEL_MS, Levels, LOWEST_DB} from './levels.js';

/**
 * What is compared: so many levels, of which at least some are no silence. To find the place takes
 * 300 ms; to follow it where the buffer stretches time, the shorter the nearer to now.
 */
const TO_FIND = {levels: 60, sounding: 12};
const TO_FOLLOW = {levels: 36, sounding: 12};
const SOUND_DB = -45;
/** Looked for so often while the bot speaks. */
const EVERY_MS = 20;
/** Around the lag that is known. */
const NEAR_MS = 60;
/** Sound comes at most so long after its mark, and at most so long before it. */
const MOST_AFTER_MS = 2000;
const MOST_BEFORE_MS = 600;
/** A mean difference beyond this is no match: the codec alone makes 1 to 2 dB. */
const MATCH_DB = 6;
/** A full search must find one place that is so much better than all others. */
const CLEAR = 0.7;
const KEPT_LEVELS = 2048;

export class Alignment {
  #levels;
  #rateHz;
  #botRateHz;
  #outline = new Float32Array(KEPT_LEVELS).fill(LOWEST_DB);
  /** Levels of the track before this one are told, or are silence. */
  #toldEnd = 0;
  /** @type {number|null} what sounds in hop h stands in the track at hop h - lag */
  #lag = null;
  /** The hop at which the newest mark came. */
  #markedHop = 0;
  #lookedHop = 0;
  #frame = 0;

  /**
   * @param {number} rateHz of the output
   * @param {number} botRateHz of the track's samples
   */
  constructor(rateHz, botRateHz) {
    this.#rateHz = rateHz;
    this.#botRateHz = botRateHz;
    this.#levels = new Levels(rateHz);
  }

  /** @param {Float32Array} input of the track, from this frame on */
  hear(input, frame) {
    this.#levels.hear(input, frame);
    this.#frame = frame + input.length;
    const hop = this.#levels.end;
    if (hop - this.#lookedHop < EVERY_MS / HOP_MS) return;
    this.#lookedHop = hop;
    this.#look();
  }

  /** @param {number} trackSample @param {string} outline two hex digits a level */
  mark(trackSample, outline) {
    const first = Math.round(trackSample / this.#samplesALevel);
    for (let level = this.#toldEnd; level < first; level++) this.#put(level, LOWEST_DB);
    for (let i = 0; 2 * i < outline.length; i++) {
      const steps = parseInt(outline.slice(2 * i, 2 * i + 2), 16);
      this.#put(first + i, Math.max(LOWEST_DB, steps / 2 - 100));
    }
    this.#toldEnd = Math.max(this.#toldEnd, first + outline.length / 2);
    this.#markedHop = this.#levels.hopOf(this.#frame);
  }

  /** The sample of the track that sounds at the end of what was heard; null: not known yet. */
  get trackSample() {
    if (this.#lag === null) return null;
    const ms = (this.#frame * 1000) / this.#rateHz - this.#lag * HOP_MS;
    return (ms * this.#botRateHz) / 1000;
  }

  #put(level, db) {
    this.#outline[level & (KEPT_LEVELS - 1)] = db;
  }

  #look() {
    const near = this.#lag === null ? null : this.#best(
      Math.round(this.#lag - NEAR_MS / HOP_MS), Math.round(this.#lag + NEAR_MS / HOP_MS), TO_FOLLOW,
    );
    if (near !== null && near.db < MATCH_DB) {
      this.#lag = near.lag;
      return;
    }
    // All of what could be: in a lag's terms, around the newest mark.
    const middle = this.#markedHop - this.#toldEnd * HOPS_A_LEVEL;
    const far = this.#best(
      Math.round(middle - MOST_BEFORE_MS / HOP_MS), Math.round(middle + MOST_AFTER_MS / HOP_MS),
      TO_FIND,
    );
    if (far !== null && far.db < MATCH_DB && far.clear) this.#lag = far.lag;
  }

  /** The lag with the least difference, to a part of a hop; null where there is too little sound. */
  #best(from, to, window) {
    const dbs = [];
    let least = 0;
    for (let lag = from; lag <= to; lag++) {
      dbs.push(this.#difference(lag, window));
      if (dbs.at(-1) < dbs[least]) least = dbs.length - 1;
    }
    const db = dbs[least];
    if (!Number.isFinite(db)) return null;
    const others = dbs.filter((_, i) => Math.abs(i - least) > 6 * HOPS_A_LEVEL);
    const clear = others.every((other) => db < CLEAR * other);
    return {lag: from + least + vertex(dbs[least - 1], db, dbs[least + 1]), db, clear};
  }

  /** Mean difference in dB over the window; infinite where too little in it is sound. */
  #difference(lag, {levels, sounding: least}) {
    const mask = KEPT_LEVELS - 1;
    const last = Math.min(this.#toldEnd, Math.floor((this.#levels.end - lag) / HOPS_A_LEVEL)) - 1;
    let sum = 0;
    let sounding = 0;
    for (let level = last; level > last - levels; level--) {
      const told = level < 0 ? LOWEST_DB : this.#outline[level & mask];
      const hop = level * HOPS_A_LEVEL + lag;
      const heard = hop < 0 ? LOWEST_DB : this.#levels.at(hop);
      if (told > SOUND_DB) sounding += 1;
      sum += Math.abs(told - heard);
    }
    return sounding < least ? Infinity : sum / levels;
  }

  get #samplesALevel() {
    return (this.#botRateHz * LEVEL_MS) / 1000;
  }
}

/** Where between its neighbours the least value of a function lies that falls and rises evenly. */
function vertex(before, least, after) {
  if (!Number.isFinite(before) || !Number.isFinite(after)) return 0;
  const steepest = Math.max(before, after) - least;
  return steepest > 0 ? (before - after) / (2 * steepest) : 0;
}

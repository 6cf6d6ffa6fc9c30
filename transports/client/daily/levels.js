/** The levels of what a track sounds like, in steps fine enough to find an outline in them. */

/** One level of an outline, as the server tells it. */
export const LEVEL_MS = 5;
/** Where a level may begin: the outline's own steps cut the sound elsewhere than ours would. */
export const HOP_MS = 1.25;
export const HOPS_A_LEVEL = LEVEL_MS / HOP_MS;
/** Below it all is silence: codecs and comfort noise differ there. */
export const LOWEST_DB = -60;
/** 5 s; twice as long as anything is looked for. */
const KEPT_HOPS = 4096;

export class Levels {
  /** Hops before this one are complete, level and all. */
  end = 0;
  #rateHz;
  #powers = new Float64Array(KEPT_HOPS);
  #levels = new Float32Array(KEPT_HOPS).fill(LOWEST_DB);
  #hop = -1;
  #sum = 0;
  #boundary = 0;

  constructor(rateHz) {
    this.#rateHz = rateHz;
  }

  /**
   * @param {Float32Array} input what the track gives
   * @param {number} frame of its first sample
   */
  hear(input, frame) {
    for (let i = 0; i < input.length; i++) {
      if (frame + i >= this.#boundary) this.#turn(frame + i);
      this.#sum += input[i] * input[i];
    }
  }

  /** The level of the 5 ms from this hop on, in dBFS. */
  at(hop) {
    return this.#levels[hop & (KEPT_HOPS - 1)];
  }

  /** The hop that holds a frame. */
  hopOf(frame) {
    return (frame * 1000) / this.#rateHz / HOP_MS;
  }

  #turn(frame) {
    if (this.#hop >= 0) this.#keep(this.#hop, this.#sum);
    const next = Math.floor(this.hopOf(frame) + 1e-9);
    // A worklet is not asked for every quantum before it is connected.
    for (let missing = Math.max(this.#hop + 1, next - KEPT_HOPS); missing < next; missing++) {
      this.#keep(missing, 0);
    }
    this.#hop = next;
    this.#sum = 0;
    this.#boundary = Math.ceil(((next + 1) * HOP_MS * this.#rateHz) / 1000 - 1e-6);
  }

  #keep(hop, power) {
    const mask = KEPT_HOPS - 1;
    this.#powers[hop & mask] = power;
    const first = hop - HOPS_A_LEVEL + 1;
    if (first < 0) return;
    let sum = 0;
    for (let each = first; each <= hop; each++) sum += this.#powers[each & mask];
    const frames = (LEVEL_MS * this.#rateHz) / 1000;
    const db = 10 * Math.log10(sum / frames + 1e-12);
    this.#levels[first & mask] = Math.max(LOWEST_DB, db);
    this.end = first + 1;
  }
}

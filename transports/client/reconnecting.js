/**
 * When a client that has lost its connection tries again, and when it gives up. Time is an
 * argument, in ms. `src/bargein/client/reconnecting.py` is the same in Python.
 */

/** Behind each try that failed; the last one again and again. */
const DELAYS_MS = [0, 250, 500, 1000, 2000];
/** A try that has no welcome by then has failed: the next one may take another way. */
const TRY_BOUND_MS = 5000;

export class Reconnecting {
  #lostMs;
  #graceMs;
  #tries = 0;

  /** @param {number} graceMs the session waits for so long */
  constructor(lostMs, graceMs) {
    this.#lostMs = lostMs;
    this.#graceMs = graceMs;
  }

  /** @returns {number|null} how long to wait before the next try; null where it would be too late */
  nextMs(nowMs) {
    const delayMs = DELAYS_MS[Math.min(this.#tries, DELAYS_MS.length - 1)];
    this.#tries += 1;
    return nowMs + delayMs - this.#lostMs >= this.#graceMs ? null : delayMs;
  }

  /** How long the try that begins now may take. */
  boundMs(nowMs) {
    return Math.max(0, Math.min(TRY_BOUND_MS, this.#lostMs + this.#graceMs - nowMs));
  }
}

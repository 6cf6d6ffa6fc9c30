/** Tells how far playout has come: every so often while it advances, and at each stop. */

export class Progress {
  #everyMs;
  #toldMs = -Infinity;
  #told = {utterance: null, played: 0};
  #seen = {utterance: null, played: 0};

  /** @param {number} everyMs */
  constructor(everyMs) {
    this.#everyMs = everyMs;
  }

  /**
   * @param {{id: number, played: number}|null} current what plays, if anything does
   * @returns {{utterance: number, played: number}|null} what to tell now, if anything
   */
  tick(current, nowMs) {
    if (current === null) return null;
    const now = {utterance: current.id, played: current.played};
    const stands = same(now, this.#seen);
    this.#seen = now;
    if (same(now, this.#told) || now.played === 0) return null;
    if (!stands && nowMs - this.#toldMs < this.#everyMs) return null;
    this.#told = now;
    this.#toldMs = nowMs;
    return now;
  }
}

function same(a, b) {
  return a.utterance === b.utterance && a.played === b.played;
}

/** When to send a ping, and when the connection counts as dead. Time is an argument, in ms. */

const PING_EVERY_MS = 2000;
const DEAD_AFTER_MS = 6000;

export class Heartbeat {
  #heardMs;
  #pingedMs = -Infinity;
  /** The first ping since something was heard; null while none is open. */
  #unansweredMs = null;

  constructor(nowMs) {
    this.#heardMs = nowMs;
  }

  /** Something came from the server. */
  hear(nowMs) {
    this.#heardMs = nowMs;
    this.#unansweredMs = null;
  }

  /**
   * @returns {'ping'|'dead'|null} what to do now
   *
   * A page that slept has heard nothing for long; it counts as dead only when it has asked
   * since, and waited for an answer.
   */
  tick(nowMs) {
    const asked = this.#unansweredMs !== null
      && nowMs - this.#unansweredMs >= DEAD_AFTER_MS - PING_EVERY_MS;
    if (asked && nowMs - this.#heardMs >= DEAD_AFTER_MS) return 'dead';
    if (nowMs - this.#pingedMs < PING_EVERY_MS) return null;
    this.#pingedMs = nowMs;
    this.#unansweredMs ??= nowMs;
    return 'ping';
  }
}

/**
 * What a `pong` tells.
 * @returns {{ms: number, offsetMs: number}} round trip, and how far the server's clock is ahead
 */
export function readPong({clock_ms: sentMs, server_clock_ms: serverMs}, nowMs) {
  const ms = nowMs - sentMs;
  return {ms, offsetMs: serverMs - (sentMs + ms / 2)};
}

/** A hint of a voice: windows that may be speech, before one is. The bot is ducked at it, at once. */

/** A window of this share of the threshold is a hint... */
const HINT_SHARE = 0.5;
/** ...that holds for this many windows, 96 ms, if nothing follows. */
const HINT_WINDOWS = 3;

/** No window reaches this: the bot may not be interrupted, so it is not ducked either. */
const NEVER = 1;

export class Hint {
  #windowsLeft = 0;

  /**
   * @param {number} probability of the next window
   * @param {number} threshold
   * @param {boolean} speaking whether this is speech already; then there is nothing to hint at
   * @returns {boolean} whether a voice may be beginning
   */
  hear(probability, threshold, speaking) {
    if (speaking || threshold >= NEVER) this.#windowsLeft = 0;
    else if (probability >= threshold * HINT_SHARE) this.#windowsLeft = HINT_WINDOWS;
    else if (this.#windowsLeft > 0) this.#windowsLeft -= 1;
    return this.#windowsLeft > 0;
  }
}

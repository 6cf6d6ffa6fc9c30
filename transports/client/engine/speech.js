/** From probabilities to onsets and offsets: whether the user speaks, with hysteresis. */

import {MICROPHONE_RATE_HZ, WINDOW_SAMPLES} from './silero.js';

/** Speech goes on until the probability is this far below the threshold, or below half of it... */
const HYSTERESIS = 0.15;
/** ...for this long. */
const MIN_SILENCE_MS = 200;
const WINDOW_MS = (WINDOW_SAMPLES * 1000) / MICROPHONE_RATE_HZ;
const MIN_SILENT_WINDOWS = Math.ceil(MIN_SILENCE_MS / WINDOW_MS);

export class Speech {
  speaking = false;
  #silentWindows = 0;

  /**
   * @param {number} probability of the next window
   * @param {number} threshold
   * @returns {'onset'|'offset'|null} what this window changes; after an offset,
   *   `silentWindows` says how many windows ago the silence began
   */
  hear(probability, threshold) {
    if (!this.speaking) {
      if (probability < threshold) return null;
      this.speaking = true;
      this.#silentWindows = 0;
      return 'onset';
    }
    const silence = Math.max(threshold - HYSTERESIS, threshold / 2);
    this.#silentWindows = probability < silence ? this.#silentWindows + 1 : 0;
    if (this.#silentWindows < MIN_SILENT_WINDOWS) return null;
    this.speaking = false;
    return 'offset';
  }

  get silentWindows() {
    return this.#silentWindows;
  }
}

const REFRESH_AFTER_WINDOWS = Math.ceil(2000 / WINDOW_MS);
const REFRESH_QUIET_WINDOWS = 5;
const REFRESH_BELOW = 0.1;

/**
 * Says when the model should forget: every 2 s, but only in clear silence.
 *
 * Music and long noise leave the model's state deaf to the speech that follows. Same rule
 * and figures as pipecat's analyzer, which the server may run.
 */
export class Refresh {
  #windows = 0;
  #quietWindows = 0;

  /** @returns {boolean} whether to reset the model before the next window */
  due(probability, speaking) {
    this.#windows += 1;
    this.#quietWindows = probability < REFRESH_BELOW ? this.#quietWindows + 1 : 0;
    const due = this.#windows >= REFRESH_AFTER_WINDOWS
      && this.#quietWindows >= REFRESH_QUIET_WINDOWS && !speaking;
    if (due) this.#windows = 0;
    return due;
  }
}

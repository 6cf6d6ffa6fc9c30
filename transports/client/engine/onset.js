/**
 * Estimates where the speech that the VAD fired at began.
 *
 * The VAD fires at the end of a window, when the voice has been there for a while. This
 * looks back over the levels of the last half second for where they rose out of the noise.
 * An estimate for display; nothing is decided by it.
 */

import {levelDb} from './level.js';
import {MICROPHONE_RATE_HZ} from './silero.js';

const BLOCK_SAMPLES = 128;
const REMEMBERED_BLOCKS = 64;
/** A block that stands out of the noise by this much belongs to the voice. */
const RISE_DB = 9;
/** The voice may dip for this long and still be the same: the closure of a stop. */
const BRIDGED_BLOCKS = 6;

export class OnsetEstimate {
  #levels = [];

  /** @param {Float32Array} samples one window at 16 kHz */
  hear(samples) {
    for (let from = 0; from < samples.length; from += BLOCK_SAMPLES) {
      this.#levels.push(levelDb(samples, from, from + BLOCK_SAMPLES));
    }
    this.#levels.splice(0, Math.max(0, this.#levels.length - REMEMBERED_BLOCKS));
  }

  /**
   * How long ago the voice began, in ms before the end of the last window; null where the
   * levels do not tell.
   */
  agoMs(noiseFloorDb) {
    let oldest = null;
    let below = 0;
    for (let ago = 1; ago <= this.#levels.length && below <= BRIDGED_BLOCKS; ago++) {
      const loud = this.#levels.at(-ago) >= noiseFloorDb + RISE_DB;
      below = loud ? 0 : below + 1;
      if (loud) oldest = ago;
    }
    return oldest === null ? null : (oldest * BLOCK_SAMPLES * 1000) / MICROPHONE_RATE_HZ;
  }
}

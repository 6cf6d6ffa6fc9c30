/** Levels in dBFS, and the noise floor that they tell. */

const SILENCE_DB = -120;
/** Room for about 3 s of windows of 32 ms. */
const FLOOR_WINDOWS = 94;
/** A window below this probability is certainly no speech. */
const CERTAINLY_QUIET = 0.1;
/** What is assumed before anything quiet was heard. */
export const UNKNOWN_FLOOR_DB = -90;

/** @param {number} meanSquare of samples at full scale 1 */
export function toDb(meanSquare) {
  return meanSquare > 0 ? Math.max(SILENCE_DB, 10 * Math.log10(meanSquare)) : SILENCE_DB;
}

/** The level of samples at full scale 1. */
export function levelDb(samples, from = 0, to = samples.length) {
  let sum = 0;
  for (let i = from; i < to; i++) sum += samples[i] * samples[i];
  return toDb(sum / (to - from));
}

/** Gathers samples and gives the level of all since it was last asked. */
export class Meter {
  #sum = 0;
  #count = 0;

  add(samples) {
    for (let i = 0; i < samples.length; i++) this.#sum += samples[i] * samples[i];
    this.#count += samples.length;
  }

  takeDb() {
    const db = this.#count === 0 ? SILENCE_DB : toDb(this.#sum / this.#count);
    this.#sum = this.#count = 0;
    return db;
  }
}

/**
 * The lowest level of the last 3 s among windows that are certainly no speech.
 *
 * A minimum, since an average would rise with what the VAD missed; in long speech the last
 * known floor holds.
 */
export class NoiseFloor {
  #levels = [];
  db = UNKNOWN_FLOOR_DB;

  /** One window's level and probability of speech. */
  hear(windowDb, probability) {
    this.#levels.push(probability < CERTAINLY_QUIET ? windowDb : Infinity);
    if (this.#levels.length > FLOOR_WINDOWS) this.#levels.shift();
    const lowest = Math.min(...this.#levels);
    if (lowest < Infinity) this.db = lowest;
    return this.db;
  }
}

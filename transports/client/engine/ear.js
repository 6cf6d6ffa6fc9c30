/** What the engine hears: microphone, VAD, and what follows from them about the user's voice. */

import {Hint} from './hint.js';
import {levelDb, NoiseFloor} from './level.js';
import {Microphone} from './microphone.js';
import {OnsetEstimate} from './onset.js';
import {Refresh, Speech} from './speech.js';

const MOST_QUANTUM_SAMPLES = 16_384;
/** Probabilities that a test may ask for: 120 s of them. */
const MOST_PROBABILITIES = 3750;

export class Ear {
  /** Of the last window. */
  probability = 0;
  windowIndex = 0;
  /** The last window may be the begin of speech. */
  hinted = false;
  #vad;
  #microphone;
  #speech = new Speech();
  #hint = new Hint();
  #refresh = new Refresh();
  #noise = new NoiseFloor();
  #onset = new OnsetEstimate();
  #probabilities = [];

  /**
   * @param {number} rateHz of the microphone
   * @param {{probability: (window: Float32Array) => number, reset: () => void}} vad
   */
  constructor(rateHz, vad) {
    this.#vad = vad;
    this.#microphone = new Microphone(rateHz, MOST_QUANTUM_SAMPLES);
  }

  /**
   * @param {Float32Array} input
   * @param {() => {threshold: number, gateDb: number}} rule a window at or above the threshold
   *   is speech; one of a lower level than the gate is silence, whatever its probability
   * @param {(window: import('./microphone.js').Window, change: 'onset'|'offset'|null) => void}
   *   emit called for each window, when it was scored
   */
  push(input, rule, emit) {
    this.#microphone.push(input, (window) => {
      const {samples, index} = window;
      this.probability = this.#vad.probability(samples);
      this.windowIndex = index;
      const db = levelDb(samples);
      this.#noise.hear(db, this.probability);
      this.#onset.hear(samples);
      if (this.#probabilities.length < MOST_PROBABILITIES) {
        this.#probabilities.push(this.probability);
      }
      const {threshold, gateDb} = rule();
      const heard = db >= gateDb ? this.probability : 0;
      const change = this.#speech.hear(heard, threshold);
      this.hinted = this.#hint.hear(heard, threshold, this.#speech.speaking);
      if (this.#refresh.due(this.probability, this.#speech.speaking)) this.#vad.reset();
      emit(window, change);
    });
  }

  get speaking() {
    return this.#speech.speaking;
  }

  get noiseFloorDb() {
    return this.#noise.db;
  }

  /** The first window of the silence that the last offset stands for. */
  get firstSilentWindow() {
    return this.windowIndex - this.#speech.silentWindows + 1;
  }

  /** An estimate of how long ago the voice began, in ms; null where the levels do not tell. */
  get onsetAgoMs() {
    return this.#onset.agoMs(this.#noise.db);
  }

  /** Of all windows so far, at most 120 s; for tests. */
  get probabilities() {
    return Float32Array.from(this.#probabilities);
  }
}

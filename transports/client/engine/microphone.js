/**
 * The microphone as the server will see it: 16 kHz, in windows of 512 samples, as PCM16.
 *
 * A window is rounded before it is scored, so that both sides score the same numbers.
 */

import {fromPcm16, toPcm16} from './packet.js';
import {Resampler} from './resampler.js';
import {MICROPHONE_RATE_HZ, WINDOW_SAMPLES} from './silero.js';

/**
 * `samples` and `pcm` are the same numbers, at full scale 1 and as PCM16; `samples` is used
 * again for the next window.
 * @typedef {{index: number, startSample: number, samples: Float32Array, pcm: Int16Array}} Window
 */

export class Microphone {
  #resampler;
  #samples = new Float32Array(WINDOW_SAMPLES);
  #pcm = new Int16Array(WINDOW_SAMPLES);
  #filled = 0;
  #index = 0;

  /**
   * @param {number} rateHz at which samples come
   * @param {number} mostSamples the most that comes at once
   */
  constructor(rateHz, mostSamples) {
    this.#resampler = new Resampler(rateHz, MICROPHONE_RATE_HZ, mostSamples);
  }

  /**
   * @param {Float32Array} input
   * @param {(window: Window) => void} emit called for each complete window
   */
  push(input, emit) {
    this.#resampler.push(input, (sample) => {
      const value = toPcm16(sample);
      this.#pcm[this.#filled] = value;
      this.#samples[this.#filled] = fromPcm16(value);
      this.#filled += 1;
      if (this.#filled === WINDOW_SAMPLES) this.#complete(emit);
    });
  }

  #complete(emit) {
    const index = this.#index;
    this.#filled = 0;
    this.#index += 1;
    const startSample = index * WINDOW_SAMPLES;
    emit({index, startSample, samples: this.#samples, pcm: this.#pcm});
  }
}

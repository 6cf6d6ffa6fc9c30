/** A stream of samples at one rate becomes a stream at another; equal rates are copied. */

import {Sinc} from './sinc.js';

export class Resampler {
  #sinc;
  #held;
  #heldSamples;
  #index;
  #phase = 0;

  /**
   * @param {number} fromHz
   * @param {number} toHz
   * @param {number} mostSamples the most that is pushed at once
   */
  constructor(fromHz, toHz, mostSamples) {
    this.#sinc = fromHz === toHz ? null : new Sinc(fromHz, toHz);
    const reach = this.#sinc?.reach ?? 1;
    this.#held = new Float32Array(mostSamples + 4 * reach);
    // Zeros before the first sample, so that it, too, has neighbours on both sides.
    this.#heldSamples = reach - 1;
    this.#index = reach - 1;
  }

  /**
   * @param {Float32Array} input
   * @param {(sample: number) => void} emit called for each finished output sample, in order
   */
  push(input, emit) {
    if (this.#sinc === null) {
      for (let i = 0; i < input.length; i++) emit(input[i]);
      return;
    }
    const {reach, advance, phases} = this.#sinc;
    this.#held.set(input, this.#heldSamples);
    this.#heldSamples += input.length;
    while (this.#index + reach < this.#heldSamples) {
      emit(this.#sinc.at(this.#held, -1, this.#index, this.#phase));
      const next = this.#phase + advance;
      this.#index += Math.floor(next / phases);
      this.#phase = next % phases;
    }
    this.#forget();
  }

  #forget() {
    const done = Math.min(this.#index - this.#sinc.reach + 1, this.#heldSamples);
    if (done <= 0) return;
    this.#held.copyWithin(0, done, this.#heldSamples);
    this.#heldSamples -= done;
    this.#index -= done;
  }
}

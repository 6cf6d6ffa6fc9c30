/**
 * A windowed-sinc interpolator between two sample rates, exact for every ratio of whole numbers.
 *
 * The rates' greatest common divisor gives the number of phases between two input samples
 * (160 for 44.1 kHz to 16 kHz), each with its own row of taps; positions are counted in
 * whole phases, so nothing drifts.
 */

/** Zero crossings of the sinc on either side: about 70 dB down outside the transition band. */
const ZERO_CROSSINGS = 12;
/** The pass band ends here, as a share of the lower rate's half: room for the transition. */
const PASS_BAND = 0.94;

export class Sinc {
  /**
   * @param {number} fromHz
   * @param {number} toHz
   */
  constructor(fromHz, toHz) {
    const divisor = greatestCommonDivisor(fromHz, toHz);
    /** Positions between two input samples. */
    this.phases = toHz / divisor;
    /** How far one output sample is from the next, in phases. */
    this.advance = fromHz / divisor;
    const narrowing = Math.min(1, toHz / fromHz);
    /** Input samples that are needed on either side of a position. */
    this.reach = Math.ceil(ZERO_CROSSINGS / narrowing);
    this.taps = 2 * this.reach;
    this.#fill(narrowing * PASS_BAND);
  }

  /**
   * The value at `index + phase / phases`.
   * @param {Float32Array} samples
   * @param {number} mask `samples.length - 1` where they are a ring, else -1
   * @param {number} index of the input sample at or before the position
   * @param {number} phase 0 to phases - 1
   */
  at(samples, mask, index, phase) {
    const row = phase * this.taps;
    const first = index - this.reach + 1;
    let sum = 0;
    for (let tap = 0; tap < this.taps; tap++) {
      sum += samples[(first + tap) & mask] * this.table[row + tap];
    }
    return sum;
  }

  #fill(cutoff) {
    /** One row of taps a phase; each row sums to 1. */
    this.table = new Float32Array(this.phases * this.taps);
    for (let phase = 0; phase < this.phases; phase++) {
      const row = this.table.subarray(phase * this.taps, (phase + 1) * this.taps);
      let sum = 0;
      for (let tap = 0; tap < this.taps; tap++) {
        const x = tap - (this.reach - 1) - phase / this.phases;
        row[tap] = sinc(cutoff * x) * hann(x / this.reach);
        sum += row[tap];
      }
      for (let tap = 0; tap < this.taps; tap++) row[tap] /= sum;
    }
  }
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** @param {number} x -1 to 1 */
function hann(x) {
  return 0.5 + 0.5 * Math.cos(Math.PI * x);
}

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

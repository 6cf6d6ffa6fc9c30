/**
 * Silero VAD in plain JavaScript, for browsers without WebAssembly SIMD.
 *
 * The same network as `silero.c`, 1e-5 from it at most, at 6 to 10 times the cost. Each layer
 * is a set of dot products over weights as they come, so nothing is laid out anew.
 */

import {Spectra} from './spectra.js';

const WINDOW = 512;
/** Samples of the window before, which the model sees again. */
const CONTEXT = 64;
const BINS = 129;
const TAPS = 3;
const HIDDEN = 128;
const GATES = 4 * HIDDEN;
/** Steps of time and channels in, channels out, stride. */
const LAYERS = [
  {steps: 4, ins: BINS, outs: 128, stride: 1},
  {steps: 4, ins: 128, outs: 64, stride: 2},
  {steps: 2, ins: 64, outs: 64, stride: 2},
  {steps: 1, ins: 64, outs: 128, stride: 1},
];

export class PlainSilero {
  kind = 'plain';
  #input = new Float32Array(CONTEXT + WINDOW + CONTEXT);
  #spectra = new Spectra();
  #layers;
  #lstm;
  #output;
  #hidden = new Float32Array(HIDDEN);
  #cell = new Float32Array(HIDDEN);
  #gates = new Float32Array(GATES);

  /** @param {Float32Array} weights in the order that `build.py` lists */
  constructor(weights) {
    let at = 0;
    const next = (count) => weights.subarray(at, at += count);
    this.#layers = LAYERS.map((shape) => new Convolution(
      shape, next(shape.outs * shape.ins * TAPS), next(shape.outs),
    ));
    this.#lstm = {
      fromInput: next(GATES * HIDDEN), fromHidden: next(GATES * HIDDEN),
      bias: next(GATES), hiddenBias: next(GATES),
    };
    this.#output = {weight: next(HIDDEN), bias: next(1)[0]};
  }

  /**
   * @param {Float32Array} window 512 samples at 16 kHz, full scale 1
   * @returns {number} probability of speech, 0 to 1
   */
  probability(window) {
    const input = this.#input;
    const end = CONTEXT + WINDOW;
    input.set(window, CONTEXT);
    // The right edge is padded by reflection.
    for (let i = 0; i < CONTEXT; i++) input[end + i] = input[end - 2 - i];
    let features = this.#spectra.of(input);
    for (const layer of this.#layers) features = layer.of(features);
    input.copyWithin(0, WINDOW, end);
    return this.#decide(features);
  }

  /** Forget everything that was heard. */
  reset() {
    this.#hidden.fill(0);
    this.#cell.fill(0);
    this.#input.fill(0);
  }

  /** The LSTM and the output unit. */
  #decide(features) {
    const {fromInput, fromHidden, bias, hiddenBias} = this.#lstm;
    const gates = this.#gates;
    const [hidden, cell] = [this.#hidden, this.#cell];
    for (let g = 0; g < GATES; g++) {
      gates[g] = bias[g] + hiddenBias[g]
        + dot(fromInput, g * HIDDEN, features) + dot(fromHidden, g * HIDDEN, hidden);
    }
    let sum = this.#output.bias;
    for (let i = 0; i < HIDDEN; i++) {
      cell[i] = sigmoid(gates[HIDDEN + i]) * cell[i]
        + sigmoid(gates[i]) * Math.tanh(gates[2 * HIDDEN + i]);
      hidden[i] = sigmoid(gates[3 * HIDDEN + i]) * Math.tanh(cell[i]);
      if (hidden[i] > 0) sum += this.#output.weight[i] * hidden[i];
    }
    return sigmoid(sum);
  }
}

/** A convolution over 3 steps of time, with one step of zeros at either end, then ReLU. */
class Convolution {
  #shape;
  #weight;
  #bias;
  #column;
  #output;

  constructor(shape, weight, bias) {
    const {steps, ins, outs, stride} = shape;
    this.#shape = shape;
    this.#weight = weight;
    this.#bias = bias;
    this.#column = new Float32Array(ins * TAPS);
    this.#output = new Float32Array(Math.ceil(steps / stride) * outs);
  }

  /** @param {Float32Array} input [step][channel]; the output likewise, used again */
  of(input) {
    const {steps, outs, ins, stride} = this.#shape;
    for (let step = 0, row = 0; step < steps; step += stride, row += outs) {
      this.#gather(input, step - 1);
      for (let o = 0; o < outs; o++) {
        const sum = this.#bias[o] + dot(this.#weight, o * ins * TAPS, this.#column);
        this.#output[row + o] = sum > 0 ? sum : 0;
      }
    }
    return this.#output;
  }

  /** What one output sees, as its weights lie: [channel][tap]. */
  #gather(input, first) {
    const {steps, ins} = this.#shape;
    for (let tap = 0; tap < TAPS; tap++) {
      const step = first + tap;
      const isInside = step >= 0 && step < steps;
      for (let i = 0; i < ins; i++) {
        this.#column[i * TAPS + tap] = isInside ? input[step * ins + i] : 0;
      }
    }
  }
}

/** Four sums at once: a single one would wait for each addition to end. */
function dot(weights, at, values) {
  const whole = values.length & ~3;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < whole; i += 4) {
    a += weights[at + i] * values[i];
    b += weights[at + i + 1] * values[i + 1];
    c += weights[at + i + 2] * values[i + 2];
    d += weights[at + i + 3] * values[i + 3];
  }
  for (let i = whole; i < values.length; i++) a += weights[at + i] * values[i];
  return a + b + c + d;
}

function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}

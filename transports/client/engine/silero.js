/**
 * Silero VAD: hears one window after another, keeps its state inside.
 *
 * As WebAssembly with SIMD where the browser has it (Chromium 91, Firefox 89, Safari 16.4) and
 * the page's policy allows it, else in plain JavaScript (`silero_plain.js`), which scores the
 * same. Synchronous, so that it can run within one render quantum. `silero.c` says how it
 * computes, `build.py` where the weights come from.
 */

import {PlainSilero} from './silero_plain.js';
import {unpackWeights} from './weights.js';

/** What the model scores at once: 32 ms at 16 kHz. */
export const WINDOW_SAMPLES = 512;
export const MICROPHONE_RATE_HZ = 16_000;

/**
 * @param {BufferSource} code content of `silero.wasm`
 * @param {ArrayBuffer} packed content of `silero16k.f24`
 * @returns {{kind: 'wasm'|'plain', probability: (window: Float32Array) => number,
 *   reset: () => void}}
 */
export function openSilero(code, packed) {
  const weights = unpackWeights(packed);
  try {
    return new WasmSilero(code, weights);
  } catch (error) {
    // No WebAssembly (a ReferenceError), no SIMD, or a policy that forbids it (CompileErrors).
    const isMissing = typeof WebAssembly === 'undefined'
      || error instanceof WebAssembly.CompileError;
    if (!isMissing) throw error;
    return new PlainSilero(weights);
  }
}

export class WasmSilero {
  kind = 'wasm';
  #wasm;
  #window;

  /**
   * @param {BufferSource} code content of `silero.wasm`
   * @param {Float32Array} weights
   * @throws {WebAssembly.CompileError} where SIMD is missing
   */
  constructor(code, weights) {
    const {exp, tanh, cos, sin} = Math;
    // Compiled synchronously: worklets may, and 20 KB take a few ms.
    const module = new WebAssembly.Module(code);
    this.#wasm = new WebAssembly.Instance(module, {math: {exp, tanh, cos, sin}}).exports;
    const memory = this.#wasm.memory.buffer;
    const count = this.#wasm.weights_count();
    if (weights.length !== count) {
      throw new Error(
        `silero.wasm expects ${count} weights, there are ${weights.length};`
        + ' build.py makes both files, and they belong together',
      );
    }
    new Float32Array(memory, this.#wasm.weights_address(), count).set(weights);
    this.#wasm.prepare();
    this.#window = new Float32Array(memory, this.#wasm.window_address(), WINDOW_SAMPLES);
  }

  /**
   * @param {Float32Array} window 512 samples at 16 kHz, full scale 1
   * @returns {number} probability of speech, 0 to 1
   */
  probability(window) {
    this.#window.set(window);
    return this.#wasm.probability();
  }

  /** Forget everything that was heard. */
  reset() {
    this.#wasm.reset();
  }
}

/**
 * Silero VAD as WebAssembly: hears one window after another, keeps its state inside.
 *
 * Synchronous, so that it can run within one render quantum. `silero.c` says how it computes,
 * `build.py` where the weights come from. Needs WebAssembly SIMD (Chromium 91, Firefox 89,
 * Safari 16.4).
 */

/** What the model scores at once: 32 ms at 16 kHz. */
export const WINDOW_SAMPLES = 512;
export const MICROPHONE_RATE_HZ = 16_000;

export class Silero {
  #wasm;
  #window;

  /**
   * @param {BufferSource} code content of `silero.wasm`
   * @param {ArrayBuffer} weights content of `silero16k.f32`
   * @throws {WebAssembly.CompileError} where SIMD is missing
   */
  constructor(code, weights) {
    const {exp, tanh, cos, sin} = Math;
    // Compiled synchronously: worklets may, and 20 KB take a few ms.
    const module = new WebAssembly.Module(code);
    this.#wasm = new WebAssembly.Instance(module, {math: {exp, tanh, cos, sin}}).exports;
    const memory = this.#wasm.memory.buffer;
    const count = this.#wasm.weights_count();
    if (weights.byteLength !== count * Float32Array.BYTES_PER_ELEMENT) {
      throw new Error(
        `silero16k.f32 has ${weights.byteLength} bytes, silero.wasm expects ${count} floats;`
        + ' both are made by build.py and belong together',
      );
    }
    new Float32Array(memory, this.#wasm.weights_address(), count).set(new Float32Array(weights));
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

/** Unpacks the model's weights: 24 bits each, as `build.py` packs them. */

/** Floats in `silero16k.f24`. */
const WEIGHTS = 243_585;
const PLANES = 3;

/**
 * @param {ArrayBuffer} packed all lowest bytes, then all middle ones, then all highest
 * @returns {Float32Array} in the order that `build.py` lists
 */
export function unpackWeights(packed) {
  if (packed.byteLength !== PLANES * WEIGHTS) {
    throw new Error(
      `silero16k.f24 has ${packed.byteLength} bytes, expected are ${PLANES * WEIGHTS};`
      + ' build.py makes it, and it belongs to silero.wasm',
    );
  }
  const bytes = new Uint8Array(packed);
  const bits = new Uint32Array(WEIGHTS);
  for (let i = 0; i < WEIGHTS; i++) {
    bits[i] = (bytes[i] << 8) | (bytes[WEIGHTS + i] << 16) | (bytes[2 * WEIGHTS + i] << 24);
  }
  return new Float32Array(bits.buffer);
}

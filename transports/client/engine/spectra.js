/** Magnitudes of the 4 overlapping spectra of a window, as Silero sees it. */

const FFT = 256;
const HOP = 128;
const BINS = FFT / 2 + 1;
const SPECTRA = 4;

export class Spectra {
  #hann = new Float32Array(FFT);
  #cosine = new Float32Array(FFT / 2);
  #sine = new Float32Array(FFT / 2);
  #reversed = new Uint8Array(FFT);
  #re = new Float64Array(FFT);
  #im = new Float64Array(FFT);
  #magnitudes = new Float32Array(SPECTRA * BINS);

  constructor() {
    const turn = (2 * Math.PI) / FFT;
    for (let i = 0; i < FFT; i++) {
      this.#hann[i] = 0.5 - 0.5 * Math.cos(turn * i);
      for (let bit = 0; bit < 8; bit++) if (i & (1 << bit)) this.#reversed[i] |= 128 >> bit;
    }
    for (let i = 0; i < FFT / 2; i++) {
      this.#cosine[i] = Math.cos(turn * i);
      this.#sine[i] = -Math.sin(turn * i);
    }
  }

  /**
   * @param {Float32Array} input 640 samples
   * @returns {Float32Array} [spectrum][bin], 4 of 129; used again for the next window
   */
  of(input) {
    for (let spectrum = 0; spectrum < SPECTRA; spectrum++) {
      this.#load(input, spectrum * HOP);
      this.#transform();
      for (let bin = 0; bin < BINS; bin++) {
        const re = this.#re[bin];
        const im = this.#im[bin];
        this.#magnitudes[spectrum * BINS + bin] = Math.sqrt(re * re + im * im);
      }
    }
    return this.#magnitudes;
  }

  #load(input, from) {
    for (let i = 0; i < FFT; i++) {
      const at = this.#reversed[i];
      this.#re[i] = input[from + at] * this.#hann[at];
    }
    this.#im.fill(0);
  }

  #transform() {
    const re = this.#re;
    const im = this.#im;
    const cosine = this.#cosine;
    const sine = this.#sine;
    for (let half = 1, stride = FFT / 2; half < FFT; half *= 2, stride /= 2) {
      for (let block = 0; block < FFT; block += 2 * half) {
        for (let k = 0; k < half; k++) {
          const a = block + k;
          const b = a + half;
          const c = cosine[k * stride];
          const s = sine[k * stride];
          const turnedRe = re[b] * c - im[b] * s;
          const turnedIm = re[b] * s + im[b] * c;
          re[b] = re[a] - turnedRe;
          im[b] = im[a] - turnedIm;
          re[a] += turnedRe;
          im[a] += turnedIm;
        }
      }
    }
  }
}

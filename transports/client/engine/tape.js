/** What went to the loudspeaker, sample by sample, with marks; for tests. */

const MOST_SECONDS = 120;

export class Tape {
  #blocks = [];
  #samples = 0;
  #startFrame = null;
  #marks = [];
  #rateHz;

  constructor(rateHz) {
    this.#rateHz = rateHz;
  }

  /** Keep one render quantum; beyond 120 s nothing is kept any more. */
  add(output, frame) {
    this.#startFrame ??= frame;
    // Before it is connected a worklet is not asked for every quantum.
    const skipped = frame - this.#startFrame - this.#samples;
    if (skipped > 0) this.#keep(new Float32Array(skipped));
    this.#keep(output.slice());
  }

  #keep(block) {
    if (this.#full) return;
    this.#blocks.push(block);
    this.#samples += block.length;
  }

  /** Note what happened at an output frame. */
  mark(mark, frame, detail = {}) {
    if (!this.#full) this.#marks.push({mark, frame, ...detail});
  }

  take() {
    const samples = new Float32Array(this.#samples);
    let at = 0;
    for (const block of this.#blocks) {
      samples.set(block, at);
      at += block.length;
    }
    const marks = this.#marks.map((mark) => ({...mark}));
    return {sampleRate: this.#rateHz, startFrame: this.#startFrame ?? 0, samples, marks};
  }

  get #full() {
    return this.#samples >= MOST_SECONDS * this.#rateHz;
  }
}

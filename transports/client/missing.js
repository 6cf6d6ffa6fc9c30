/** Which of the bot's audio did not come, where packets are datagrams: asked for as soon as seen. */

import {HEADER_BYTES, KIND_BOT} from './engine/packet.js';

const KIND_MISSING = 3;
const BYTES_PER_SAMPLE = 2;
const COUNT_BYTES = 4;
const U32 = 2 ** 32;

export class Missing {
  #epoch = 0;
  #utterance = 0;
  /** All before this sample came, or was asked for. */
  #end = 0;

  /**
   * A packet has come; those before it that did not may only be late, but asking costs little.
   * @param {ArrayBuffer} buffer
   * @returns {ArrayBuffer|null} the question for what is missing before it, if anything is
   */
  take(buffer) {
    const view = new DataView(buffer);
    if (buffer.byteLength < HEADER_BYTES || view.getUint8(0) !== KIND_BOT) return null;
    const epoch = view.getUint32(4, true);
    const utterance = view.getUint32(8, true);
    const start = view.getUint32(12, true) + view.getUint32(16, true) * U32;
    const end = start + Math.floor((buffer.byteLength - HEADER_BYTES) / BYTES_PER_SAMPLE);
    if (epoch < this.#epoch || (epoch === this.#epoch && utterance < this.#utterance)) return null;
    // A further utterance is sent from its first sample on; one that a verdict cut goes on anywhere.
    if (utterance > this.#utterance) this.#begin(epoch, utterance, 0);
    else if (epoch !== this.#epoch) this.#begin(epoch, utterance, start);
    const from = this.#end;
    this.#end = Math.max(from, end);
    return start > from ? question(epoch, utterance, from, start - from) : null;
  }

  #begin(epoch, utterance, end) {
    this.#epoch = epoch;
    this.#utterance = utterance;
    this.#end = end;
  }
}

function question(epoch, utterance, start, count) {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + COUNT_BYTES));
  view.setUint8(0, KIND_MISSING);
  view.setUint32(4, epoch, true);
  view.setUint32(8, utterance, true);
  view.setUint32(12, start % U32, true);
  view.setUint32(16, Math.floor(start / U32), true);
  view.setUint32(HEADER_BYTES, count, true);
  return view.buffer;
}

/**
 * Which of the bot's audio may play: only that of the current epoch.
 *
 * Audio of an older epoch was flushed and must never sound. Audio of a newer one has
 * overtaken its verdict, and is kept until the verdict comes.
 */

/** How much audio is kept ahead of its verdict. */
const KEPT_MS = 2000;

export class Admission {
  #kept = [];
  #keptSamples = 0;
  #mostSamples;

  /**
   * @param {number} epoch
   * @param {number} botRateHz
   */
  constructor(epoch, botRateHz) {
    this.epoch = epoch;
    this.#mostSamples = (KEPT_MS * botRateHz) / 1000;
  }

  /**
   * @param {import('./packet.js').Packet} packet
   * @returns {boolean} whether it plays now; else it was kept or refused
   */
  admits(packet) {
    const samples = packet.samples.length;
    if (packet.epoch > this.epoch && this.#keptSamples + samples <= this.#mostSamples) {
      this.#kept.push(packet);
      this.#keptSamples += samples;
    }
    return packet.epoch === this.epoch;
  }

  /**
   * A verdict has come.
   * @returns {import('./packet.js').Packet[]} what was kept for this epoch, in order
   */
  advance(epoch) {
    this.epoch = epoch;
    const released = this.#kept.filter((packet) => packet.epoch === epoch);
    this.#kept = this.#kept.filter((packet) => packet.epoch > epoch);
    this.#keptSamples = this.#kept.reduce((sum, packet) => sum + packet.samples.length, 0);
    return released;
  }
}

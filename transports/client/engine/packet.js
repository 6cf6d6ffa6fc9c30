/** The binary audio packet of `bargein/1`: a 20-byte little-endian header, then PCM16 mono. */

export const KIND_BOT = 1;
export const KIND_MICROPHONE = 2;
export const FLAG_LAST = 1;
export const HEADER_BYTES = 20;
const BYTES_PER_SAMPLE = 2;
const PCM16_SCALE = 32768;
const U32 = 2 ** 32;

/**
 * One stretch of audio. `startSample` counts within the utterance for the bot's voice, and
 * since the microphone opened for the user's.
 * @typedef {{kind: number, last: boolean, epoch: number, utterance: number,
 *   startSample: number, samples: Float32Array}} Packet
 */

/**
 * @param {ArrayBuffer} buffer what came over the wire
 * @returns {Packet|null} null where it is no packet of the bot's voice
 */
export function readBotPacket(buffer) {
  if (buffer.byteLength < HEADER_BYTES) return null;
  const view = new DataView(buffer);
  if (view.getUint8(0) !== KIND_BOT) return null;
  return {
    kind: KIND_BOT,
    last: (view.getUint8(1) & FLAG_LAST) !== 0,
    epoch: view.getUint32(4, true),
    utterance: view.getUint32(8, true),
    startSample: view.getUint32(12, true) + view.getUint32(16, true) * U32,
    samples: readPcm(view, HEADER_BYTES),
  };
}

/**
 * @param {{epoch: number, startSample: number, pcm: Int16Array}} stretch of the microphone
 * @returns {ArrayBuffer}
 */
export function writeMicrophonePacket({epoch, startSample, pcm}) {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + pcm.length * BYTES_PER_SAMPLE));
  view.setUint8(0, KIND_MICROPHONE);
  view.setUint32(4, epoch, true);
  view.setUint32(12, startSample % U32, true);
  view.setUint32(16, Math.floor(startSample / U32), true);
  for (let i = 0; i < pcm.length; i++) {
    view.setInt16(HEADER_BYTES + i * BYTES_PER_SAMPLE, pcm[i], true);
  }
  return view.buffer;
}

/** The whole number nearest to a sample of full scale 1, as PCM16. */
export function toPcm16(sample) {
  return Math.max(-PCM16_SCALE, Math.min(PCM16_SCALE - 1, Math.round(sample * PCM16_SCALE)));
}

/** The inverse of `toPcm16`; the server divides by the same number. */
export function fromPcm16(value) {
  return value / PCM16_SCALE;
}

function readPcm(view, offset) {
  const samples = new Float32Array(Math.floor((view.byteLength - offset) / BYTES_PER_SAMPLE));
  for (let i = 0; i < samples.length; i++) {
    samples[i] = fromPcm16(view.getInt16(offset + i * BYTES_PER_SAMPLE, true));
  }
  return samples;
}

/** An engine without audio hardware: the test says when the VAD hears a voice, and runs time. */

import {Engine} from '/engine/engine.js';
import {FLAG_LAST, HEADER_BYTES, KIND_BOT} from '/engine/packet.js';

const QUANTUM_SAMPLES = 128;

export class Rig {
  constructor({rateHz, botRateHz, overlap, resume}) {
    this.rateHz = rateHz;
    this.voice = 0;
    this.frame = 0;
    this.log = [];
    const vad = {probability: () => this.voice, reset: () => {}};
    this.engine = new Engine(
      {rateHz, botRateHz, overlap, vad, resume, epoch: 1, threshold: 0.65, record: true},
    );
  }

  run(ms) {
    const end = this.frame + (ms * this.rateHz) / 1000;
    const input = new Float32Array(QUANTUM_SAMPLES);
    const output = new Float32Array(QUANTUM_SAMPLES);
    for (; this.frame < end; this.frame += QUANTUM_SAMPLES) {
      this.engine.quantum(input, output, this.frame);
      this.collect();
    }
  }

  /** `pcm` as numbers; the packet is built here, not by the code under test. */
  packet(epoch, utterance, startSample, pcm, last) {
    const view = new DataView(new ArrayBuffer(HEADER_BYTES + 2 * pcm.length));
    view.setUint8(0, KIND_BOT);
    view.setUint8(1, last ? FLAG_LAST : 0);
    view.setUint32(4, epoch, true);
    view.setUint32(8, utterance, true);
    view.setBigUint64(12, BigInt(startSample), true);
    pcm.forEach((value, i) => view.setInt16(HEADER_BYTES + 2 * i, value, true));
    this.engine.receivePacket(view.buffer);
    this.collect();
  }

  message(message) {
    this.engine.receiveMessage(message);
    this.collect();
  }

  collect() {
    for (const {kind, message, name, detail} of this.engine.outbox.splice(0)) {
      const ms = (this.frame * 1000) / this.rateHz;
      if (kind === 'message') this.log.push({ms, type: message.type, ...message});
      if (kind === 'event' && name !== 'levels') this.log.push({ms, type: name, ...detail});
    }
  }

  tape() {
    const {samples, ...rest} = this.engine.tape;
    const bytes = new Uint8Array(samples.buffer);
    let text = '';
    for (let i = 0; i < bytes.length; i += 4096) {
      text += String.fromCharCode(...bytes.subarray(i, i + 4096));
    }
    return {...rest, samples: btoa(text)};
  }
}

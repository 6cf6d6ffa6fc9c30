/** An engine without audio hardware: the test says when the VAD hears a voice, and runs time. */

import {Engine} from '/engine/engine.js';
import {FLAG_LAST, HEADER_BYTES, KIND_BOT} from '/engine/packet.js';

const QUANTUM_SAMPLES = 128;
/** The microphone's noise where a test asks for it, at full scale 1. */
const HISS = 0.001;

export class Rig {
  constructor({rateHz, botRateHz, hiss = false, ...options}) {
    this.rateHz = rateHz;
    this.voice = 0;
    this.frame = 0;
    this.log = [];
    this.windows = [];
    this.hiss = hiss ? HISS : 0;
    const vad = {probability: () => this.voice, reset: () => {}};
    this.engine = new Engine(
      {rateHz, botRateHz, vad, threshold: 0.65, ...options, epoch: 1, record: true},
    );
  }

  run(ms) {
    const end = this.frame + (ms * this.rateHz) / 1000;
    const input = new Float32Array(QUANTUM_SAMPLES);
    const output = new Float32Array(QUANTUM_SAMPLES);
    for (; this.frame < end; this.frame += QUANTUM_SAMPLES) {
      if (this.hiss > 0) input.forEach((_, i) => { input[i] = this.hiss * Math.random(); });
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

  /** A packet as it travels, in base64. */
  receive(packet) {
    this.engine.receivePacket(Uint8Array.from(atob(packet), (c) => c.charCodeAt(0)).buffer);
    this.collect();
  }

  message(message) {
    this.engine.receiveMessage(message);
    this.collect();
  }

  collect() {
    for (const {kind, message, name, detail, buffer} of this.engine.outbox.splice(0)) {
      const ms = (this.frame * 1000) / this.rateHz;
      if (kind === 'packet') this.windows.push({ms, voice: this.voice, packet: toBase64(buffer)});
      if (kind === 'message') this.log.push({ms, type: message.type, ...message});
      if (kind === 'event' && name !== 'levels') this.log.push({ms, type: name, ...detail});
    }
  }

  tape() {
    const {samples, ...rest} = this.engine.tape;
    return {...rest, samples: toBase64(samples.buffer)};
  }

  /** Run a script of calls of the rig's methods; gives all that came of it. */
  play(script) {
    for (const [method, ...given] of script) this[method](...given);
    return {log: this.log, windows: this.windows, tape: this.tape()};
  }

  hear(voice) {
    this.voice = voice;
  }

  call(method, ...given) {
    this.engine[method](...given);
    this.collect();
  }
}

function toBase64(buffer) {
  const bytes = new Uint8Array(buffer);
  let text = '';
  for (let i = 0; i < bytes.length; i += 4096) {
    text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  }
  return btoa(text);
}

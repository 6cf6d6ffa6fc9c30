/** The AudioWorkletProcessor around the engine: carries audio and messages, decides nothing. */

import {Engine} from './engine.js';
import {openSilero} from './silero.js';

class BargeinProcessor extends AudioWorkletProcessor {
  #engine;
  #silence = new Float32Array(128);
  #heardMicrophone = false;
  #open = true;

  constructor({processorOptions}) {
    super();
    const {code, weights, ...options} = processorOptions;
    const vad = openSilero(code, weights);
    this.#engine = new Engine({...options, rateHz: sampleRate, vad});
    this.port.onmessage = ({data}) => this.#receive(data);
    this.port.postMessage({ready: true, vad: vad.kind});
  }

  process([input], [output]) {
    const speaker = output[0];
    // Before the microphone is connected, and when its device is gone, there is no channel.
    this.#heardMicrophone ||= input.length > 0;
    const microphone = input[0] ?? (this.#heardMicrophone ? this.#silenceOf(speaker) : NOTHING);
    this.#engine.quantum(microphone, speaker, currentFrame);
    for (let channel = 1; channel < output.length; channel++) output[channel].set(speaker);
    this.#post();
    return this.#open;
  }

  #receive(order) {
    const engine = this.#engine;
    switch (order.order) {
      case 'packet': engine.receivePacket(order.buffer); break;
      case 'message': engine.receiveMessage(order.message); break;
      case 'set': engine.set(order.settings); break;
      case 'lose': engine.loseConnection(); break;
      case 'report': engine.report(); break;
      case 'close': this.#open = false; break;
      case 'ask': this.port.postMessage({answer: engine[order.what], id: order.id}); break;
    }
    this.#post();
  }

  #post() {
    if (this.#engine.outbox.length === 0) return;
    const outgoing = this.#engine.outbox;
    this.#engine.outbox = [];
    const buffers = outgoing.filter(({kind}) => kind === 'packet').map(({buffer}) => buffer);
    this.port.postMessage({outgoing}, buffers);
  }

  #silenceOf({length}) {
    if (this.#silence.length !== length) this.#silence = new Float32Array(length);
    return this.#silence;
  }
}

const NOTHING = new Float32Array(0);

registerProcessor('bargein', BargeinProcessor);

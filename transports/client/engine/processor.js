/** The AudioWorkletProcessor around the engine: carries audio and messages, decides nothing. */

import {Engine} from './engine.js';
import {openSilero} from './silero.js';

const NOTHING = new Float32Array(0);

/** To be extended where the bot's voice comes by another way than in packets. */
export class EngineProcessor extends AudioWorkletProcessor {
  engine;
  #silence = new Float32Array(128);
  #heardMicrophone = false;
  #open = true;

  /**
   * @param {object} node what a worklet's constructor is given
   * @param {object} more options of the engine
   */
  constructor({processorOptions}, more = {}) {
    super();
    const {code, weights, ...options} = processorOptions;
    const vad = openSilero(code, weights);
    this.engine = new Engine({...options, ...more, rateHz: sampleRate, vad});
    this.port.onmessage = ({data}) => {
      this.take(data);
      this.#post();
    };
    this.port.postMessage({ready: true, vad: vad.kind});
  }

  process([microphone], [output]) {
    const speaker = output[0];
    // Before the microphone is connected, and when its device is gone, there is no channel.
    this.#heardMicrophone ||= microphone.length > 0;
    const silence = this.#heardMicrophone ? this.silenceOf(speaker) : NOTHING;
    this.engine.quantum(microphone[0] ?? silence, speaker, currentFrame);
    for (let channel = 1; channel < output.length; channel++) output[channel].set(speaker);
    this.#post();
    return this.#open;
  }

  /** @param {{order: string}} order of the page's */
  take(order) {
    const {engine} = this;
    switch (order.order) {
      case 'packet': engine.receivePacket(order.buffer); break;
      case 'message': engine.receiveMessage(order.message); break;
      case 'set': engine.set(order.settings); break;
      case 'lose': engine.loseConnection(); break;
      case 'stand': engine.stand(); break;
      case 'takeUp': engine.takeUp(order.from); break;
      case 'report': engine.report(); break;
      case 'close': this.#open = false; break;
      case 'ask': this.port.postMessage({answer: engine[order.what], id: order.id}); break;
    }
  }

  /** Whether this goes to the page. */
  posts(_telling) {
    return true;
  }

  silenceOf({length}) {
    if (this.#silence.length !== length) this.#silence = new Float32Array(length);
    return this.#silence;
  }

  #post() {
    if (this.engine.outbox.length === 0) return;
    const outgoing = this.engine.outbox.filter((telling) => this.posts(telling));
    this.engine.outbox = [];
    const buffers = outgoing.filter(({kind}) => kind === 'packet').map(({buffer}) => buffer);
    if (outgoing.length > 0) this.port.postMessage({outgoing}, buffers);
  }
}

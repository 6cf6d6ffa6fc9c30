/** The engine around a track: the microphone is the first input, the bot's track the second. */

import {Engine} from '../engine/engine.js';
import {openSilero} from '../engine/silero.js';
import {TrackPlayer} from './track_player.js';

const VERDICTS = new Set(['bargein/accepted', 'bargein/rejected']);
const NOTHING = new Float32Array(0);

class BargeinTrackProcessor extends AudioWorkletProcessor {
  #engine;
  #player;
  #silence = new Float32Array(128);
  #heardMicrophone = false;
  #open = true;

  constructor({processorOptions}) {
    super();
    const {code, weights, ...options} = processorOptions;
    const vad = openSilero(code, weights);
    const makePlayer = (...args) => {
      this.#player = new TrackPlayer(...args, options.epoch);
      return this.#player;
    };
    this.#engine = new Engine({...options, makePlayer, rateHz: sampleRate, vad});
    this.port.onmessage = ({data}) => this.#receive(data);
    this.port.postMessage({ready: true, vad: vad.kind});
  }

  process([microphone, track], [output]) {
    const speaker = output[0];
    this.#heardMicrophone ||= microphone.length > 0;
    const silence = this.#silenceOf(speaker);
    this.#player.hear(track[0] ?? silence, currentFrame);
    const heard = microphone[0] ?? (this.#heardMicrophone ? silence : NOTHING);
    this.#engine.quantum(heard, speaker, currentFrame);
    for (let channel = 1; channel < output.length; channel++) output[channel].set(speaker);
    this.#post();
    return this.#open;
  }

  #receive(order) {
    const engine = this.#engine;
    switch (order.order) {
      case 'message': this.#hear(order.message); break;
      case 'set': engine.set(order.settings); break;
      case 'lose': engine.loseConnection(); break;
      case 'report': engine.report(); break;
      case 'close': this.#open = false; break;
      case 'ask': this.port.postMessage({answer: engine[order.what], id: order.id}); break;
    }
    this.#post();
  }

  #hear(message) {
    if (message.type === 'bargein/mark') this.#player.mark(message);
    this.#engine.receiveMessage(message);
    if (VERDICTS.has(message.type)) this.#player.advance(message.epoch);
  }

  /** The microphone travels as Daily's own track: its packets stay here. */
  #post() {
    const outgoing = this.#engine.outbox.filter(({kind}) => kind !== 'packet');
    this.#engine.outbox = [];
    if (outgoing.length > 0) this.port.postMessage({outgoing});
  }

  #silenceOf({length}) {
    if (this.#silence.length !== length) this.#silence = new Float32Array(length);
    return this.#silence;
  }
}

registerProcessor('bargein-track', BargeinTrackProcessor);

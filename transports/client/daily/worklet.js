/** The engine around a track: the microphone is the first input, the bot's track the second. */

import {EngineProcessor} from '../engine/processor.js';
import {TrackPlayer} from './track_player.js';

const VERDICTS = new Set(['bargein/accepted', 'bargein/rejected']);

class BargeinTrackProcessor extends EngineProcessor {
  #player;

  constructor(node) {
    let player;
    const makePlayer = (...args) => {
      player = new TrackPlayer(...args, node.processorOptions.epoch);
      return player;
    };
    super(node, {makePlayer});
    this.#player = player;
  }

  process(inputs, outputs) {
    this.#player.hear(inputs[1][0] ?? this.silenceOf(outputs[0][0]), currentFrame);
    return super.process(inputs, outputs);
  }

  take(order) {
    if (order.order !== 'message') return super.take(order);
    const {message} = order;
    if (message.type === 'bargein/mark') this.#player.mark(message);
    super.take(order);
    if (VERDICTS.has(message.type)) this.#player.advance(message.epoch);
  }

  /** The microphone travels as Daily's own track: its packets stay here. */
  posts({kind}) {
    return kind !== 'packet';
  }
}

registerProcessor('bargein-track', BargeinTrackProcessor);

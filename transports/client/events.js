/** What the page is told of each message of the server's. */

import {readPong} from './heartbeat.js';

const TELLING = {
  state: ({state}) => [['floor', {state}]],
  contested: () => [['floor', {state: 'contested'}]],
  accepted: () => [['floor', {state: 'listening'}]],
  rejected: () => [['floor', {state: 'speaking'}]],
  ignored: ({state}) => [['floor', {state}]],
  words: ({utterance, first_word: first, words}) =>
    [['words', {utterance, first, words: words.map(readWord)}]],
  transcript: ({text, final}) => [['transcript', {text, final}]],
  pong: (message, nowMs) => [
    ['rtt', readPong(message, nowMs)],
    ...(message.state ? [['floor', {state: message.state}]] : []),
  ],
  vad_settings: ({
    probability_threshold: threshold, noise_floor_db: noiseFloorDb, gate_db: gateDb,
    echo_gate_db: echoGateDb, why,
  }) => [['vadsettings', {threshold, noiseFloorDb, gateDb, echoGateDb, why}]],
  latency: ({turn, total_ms: totalMs, stages, speculated, saved_ms: savedMs, predictions, confirmed}) => [
    ['latency', {
      turn, totalMs, speculated, savedMs, predictions, confirmed,
      stages: stages.map(({stage, added_ms: ms}) => ({stage, ms})),
    }],
  ],
  // A final one closes the connection, which is told with it.
  error: ({code, message, final}) => (final ? [] : [['warning', {code, message}]]),
};

/**
 * @param {string} name of the message, without its prefix
 * @param {object} message
 * @param {number} nowMs
 * @returns {[string, object][]} events, each with its detail
 */
export function eventsOf(name, message, nowMs) {
  return Object.hasOwn(TELLING, name) ? TELLING[name](message, nowMs) : [];
}

function readWord({text, start_sample: start, end_sample: end, estimate}) {
  return {text, start, end, estimate};
}

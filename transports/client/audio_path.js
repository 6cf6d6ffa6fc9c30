/** Microphone and loudspeaker: opens them, and runs the engine's worklet between them. */

import {audioBlocked, ClientError, deviceGone, insecurePage, microphoneError, noWorklet}
  from './client_error.js';
import {bounded} from './waiting.js';

const READY_BOUND_MS = 10_000;
const ANSWER_BOUND_MS = 5000;

const MICROPHONE = {
  audio: {
    echoCancellation: true,
    // It would mistake a quiet voice for noise, and the VAD copes without.
    noiseSuppression: false,
    autoGainControl: true,
    channelCount: 1,
  },
};

/** @throws {ClientError} where this page can never use a microphone or run the engine */
export function requireAudio() {
  if (!globalThis.isSecureContext || navigator.mediaDevices === undefined) throw insecurePage();
  if (globalThis.AudioWorkletNode === undefined) throw noWorklet('it has no AudioWorklet.');
}

/** @returns {Promise<MediaStream>} */
export async function openMicrophone() {
  try {
    return await navigator.mediaDevices.getUserMedia(MICROPHONE);
  } catch (error) {
    throw microphoneError(error);
  }
}

/** Fetch the VAD's code and weights. */
export async function fetchVad() {
  const [code, weights] = await Promise.all(
    ['engine/silero.wasm', 'engine/silero16k.f24'].map(fetchBeside),
  );
  return {code, weights};
}

async function fetchBeside(path) {
  const url = new URL(path, import.meta.url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}

export class AudioPath {
  /** @type {'wasm'|'plain'} how the VAD runs */
  vad = 'wasm';
  #context;
  #node;
  #stream;
  #questions = new Map();
  #lastQuestion = 0;
  #handlers;

  /**
   * Open context and worklet; the microphone's stream then belongs to the path.
   * @param {MediaStream} stream
   * @param {number} botRateHz the context runs at it where the browser can
   * @param {object} options of the engine, and the VAD's `code` and `weights`
   * @param {{outgoing: (list: import('./engine/engine.js').Outgoing[]) => void,
   *   failed: (error: ClientError) => void}} handlers
   */
  static async open(stream, botRateHz, options, handlers) {
    const path = new AudioPath();
    path.#stream = stream;
    path.#handlers = handlers;
    try {
      const source = path.#openContext(botRateHz);
      await bounded(path.#context.resume(), ANSWER_BOUND_MS, audioBlocked);
      await path.#startWorklet({botRateHz, ...options});
      source.connect(path.#node).connect(path.#context.destination);
    } catch (error) {
      await path.close();
      throw error;
    }
    return path;
  }

  #openContext(botRateHz) {
    const latencyHint = 'interactive';
    try {
      this.#context = new AudioContext({latencyHint, sampleRate: botRateHz});
      return this.#context.createMediaStreamSource(this.#stream);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      // Firefox takes a microphone only at the device's own rate.
      void this.#context?.close();
      this.#context = new AudioContext({latencyHint});
      return this.#context.createMediaStreamSource(this.#stream);
    }
  }

  async #startWorklet(processorOptions) {
    let ready;
    const isReady = new Promise((resolve, reject) => { ready = {resolve, reject}; });
    try {
      await this.#context.audioWorklet.addModule(new URL('engine/worklet.js', import.meta.url));
      this.#node = new AudioWorkletNode(this.#context, 'bargein', {
        numberOfInputs: 1,
        numberOfOutputs: 1,
        outputChannelCount: [1],
        channelCount: 1,
        channelCountMode: 'explicit',
        processorOptions,
      });
    } catch (error) {
      throw noWorklet(error.message);
    }
    this.#node.onprocessorerror = () => {
      const error = noWorklet('the audio worklet failed; the console says why.');
      ready.reject(error);
      this.#handlers.failed(error);
    };
    this.#node.port.onmessage = ({data}) => {
      if (data.ready) {
        this.vad = data.vad;
        ready.resolve();
      }
      else if (data.outgoing) this.#handlers.outgoing(data.outgoing);
      else this.#answer(data);
    };
    const tooLate = () => noWorklet('the audio worklet does not start.');
    await bounded(isReady, READY_BOUND_MS, tooLate);
    for (const track of this.#stream.getTracks()) {
      track.onended = () => this.#handlers.failed(deviceGone());
    }
  }

  /** Hand the engine a packet, a message or a setting; in order. */
  order(order, transfer = []) {
    this.#node.port.postMessage(order, transfer);
  }

  /** Ask the engine for one of its properties; null where the path is closed meanwhile. */
  ask(what) {
    const id = ++this.#lastQuestion;
    const answered = new Promise((resolve) => { this.#questions.set(id, resolve); });
    this.order({order: 'ask', what, id});
    return bounded(answered, ANSWER_BOUND_MS, () => noWorklet('it does not answer.'));
  }

  #answer({answer, id}) {
    this.#questions.get(id)?.(answer);
    this.#questions.delete(id);
  }

  /** @param {boolean} muted the microphone then gives silence */
  muteMicrophone(muted) {
    for (const track of this.#stream.getTracks()) track.enabled = !muted;
  }

  closeMicrophone() {
    stopTracks(this.#stream);
  }

  /** Close everything, at once. */
  async close() {
    this.closeMicrophone();
    this.#node?.port.postMessage({order: 'close'});
    this.#node?.disconnect();
    for (const id of [...this.#questions.keys()]) this.#answer({answer: null, id});
    if (this.#context !== undefined && this.#context.state !== 'closed') await this.#context.close();
  }
}

/** @param {MediaStream} stream */
export function stopTracks(stream) {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}

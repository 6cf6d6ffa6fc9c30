/** Microphone and loudspeaker: opens them, and runs the engine's worklet between them. */

import {audioBlocked, ClientError, deviceGone, insecurePage, microphoneError, noWorklet}
  from './client_error.js';
import {bounded} from './waiting.js';

const READY_BOUND_MS = 10_000;
const ANSWER_BOUND_MS = 5000;

/** The bot's voice comes in packets, or as a track. */
const PACKETS = {module: 'engine/worklet.js', name: 'bargein', numberOfInputs: 1};
const TRACK = {module: 'daily/worklet.js', name: 'bargein-track', numberOfInputs: 2};

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
  // Kept, or the browser collects them.
  #voice;
  #element;
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
   * @param {MediaStream|null} [voice] the bot's, where it comes as a track
   */
  static async open(stream, botRateHz, options, handlers, voice = null) {
    const path = new AudioPath();
    path.#stream = stream;
    path.#handlers = handlers;
    try {
      const source = path.#openContext(voice === null ? botRateHz : undefined);
      await bounded(path.#context.resume(), ANSWER_BOUND_MS, audioBlocked);
      const way = voice === null ? PACKETS : TRACK;
      await path.#startWorklet({botRateHz, ...options}, way);
      source.connect(path.#node).connect(path.#context.destination);
      if (voice !== null) path.#connectVoice(voice);
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

  #connectVoice(voice) {
    // Chromium gives silence of a track from afar that no element plays.
    this.#element = new Audio();
    this.#element.muted = true;
    this.#element.srcObject = voice;
    void this.#element.play().catch(() => {});
    this.#voice = this.#context.createMediaStreamSource(voice);
    this.#voice.connect(this.#node, 0, 1);
  }

  async #startWorklet(processorOptions, {module, name, numberOfInputs}) {
    let ready;
    const isReady = new Promise((resolve, reject) => { ready = {resolve, reject}; });
    try {
      await this.#context.audioWorklet.addModule(new URL(module, import.meta.url));
      this.#node = new AudioWorkletNode(this.#context, name, {
        numberOfInputs,
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

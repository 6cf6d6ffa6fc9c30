/**
 * Two data channels of WebRTC that behave as one WebSocket: `control` in order and without loss,
 * `audio` as datagrams. What is missing of the bot's voice is asked for at once: SCTP would send it
 * again only after three later packets, and count each loss as congestion.
 *
 * Text goes over the first and binary over the second, both ways, so `Wire` need not know which
 * of the two it has. There is no order between them: `bargein/1` needs none.
 */

import {Missing} from './missing.js';
import {bounded} from './waiting.js';

/** To gather addresses; those found by then are offered. */
const GATHER_BOUND_MS = 2000;
/** The server answers within 10 s, or refuses. */
const ANSWER_BOUND_MS = 12_000;
/** From the answer to both channels open: then there is no way for UDP. */
const OPEN_BOUND_MS = 6000;
/** For the last message: closing a connection drops what waits in it. */
const LAST_WORD_MS = 200;

export class DataLine {
  /** For the page. */
  transport = 'webrtc';
  /** As a WebSocket's. */
  readyState = WebSocket.CONNECTING;
  onopen = null;
  onmessage = null;
  onclose = null;
  onerror = null;
  /** Microphone that waits for the network, in bytes: what is more is late, and not sent. */
  mostWaitingBytes = 6400;
  #connection;
  #control;
  #audio;
  #missing = new Missing();

  /**
   * Connect; the promise is kept once both channels are open.
   * @param {{offer: string, iceServers: object[]}} way as the server told it, `offer` a URL
   * @returns {Promise<DataLine>}
   * @throws {Error} where there is no way; with the HTTP `status` where the server refuses
   */
  static async open({offer, iceServers}) {
    const line = new DataLine();
    try {
      await line.#open(offer, iceServers);
    } catch (error) {
      line.close();
      throw error;
    }
    return line;
  }

  async #open(url, iceServers) {
    this.#connection = new RTCPeerConnection({iceServers});
    this.#control = this.#connection.createDataChannel('control');
    this.#audio = this.#connection.createDataChannel(
      'audio', {ordered: false, maxRetransmits: 0},
    );
    const opened = Promise.all([this.#control, this.#audio].map((channel) => this.#bind(channel)));
    await this.#connection.setLocalDescription();
    await gathered(this.#connection);
    await this.#connection.setRemoteDescription(await answerTo(url, this.#connection));
    await bounded(opened, OPEN_BOUND_MS, () => new Error('no way was found for UDP'));
    this.readyState = WebSocket.OPEN;
    // Else the server would hold its seat until it misses the microphone.
    addEventListener('pagehide', () => this.#connection.close(), {once: true});
    this.#connection.onconnectionstatechange = () => {
      if (this.#connection.connectionState === 'failed') this.#gone();
    };
  }

  #bind(channel) {
    channel.binaryType = 'arraybuffer';
    channel.onmessage = (event) => this.#hear(event);
    channel.onclose = () => this.#gone();
    return new Promise((resolve) => { channel.onopen = resolve; });
  }

  #hear(event) {
    const question = typeof event.data === 'string' ? null : this.#missing.take(event.data);
    if (question !== null) this.send(question);
    this.onmessage?.(event);
  }

  #gone() {
    if (this.readyState === WebSocket.CLOSED) return;
    this.readyState = WebSocket.CLOSED;
    this.onclose?.();
  }

  /** Microphone that waits. */
  get bufferedAmount() {
    return this.#audio.bufferedAmount;
  }

  /** @param {string|ArrayBuffer} data */
  send(data) {
    const channel = typeof data === 'string' ? this.#control : this.#audio;
    if (channel.readyState === 'open') channel.send(data);
  }

  /** Close; what was sent may still go out. */
  close() {
    this.onclose = null;
    this.readyState = WebSocket.CLOSED;
    setTimeout(() => this.#connection?.close(), LAST_WORD_MS);
  }
}

async function answerTo(url, {localDescription: {sdp, type}}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify({sdp, type}),
    signal: AbortSignal.timeout(ANSWER_BOUND_MS),
  });
  if (response.ok) return response.json();
  const {detail = response.statusText} = await response.json().catch(() => ({}));
  throw Object.assign(new Error(detail), {status: response.status});
}

function gathered(connection) {
  const complete = new Promise((resolve) => {
    const look = () => { if (connection.iceGatheringState === 'complete') resolve(); };
    connection.onicegatheringstatechange = look;
    look();
  });
  return Promise.race([complete, new Promise((resolve) => { setTimeout(resolve, GATHER_BOUND_MS); })]);
}

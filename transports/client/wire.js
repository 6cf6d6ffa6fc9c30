/** `bargein/1` over a WebSocket, or what behaves as one: messages as text, audio as binary. */

import {ClientError, serverError, serverGone, versionMismatch} from './client_error.js';

export const PROTOCOL_VERSION = 1;
const WELCOME_BOUND_MS = 10_000;
/** Uplink audio that may wait for the network; what is more is not sent, and the server sees the gap. */
const MOST_WAITING_BYTES = 2 * 16_000 * 2;

export class Wire {
  #socket;
  #seq = 0;
  #session = '';
  #epoch = 0;
  #handlers;

  /**
   * @param {WebSocket|import('./data_line.js').DataLine} socket open, or about to be
   * @param {{message: (message: object) => void, packet: (buffer: ArrayBuffer) => void,
   *   gone: (error: ClientError) => void}} handlers called only after the welcome; `gone` at
   *   most once, and never after `close`
   */
  constructor(socket, handlers) {
    this.#handlers = handlers;
    this.#socket = socket;
  }

  /** @type {'websocket'|'webrtc'|'daily'} */
  get transport() {
    return this.#socket.transport ?? 'websocket';
  }

  /** @type {MediaStream|null} the bot's voice, where it comes as a track */
  get voice() {
    return this.#socket.voice ?? null;
  }

  /**
   * Say hello and wait for the welcome.
   * @param {() => object|Promise<object>} hello is asked for when the connection is there
   * @param {number} [boundMs] how long at most
   * @returns {Promise<object>} the welcome
   * @throws {ClientError}
   */
  async greet(hello, boundMs = WELCOME_BOUND_MS) {
    const welcome = await new Promise((resolve, reject) => {
      const bound = setTimeout(
        () => reject(serverGone('The server does not answer.')), boundMs,
      );
      const settle = (how, value) => { clearTimeout(bound); how(value); };
      const sayHello = async () => this.send({type: 'bargein/hello', ...await hello()});
      const begin = () => { sayHello().catch((error) => settle(reject, error)); };
      if (this.#socket.readyState === WebSocket.OPEN) begin();
      else this.#socket.onopen = begin;
      // A socket that the page's policy forbids tells an error, and in some browsers no close.
      this.#socket.onerror = this.#socket.onclose =
        () => settle(reject, serverGone('The server cannot be reached.'));
      this.#socket.onmessage = ({data}) => {
        const answer = readWelcome(data);
        if (answer !== null) settle(answer instanceof ClientError ? reject : resolve, answer);
        // What follows the welcome in the same breath must find its handlers.
        if (answer !== null && !(answer instanceof ClientError)) this.#welcomed(answer);
      };
    });
    return welcome;
  }

  #welcomed({session, epoch}) {
    this.#session = session;
    this.#epoch = epoch;
    this.#socket.onmessage = ({data}) => {
      if (typeof data !== 'string') this.#handlers.packet(data);
      else this.#read(data);
    };
    this.#socket.onerror = null;
    this.#socket.onclose = () => this.#handlers.gone(serverGone('The server is gone.'));
  }

  #read(text) {
    const message = parse(text);
    if (message !== null) this.#handlers.message(message);
  }

  /** @param {object} message its `epoch` is the engine's where it has one */
  send(message) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#epoch = message.epoch ?? this.#epoch;
    const envelope = {v: PROTOCOL_VERSION, session: this.#session, seq: this.#seq++, epoch: this.#epoch};
    this.#socket.send(JSON.stringify({...envelope, ...message}));
  }

  /** @param {ArrayBuffer} buffer */
  sendPacket(buffer) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const most = this.#socket.mostWaitingBytes ?? MOST_WAITING_BYTES;
    if (this.#socket.bufferedAmount <= most) this.#socket.send(buffer);
  }

  /** Leave for good: the server's session ends at once. */
  leave() {
    if (this.#session !== '') this.send({type: 'bargein/goodbye'});
    this.close();
  }

  /** Close without a word to the handlers. */
  close() {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
    socket.close();
  }
}

/** @returns {object|ClientError|null} null where it is neither a welcome nor a refusal */
function readWelcome(data) {
  const message = typeof data === 'string' ? parse(data) : null;
  if (message === null) return null;
  if (message.type === 'bargein/error') return message.final ? serverError(message) : null;
  if ((message.v ?? PROTOCOL_VERSION) !== PROTOCOL_VERSION) {
    return versionMismatch(
      `This page speaks version ${PROTOCOL_VERSION} of bargein, the server ${message.v}.`,
    );
  }
  return message.type === 'bargein/welcome' ? message : null;
}

/** @returns {object|null} null where it is no message */
function parse(text) {
  try {
    const value = JSON.parse(text);
    return typeof value?.type === 'string' ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/**
 * A room at Daily that behaves as a WebSocket: messages go as app messages to the bot and from
 * it, the microphone is the call's, and the bot's voice is a track, `voice`.
 */

import {ClientError, serverGone} from '../client_error.js';
import {bounded} from '../waiting.js';

/** By it the bot's token names the bot; nobody else can have it. */
const BOT_USER_ID = 'bargein-bot';
/** To fetch Daily's call machine and to join. */
const JOIN_BOUND_MS = 20_000;
/** From joining to the bot's track. */
const BOT_BOUND_MS = 10_000;
/** A hello may come before the bot listens; it is said again until something comes back. */
const HELLO_EVERY_MS = 1000;
const LEAVE_BOUND_MS = 3000;

export class DailyLine {
  /** For the page. */
  transport = 'daily';
  /** As a WebSocket's. */
  readyState = WebSocket.CONNECTING;
  bufferedAmount = 0;
  onopen = null;
  onmessage = null;
  onclose = null;
  onerror = null;
  /** @type {MediaStream} the bot's voice */
  voice;
  #call;
  #bot = null;
  /** Daily's last `error` event: it knows the type, what `join` throws may be a mere text. */
  #refusal = null;
  #repeating = null;

  /**
   * Join and wait for the bot.
   * @param {{url: string, token: string}} room
   * @param {MediaStream} microphone
   * @returns {Promise<DailyLine>}
   * @throws {ClientError}
   */
  static async open(room, microphone) {
    const line = new DailyLine();
    try {
      await line.#join(room, microphone);
    } catch (error) {
      line.close();
      throw error instanceof ClientError ? error : cannotJoin(line.#refusal ?? error);
    }
    return line;
  }

  async #join({url, token}, microphone) {
    const {default: Daily} = await import('./vendor/daily-esm.js');
    this.#call = Daily.createCallObject({
      audioSource: microphone.getAudioTracks()[0],
      videoSource: false,
      subscribeToTracksAutomatically: true,
      // It then needs no `eval`, which the page's policy forbids.
      dailyConfig: {avoidEval: true},
    });
    const voice = this.#listen();
    voice.catch(() => {}); // where the join fails first, it tells the same
    const joined = this.#call.join({url, token, startVideoOff: true});
    await bounded(joined, JOIN_BOUND_MS, () => serverGone('The room at Daily cannot be joined.'));
    const track = await bounded(voice, BOT_BOUND_MS, () => serverGone('There is no bot in the room.'));
    this.voice = new MediaStream([track]);
    this.readyState = WebSocket.OPEN;
  }

  /** Hear of everything, from before the join on. @returns {Promise<MediaStreamTrack>} */
  #listen() {
    const call = this.#call;
    call.on('app-message', ({data, fromId}) => this.#hear(data, fromId));
    call.on('participant-left', ({participant}) => {
      if (participant.session_id === this.#bot) this.#gone();
    });
    call.on('left-meeting', () => this.#gone());
    return new Promise((resolve, reject) => {
      call.on('error', (event) => {
        this.#refusal = event;
        reject(cannotJoin(event));
        this.#gone();
      });
      call.on('track-started', ({participant, track}) => {
        if (participant?.user_id !== BOT_USER_ID || track.kind !== 'audio') return;
        this.#bot = participant.session_id;
        resolve(track);
      });
    });
  }

  #hear(data, fromId) {
    if (fromId !== this.#bot) return;
    clearInterval(this.#repeating);
    this.onmessage?.({data: JSON.stringify(data)});
  }

  #gone() {
    if (this.readyState === WebSocket.CLOSED) return;
    this.readyState = WebSocket.CLOSED;
    this.onclose?.();
  }

  /** @param {string|ArrayBuffer} data a message; audio goes by itself */
  send(data) {
    if (typeof data !== 'string' || this.readyState !== WebSocket.OPEN) return;
    const message = JSON.parse(data);
    const tell = () => this.#call.sendAppMessage(message, this.#bot);
    tell();
    if (message.type !== 'bargein/hello') return;
    clearInterval(this.#repeating);
    this.#repeating = setInterval(tell, HELLO_EVERY_MS);
  }

  /** Leave without a word. */
  close() {
    clearInterval(this.#repeating);
    this.onclose = null;
    this.readyState = WebSocket.CLOSED;
    const left = this.#call?.leave().then(() => this.#call.destroy());
    if (left) bounded(left, LEAVE_BOUND_MS, () => new Error('late')).catch(() => {});
  }
}

/** Daily's types of fatal errors: what each means here, and the way out. */
const OVER = ['The room is over', 'Ask for a new link.'];
const NOT_FOR_IT = ['This link is not for the room', 'Ask for a new link.'];
const TOO_EARLY = ['The room is not open yet', "Check this machine's clock, or come again later."];
const REASONS = {
  'exp-room': OVER,
  'exp-token': OVER,
  'no-room': OVER,
  'not-allowed': NOT_FOR_IT,
  'nbf-room': TOO_EARLY,
  'nbf-token': TOO_EARLY,
  'meeting-full': ['The room is full', 'Come again when somebody has left.'],
  'connection-error': ['Daily cannot be reached', 'Check that this network lets Daily through.'],
};
const UNKNOWN = [
  'The room at Daily cannot be joined',
  'Ask for a new link, or check that this network lets Daily through, then connect again.',
];

/** @param {*} error an `error` event of Daily's, an Error, or a mere text */
function cannotJoin(error) {
  const texts = [error?.error?.msg, error?.errorMsg, error?.message, error];
  const text = texts.find((each) => typeof each === 'string' && each !== '');
  const [reason, wayOut] = REASONS[error?.error?.type] ?? UNKNOWN;
  return new ClientError('room_refused', `${reason} (${text ?? 'Daily tells no reason'}).`, wayOut);
}

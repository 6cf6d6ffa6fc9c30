/** The room at Daily that the page's address names behind its `#`, and a client for it. */

import {BargeinClient} from '../client.js';
import {DailyLine} from './line.js';

/**
 * @param {string} hash of the page's address, like `#room=https…&t=…`
 * @returns {{url: string, token: string}|null} null where it names none
 */
export function roomOf(hash) {
  const told = new URLSearchParams(hash.slice(1));
  const url = told.get('room');
  return url === null ? null : {url, token: told.get('t') ?? ''};
}

/** A client class whose only room is this one. */
export function clientOf(room) {
  return class extends BargeinClient {
    constructor(options) {
      super({...options, open: (microphone) => DailyLine.open(room, microphone)});
    }
  };
}

/** A room of `bargein serve`'s: asked for at each connection, with a token that is good once. */

import {refused, serverGone} from './client_error.js';
import {bounded} from './waiting.js';

const ROOM_BOUND_MS = 5000;
const TOO_MANY = 429;
const NO_PLACE = 503;

/**
 * @param {string} address where rooms are asked for
 * @param {string|null} bot the first one that is served where it is null
 * @returns {Promise<{url: string, token: string}>}
 * @throws {import('./client_error.js').ClientError}
 */
export async function askForRoom(address, bot) {
  const asking = fetch(address, {
    method: 'POST',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify(bot === null ? {} : {bot}),
  });
  const gone = () => serverGone('The server gives no room.');
  const response = await bounded(asking.catch(() => { throw gone(); }), ROOM_BOUND_MS, gone);
  const told = await response.json().catch(() => ({}));
  if (!response.ok) {
    const isFull = response.status === NO_PLACE;
    throw refused(isFull ? TOO_MANY : response.status, told.detail ?? 'it gives no room');
  }
  return {url: told.connect.url, token: told.token};
}

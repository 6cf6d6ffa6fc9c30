/** Which way a client takes to its server: a WebSocket, or WebRTC's data channels. */

import {noRoom, refused, serverGone} from './client_error.js';
import {DataLine} from './data_line.js';
import {askForRoom} from './rooms.js';
import {bounded} from './waiting.js';

const ASK_BOUND_MS = 5000;
/** The server's page is for a room at Daily, which its address must name. */
const ROOM_AT_DAILY = 'daily';

/**
 * @param {string} url of the server's WebSocket
 * @param {'websocket'|'webrtc'|'auto'} transport `auto` takes what the server offers, and a
 *   WebSocket where there is no way for UDP
 * @returns {Promise<WebSocket|DataLine>} a WebSocket may not be open yet
 * @throws {import('./client_error.js').ClientError}
 */
export async function openLine(url, transport) {
  if (transport === 'websocket') return webSocket(url);
  const way = await askFor(url);
  if (way === ROOM_AT_DAILY) throw noRoom();
  if (way?.rooms) return inRoom(await askForRoom(way.rooms, askedBot()));
  if (way === null && transport === 'auto') return webSocket(url);
  if (way === null) throw serverGone('This server offers no WebRTC.');
  try {
    return await DataLine.open(way);
  } catch (error) {
    if (error.status !== undefined) throw refused(error.status, error.message);
    if (transport === 'auto') return webSocket(url);
    throw serverGone(`WebRTC did not connect: ${error.message}.`);
  }
}

function webSocket(url) {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  return socket;
}

/** A WebSocket that brings its token: `hello` carries it. */
function inRoom({url, token}) {
  return Object.assign(webSocket(url), {token});
}

/** The page's address may name a bot: `?bot=cafe`. */
function askedBot() {
  return new URLSearchParams(globalThis.location?.search).get('bot');
}

/** How the server offers WebRTC or rooms, or that it has a room at Daily; null where it has neither. */
async function askFor(url) {
  const beside = (path) => new URL(path, url.replace(/^ws/, 'http')).href;
  try {
    const asked = fetch(beside('/transport')).then((response) => response.json());
    const told = await bounded(asked, ASK_BOUND_MS, () => new Error('no answer'));
    if (told.use === ROOM_AT_DAILY) return ROOM_AT_DAILY;
    if (told.use === 'rooms') return {rooms: beside(told.rooms)};
    if (told.use !== 'webrtc') return null;
    return {offer: beside(told.offer), iceServers: told.iceServers};
  } catch {
    return null; // a server that knows no such path, or none at all: the WebSocket will tell
  }
}

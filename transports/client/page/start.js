/** The page as it ships: the real client, on this page's own server. */

import {BargeinClient} from '../client.js';
import {clientOf, roomOf} from '../daily/room.js';
import {mount} from './main.js';

const asked = new URLSearchParams(location.search);
const test = asked.get('test') === '1';
// `?transport=websocket` or `webrtc`; left out, what the server offers.
const transport = asked.get('transport') ?? 'auto';
// `#room=…&t=…` names a room at Daily.
const room = roomOf(location.hash);
const Client = room === null ? BargeinClient : clientOf(room);
const mounted = mount(document, Client, {record: test, transport});
if (test) globalThis.bargein = mounted;

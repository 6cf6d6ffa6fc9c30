/** The page as it ships: the real client, on this page's own server. */

import {BargeinClient} from '../client.js';
import {mount} from './main.js';

const test = new URLSearchParams(location.search).get('test') === '1';
const url = new URL('ws', location.href);
url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
url.search = '';
url.hash = '';

const mounted = mount(document, BargeinClient, {url: url.href, record: test});
if (test) globalThis.bargein = mounted;

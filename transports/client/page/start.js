/** The page as it ships: the real client, on this page's own server. */

import {BargeinClient} from '../client.js';
import {mount} from './main.js';

const test = new URLSearchParams(location.search).get('test') === '1';
const mounted = mount(document, BargeinClient, {record: test});
if (test) globalThis.bargein = mounted;

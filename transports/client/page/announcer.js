/** Tells a screen reader about finished turns, one line each, and forgets the old ones. */

import {element} from './element.js';

const LINES_KEPT = 6;

export class Announcer {
  #region;

  constructor(region) {
    this.#region = region;
  }

  /** Say some lines, politely. */
  say(lines) {
    this.#region.append(...lines.map(line => element('p', {}, line)));
    while (this.#region.children.length > LINES_KEPT) this.#region.firstElementChild.remove();
  }
}

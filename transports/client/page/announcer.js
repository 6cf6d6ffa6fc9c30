/** Tells a screen reader about finished turns and changes, one line each, and forgets the old ones. */

import {element} from './element.js';

const LINES_KEPT = 6;

export class Announcer {
  #region;
  #isOn;

  /** `isOn` tells whether the listener wants to be told. */
  constructor(region, isOn) {
    this.#region = region;
    this.#isOn = isOn;
  }

  /** Say some lines, politely. */
  say(lines) {
    if (!this.#isOn()) return;
    this.#region.append(...lines.map(line => element('p', {}, line)));
    while (this.#region.children.length > LINES_KEPT) this.#region.firstElementChild.remove();
  }
}

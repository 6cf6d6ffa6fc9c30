/** Shows the last barge-in with its figures, and the earlier ones as a list. */

import {element} from './element.js';
import {figures, milliseconds, outcome, tally} from './interruptions.js';

export class InterruptionsView {
  #parts;
  #nothingYet;

  /** `parts`: the elements `last`, `count`, `fold` and `history`. */
  constructor(parts) {
    this.#parts = parts;
    this.#nothingYet = [...parts.last.children];
  }

  /** Show the attempts, the newest first. */
  show(attempts) {
    const {last, count, fold, history} = this.#parts;
    const [newest, ...earlier] = attempts;
    last.replaceChildren(...(newest ? lastOne(newest) : this.#nothingYet));
    const {accepted, wentOn} = tally(attempts);
    count.textContent = accepted + wentOn ? `${accepted} taken, ${wentOn} went on` : '';
    fold.hidden = earlier.length === 0;
    history.replaceChildren(...earlier.map(historyItem));
  }
}

function lastOne(attempt) {
  const list = element('dl', {class: 'figures'}, ...figures(attempt).map(({label, value, note}) =>
    element('div', {},
      element('dt', {}, label),
      element('dd', {}, element('strong', {}, value), element('span', {class: 'aside'}, note)))));
  const line = element('p', {class: 'outcome', 'data-phase': attempt.phase}, outcome(attempt));
  return [line, list, ...quotes(attempt)];
}

function quotes({phase, heardText, unheardText}) {
  if (phase !== 'accepted' || !(heardText || unheardText)) return [];
  const quote = (name, text) => element('div', {},
    element('dt', {}, name), element('dd', {}, text || 'nothing'));
  return [element('dl', {class: 'quotes'}, quote('You heard', heardText), quote('You never heard', unheardText))];
}

function historyItem(attempt) {
  return element('li', {'data-phase': attempt.phase},
    element('span', {}, outcome(attempt)),
    element('span', {class: 'aside'}, `verdict ${milliseconds(attempt.ms?.toVerdict)}`));
}

/** Shows the session: the big button, the steps of connecting, the floor, and what went wrong. */

import {element} from './element.js';
import {FLOOR, STEP, troubleOf} from './wording.js';

const WARNING_MS = 12_000;
const BUTTON_WORDS = Object.freeze({
  closed: 'Start', connecting: 'Cancel', open: 'Stop', reconnecting: 'Stop',
});

export class StageView {
  #parts;
  #onRetry;
  #warningTimer = 0;

  /** `parts`: the stage's elements by name; `onRetry` is called when the listener wants another try. */
  constructor(parts, onRetry) {
    this.#parts = parts;
    this.#onRetry = onRetry;
  }

  /** A session waits for this page: it was loaded again. */
  continues() {
    this.#parts.buttonWords.textContent = 'Continue';
    this.floor('continues');
  }

  /** Show the state of the connection: closed, connecting (with its step), open or reconnecting. */
  connection(state, step) {
    const {button, buttonWords, mute, steps, link, linkWords} = this.#parts;
    button.dataset.state = state;
    buttonWords.textContent = BUTTON_WORDS[state];
    mute.disabled = state !== 'open';
    link.dataset.state = state;
    if (state === 'closed') linkWords.textContent = 'Not connected';
    if (state === 'connecting') linkWords.textContent = 'Connecting';
    if (state === 'open') linkWords.textContent = 'Connected';
    if (state === 'reconnecting') linkWords.textContent = 'Reconnecting …';
    steps.hidden = state !== 'connecting';
    this.#step(step);
    if (state !== 'closed') this.trouble(null);
    if (state === 'connecting') this.floor('connecting', STEP[step]);
    else this.floor(state === 'open' ? 'idle' : state);
  }

  /** Show who has the floor, in words and as a shape. */
  floor(name, hint) {
    const {floor, floorWords, floorHint} = this.#parts;
    const wording = FLOOR[name] ?? {words: name, hint: ''};
    floor.dataset.floor = name;
    floorWords.textContent = wording.words;
    floorHint.textContent = hint || wording.hint;
    floorHint.hidden = !floorHint.textContent;
  }

  /** Say what is wrong and the way out of it, with a button where another try may help; null: all is well. */
  trouble(error, wasOpen = false) {
    const {trouble} = this.#parts;
    trouble.replaceChildren();
    if (!error) return;
    this.floor('broken');
    const {what, wayOut, retry} = troubleOf(error, wasOpen);
    const box = element('div', {class: 'trouble', 'data-code': error.code ?? ''},
      element('p', {class: 'what'}, what), element('p', {}, wayOut));
    if (retry) {
      const again = element('button', {class: 'pill', type: 'button'}, retry);
      again.addEventListener('click', () => {
        this.#parts.button.focus();
        this.#onRetry();
      });
      box.append(again);
    }
    trouble.append(box);
  }

  /** Say something that does not end the session; it goes by itself. */
  warning({message}) {
    const {warning} = this.#parts;
    clearTimeout(this.#warningTimer);
    warning.replaceChildren(element('p', {class: 'plain-note'}, message));
    this.#warningTimer = setTimeout(() => warning.replaceChildren(), WARNING_MS);
  }

  /** Show whether the microphone is muted. */
  microphone(muted) {
    const {mute, muteWords} = this.#parts;
    mute.dataset.muted = String(muted);
    muteWords.textContent = muted ? 'Unmute microphone' : 'Mute microphone';
  }

  /** Show the round trip, milliseconds. */
  roundTrip(ms) {
    const {link, linkWords, roundTrip} = this.#parts;
    roundTrip.textContent = `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
    if (link.dataset.state === 'open') linkWords.textContent = `Connected, ${Math.max(1, Math.round(ms))} ms`;
  }

  #step(current) {
    const items = [...this.#parts.steps.children];
    const at = items.findIndex(item => item.dataset.step === current);
    items.forEach((item, index) => {
      item.dataset.progress = index < at ? 'done' : index === at ? 'now' : 'next';
      if (index === at) item.setAttribute('aria-current', 'step');
      else item.removeAttribute('aria-current');
    });
  }
}

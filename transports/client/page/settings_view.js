/** Binds the settings to their controls; tells what was chosen, and shows what the server says. */

import {load, save, THRESHOLD_MAX, THRESHOLD_MIN} from './settings.js';

const METER_STEP_MS = 1000;
const storage = () => localStorage;

export class SettingsView extends EventTarget {
  #parts;
  #settings = load(storage);
  #serverThreshold = 0.65;
  #meterMs = 0;

  /** `parts`: threshold, thresholdWords, automatic, overlap (radios), duckOnHint, announce, shortcuts, meter, bar. */
  constructor(parts) {
    super();
    this.#parts = parts;
    const {threshold, automatic, overlap, duckOnHint, announce, shortcuts} = parts;
    threshold.addEventListener('input', () => this.#choose({threshold: Number(threshold.value)}));
    automatic.addEventListener('change', () =>
      this.#choose({threshold: automatic.checked ? null : Number(threshold.value)}));
    for (const radio of overlap) radio.addEventListener('change', () => this.#choose({overlap: radio.value}));
    duckOnHint.addEventListener('change', () => this.#choose({duckOnHint: duckOnHint.checked}));
    announce.addEventListener('change', () => this.#choose({announce: announce.checked}));
    shortcuts.addEventListener('change', () => this.#choose({shortcuts: shortcuts.checked}));
    this.#show();
  }

  /** What is chosen now. */
  get settings() {
    return this.#settings;
  }

  /** Take the server's threshold in, as it applies while the listener has set none. */
  serverThreshold(threshold) {
    this.#serverThreshold = threshold;
    this.#show();
  }

  /** Show the probability of speech, and whether it is over the threshold. */
  probability(nowMs, {probability, speech}) {
    const {meter, bar} = this.#parts;
    const percent = Math.round(probability * 100);
    bar.setAttribute('width', String(percent));
    meter.classList.toggle('speech', speech);
    if (nowMs - this.#meterMs < METER_STEP_MS) return;
    this.#meterMs = nowMs;
    meter.setAttribute('aria-valuenow', String(percent));
  }

  #choose(change) {
    this.#settings = {...this.#settings, ...change};
    save(storage, this.#settings);
    this.#show();
    this.dispatchEvent(new CustomEvent('change', {detail: this.#settings}));
  }

  #show() {
    const {threshold, thresholdWords, automatic, overlap, duckOnHint, announce, shortcuts} = this.#parts;
    const chosen = this.#settings.threshold;
    const value = chosen ?? this.#serverThreshold;
    threshold.value = String(Math.min(THRESHOLD_MAX, Math.max(THRESHOLD_MIN, value)));
    threshold.disabled = chosen === null;
    threshold.setAttribute('aria-valuetext', `${Math.round(value * 100)} percent`);
    thresholdWords.textContent = `${Math.round(value * 100)} %`;
    automatic.checked = chosen === null;
    for (const radio of overlap) radio.checked = radio.value === this.#settings.overlap;
    duckOnHint.checked = this.#settings.duckOnHint;
    announce.checked = this.#settings.announce;
    shortcuts.checked = this.#settings.shortcuts;
  }
}

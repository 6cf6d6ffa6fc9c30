/**
 * What takes a session up again after its connection was lost: kept for this page, and beyond its
 * reload, in the tab's own storage. A page that closes its client has nothing to come back to.
 */

const NAME = 'bargein.session';

export class KeptSession {
  /** @type {{session: string, key: string, graceMs: number}|null} */
  #open = null;
  #position = {utterance: 0, played: 0};
  /** When the connection was lost, by the wall clock: it goes on while a page is loaded. */
  #lostMs = null;
  #storage;

  /**
   * @param {Storage|null} storage null keeps it for this page only
   * @param {number} nowMs of the wall clock
   */
  constructor(storage, nowMs) {
    this.#storage = storage;
    const stored = read(storage);
    if (stored === null || nowMs - stored.lostMs >= stored.graceMs) return;
    this.#open = {session: stored.session, key: stored.key, graceMs: stored.graceMs};
    this.#position = {utterance: stored.utterance, played: stored.played};
    this.#lostMs = stored.lostMs;
  }

  /** How long the server waits; 0 where a lost connection is the end. */
  get graceMs() {
    return this.#open?.graceMs ?? 0;
  }

  /** Whether there is a session to come back to. */
  get waits() {
    return this.#open !== null && this.#lostMs !== null;
  }

  /** A session is open. */
  begin({session, key = '', grace_s: graceS = 0}, nowMs) {
    this.#lostMs = null;
    this.#position = {utterance: 0, played: 0};
    this.#open = {session, key, graceMs: key === '' ? 0 : graceS * 1000};
    this.#store(nowMs);
  }

  /** So much was heard. */
  heard({utterance, played}) {
    this.#position = {utterance, played};
  }

  /** The connection is lost, or the page is about to be. */
  lose(nowMs) {
    this.#lostMs ??= nowMs;
    this.#store(this.#lostMs);
  }

  /** There is nothing to come back to. */
  forget() {
    this.#open = this.#lostMs = null;
    this.#storage?.removeItem(NAME);
  }

  /** @returns {object|null} what a `hello` says of it */
  resume(nowMs) {
    if (!this.waits) return null;
    return {
      session: this.#open.session,
      key: this.#open.key,
      utterance: this.#position.utterance,
      played_samples: this.#position.played,
      away_ms: Math.max(0, nowMs - this.#lostMs),
    };
  }

  /**
   * @param {object} welcome
   * @returns {{utterance: number, played: number}|null} where the bot's voice goes on, in a
   *   session that was taken up
   */
  goesOn({session, goes_on: goesOn = null}) {
    if (session !== this.#open?.session) return null;
    if (goesOn === null) return this.#position;
    const {utterance, at_sample: played} = goesOn;
    return utterance === 0 ? {utterance: this.#position.utterance, played: 0} : {utterance, played};
  }

  #store(lostMs) {
    if (this.#storage === null || this.graceMs === 0) return;
    this.#storage.setItem(NAME, JSON.stringify({...this.#open, ...this.#position, lostMs}));
  }
}

/** The tab's storage; null where the browser gives none. */
export function tabStorage() {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null; // forbidden to this page
  }
}

function read(storage) {
  try {
    const stored = JSON.parse(storage?.getItem(NAME) ?? 'null');
    return typeof stored?.key === 'string' && stored.key !== '' ? stored : null;
  } catch {
    return null;
  }
}

/**
 * The client's side of a contest for the floor: one attempt at a time, from the mute to the verdict.
 *
 * Pure: it takes what happened and the time in ms, and returns what to do. An open attempt
 * always ends: by a verdict, by the loss of the connection, or by its own bound.
 */

/** Until the server answers, in case a truncate was lost. */
const REPEAT_MS = 100;
/** While the verdict is open, in case the verdict was lost. */
const REPEAT_CONTESTED_MS = 500;
/** No verdict for this long: it is lost, and the bot plays on. */
const VERDICT_BOUND_MS = 3000;

/**
 * What is known when a truncate is sent.
 * @typedef {{played: number, probability: number, windowIndex: number, noiseFloorDb: number}} Evidence
 *
 * One attempt, as it is told at each step.
 * @typedef {{id: number, utterance: number, at: number, probability: number, detected: boolean,
 *   quanta: number|null, phase: 'contested'|'accepted'|'rejected'|'ignored'|'lost',
 *   reason?: string, heardText?: string, unheardText?: string, cutSamples?: number,
 *   ms: {onsetToMute: number|null, toContested?: number, toVerdict?: number}}} Attempt
 */

export class Contest {
  /** @type {Attempt|null} */
  open = null;
  /** The last utterance that was contested: it is contested but once without a new onset. */
  lastUtterance = null;
  #lastId = 0;
  #begunMs = 0;
  #sentMs = 0;

  /**
   * Somebody spoke over the bot. In an open attempt it is new evidence.
   * @param {{utterance: number, detected: boolean, onsetToMuteMs: number|null}} voice
   * @param {Evidence} evidence
   * @returns {object} the truncate to send at once
   */
  begin(voice, evidence, nowMs) {
    if (this.open === null) {
      this.#begunMs = nowMs;
      this.lastUtterance = voice.utterance;
      this.open = {
        id: ++this.#lastId,
        utterance: voice.utterance,
        at: evidence.played,
        probability: evidence.probability,
        detected: voice.detected,
        quanta: null,
        phase: 'contested',
        ms: {onsetToMute: voice.onsetToMuteMs},
      };
    }
    return this.#truncate(evidence, nowMs);
  }

  /** The server has paused and a verdict will follow. */
  contested(nowMs) {
    this.open.ms.toContested ??= nowMs - this.#begunMs;
  }

  /**
   * @param {'accepted'|'rejected'|'ignored'|'lost'} phase
   * @param {object} told what else the verdict says, as fields of the attempt
   * @returns {Attempt|null} the closed attempt, if one was open
   */
  close(phase, told, nowMs) {
    const attempt = this.open;
    if (attempt === null) return null;
    Object.assign(attempt, told, {phase});
    attempt.ms.toVerdict = nowMs - this.#begunMs;
    this.open = null;
    return attempt;
  }

  /**
   * Time passes.
   * @param {Evidence} evidence
   * @returns {{truncate: object|null, lost: Attempt|null}}
   */
  tick(evidence, nowMs) {
    if (this.open === null) return {truncate: null, lost: null};
    if (nowMs - this.#begunMs >= VERDICT_BOUND_MS) {
      return {truncate: null, lost: this.close('lost', {reason: 'no verdict came'}, nowMs)};
    }
    const every = this.open.ms.toContested === undefined ? REPEAT_MS : REPEAT_CONTESTED_MS;
    const due = nowMs - this.#sentMs >= every;
    return {truncate: due ? this.#truncate(evidence, nowMs) : null, lost: null};
  }

  #truncate(evidence, nowMs) {
    this.#sentMs = nowMs;
    this.open.at = evidence.played;
    return {
      type: 'bargein/truncate',
      utterance: this.open.utterance,
      played_samples: evidence.played,
      probability: evidence.probability,
      window_index: evidence.windowIndex,
      noise_floor_db: evidence.noiseFloorDb,
      detected: this.open.detected,
      age_ms: nowMs - this.#begunMs,
    };
  }
}

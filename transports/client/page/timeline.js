/** The last seconds as data: levels, speech, mutes and verdicts. Time comes in as milliseconds. */

export const SPAN_MS = 20_000;

export class Timeline {
  #levels = [];
  #attempts = new Map();

  /** Take the levels of a moment in. */
  level(nowMs, {microphoneDb, botDb, speech}) {
    this.#levels.push({atMs: nowMs, microphone: loudness(microphoneDb), bot: loudness(botDb), speech});
    while (this.#levels.length && this.#levels[0].atMs < nowMs - SPAN_MS) this.#levels.shift();
  }

  /** Take a barge-in's progress in: the mute begins with its first news and ends with its verdict. */
  attempt(nowMs, {id, phase}) {
    const known = this.#attempts.get(id) ?? {fromMs: nowMs, toMs: null, phase};
    const settled = phase !== 'contested';
    this.#attempts.set(id, {...known, phase, toMs: known.toMs ?? (settled ? nowMs : null)});
    for (const [old, {toMs}] of this.#attempts) {
      if (toMs !== null && toMs < nowMs - SPAN_MS) this.#attempts.delete(old);
    }
  }

  /**
   * What to draw, each position as a share of the span, 0 (oldest) to 1 (now).
   *
   * An accepted barge-in's mute ends with the verdict too: from there on the bot has nothing to say.
   */
  view(nowMs) {
    const at = ms => Math.min(1, Math.max(0, 1 - (nowMs - ms) / SPAN_MS));
    const recent = this.#levels.filter(({atMs}) => atMs >= nowMs - SPAN_MS);
    const attempts = [...this.#attempts.values()].filter(({toMs}) => (toMs ?? nowMs) >= nowMs - SPAN_MS);
    return {
      levels: recent.map(({atMs, ...rest}) => ({at: at(atMs), ...rest})),
      mutes: attempts.map(({fromMs, toMs}) => ({from: at(fromMs), to: at(toMs ?? nowMs)})),
      verdicts: attempts.filter(({toMs}) => toMs !== null).map(({toMs, phase}) => ({at: at(toMs), phase})),
    };
  }

  /** Forget everything: a new session begins. */
  clear() {
    this.#levels = [];
    this.#attempts.clear();
  }
}

const SILENT_DB = -60;

/** A level in dBFS as a share of what is shown: 0 at -60 dB and below, 1 at full scale. */
export function loudness(levelDb) {
  if (!Number.isFinite(levelDb)) return 0;
  return Math.min(1, Math.max(0, 1 - levelDb / SILENT_DB));
}

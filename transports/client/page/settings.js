/** What the listener has chosen, kept in this browser; a broken or missing store means the defaults. */

const KEY = 'bargein.settings';
export const DEFAULTS = Object.freeze({
  /** A window with this probability or more is speech; null: as the server says. */
  threshold: null,
  overlap: 'mute',
  /** Lower the bot when a voice may be beginning, before it is speech. */
  duckOnHint: true,
  announce: true,
  shortcuts: true,
});
export const THRESHOLD_MIN = 0.05;
export const THRESHOLD_MAX = 0.95;

/** Keep what is valid of some stored settings, and take the default for the rest. */
export function valid(stored) {
  const from = stored && typeof stored === 'object' ? stored : {};
  const {threshold} = from;
  const inRange = Number.isFinite(threshold) && threshold >= THRESHOLD_MIN && threshold <= THRESHOLD_MAX;
  return {
    threshold: inRange ? threshold : DEFAULTS.threshold,
    overlap: from.overlap === 'duck' ? 'duck' : 'mute',
    duckOnHint: from.duckOnHint !== false,
    announce: from.announce !== false,
    shortcuts: from.shortcuts !== false,
  };
}

/** Read the settings. A browser may forbid the store, or hold something else there. */
export function load(storage) {
  try {
    return valid(JSON.parse(storage().getItem(KEY)));
  } catch {
    return {...DEFAULTS};
  }
}

/** Write the settings; where the browser forbids it, they hold until the page is closed. */
export function save(storage, settings) {
  try {
    storage().setItem(KEY, JSON.stringify(settings));
  } catch {
    // A full or forbidden store costs the listener's memory of a choice, not the conversation.
  }
}

/** The barge-ins as data: one entry an attempt, the newest first, and their figures in words. */

import {reasonOf} from './wording.js';

const KEPT = 12;

/** Take an attempt in: a new one goes to the front, a known one is brought up to date. */
export function withAttempt(attempts, attempt) {
  const at = attempts.findIndex(known => known.id === attempt.id);
  if (at < 0) return [attempt, ...attempts].slice(0, KEPT);
  return attempts.map((known, index) => (index === at ? attempt : known));
}

/** The outcome in a few words. */
export function outcome(attempt) {
  switch (attempt.phase) {
    case 'contested': return 'Being decided';
    case 'accepted': return 'The floor is yours';
    case 'rejected': return `Went on: ${reasonOf(attempt.reason).why}`;
    case 'ignored': return `Did not apply${attempt.reason ? `: ${reasonOf(attempt.reason).why}` : ''}`;
    default: return 'Went on: no verdict came';
  }
}

/** Milliseconds as one reads them: whole ones from ten on. */
export function milliseconds(ms) {
  if (!Number.isFinite(ms)) return '–';
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** The figures of an attempt, in the order in which they happen: {label, value, note}. */
export function figures(attempt) {
  const {onsetToMute, toContested, toVerdict} = attempt.ms ?? {};
  const quanta = attempt.quanta ?? 0;
  return [
    {label: 'first sound → silence', value: milliseconds(onsetToMute), note: 'from the estimated onset on'},
    {
      label: 'detected → silence',
      value: `${quanta} ${quanta === 1 ? 'quantum' : 'quanta'}`,
      note: quanta ? 'of 128 samples each' : 'in the very same one',
    },
    {label: 'server knows', value: milliseconds(toContested), note: 'since it was detected'},
    {label: 'verdict', value: milliseconds(toVerdict), note: 'since it was detected'},
  ];
}

/** How many were accepted, of how many that are settled and applied. */
export function tally(attempts) {
  const settled = attempts.filter(({phase}) => phase === 'accepted' || phase === 'rejected' || phase === 'lost');
  const accepted = settled.filter(({phase}) => phase === 'accepted').length;
  return {accepted, wentOn: settled.length - accepted};
}

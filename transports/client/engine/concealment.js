/**
 * What is heard in place of a lost piece of the bot's voice.
 *
 * The last period of the voice is repeated and dies away within 60 ms, as in ITU-T G.711
 * Appendix I; what comes behind the loss is led in over 5 ms. All is counted in whole numbers:
 * `bargein/concealment.py`, the twin of this, makes the very same samples.
 */

import {fromPcm16} from './packet.js';

const SHORTEST_PERIOD_US = 2500;
const LONGEST_PERIOD_US = 15_000;
const COMPARED_US = 10_000;
const FADE_US = 60_000;
const LEAD_IN_US = 5000;
const PCM16_SCALE = 32_768;

const samplesOf = (us, rateHz) => Math.floor((us * rateHz) / 1e6);

/** So much of what came before is needed. */
export const historySamples = (rateHz) =>
  samplesOf(LONGEST_PERIOD_US, rateHz) + samplesOf(COMPARED_US, rateHz);

/** So many samples behind a loss are mixed with what stands in for it. */
export const leadInSamples = (rateHz) => samplesOf(LEAD_IN_US, rateHz);

/**
 * @param {Float32Array} history `historySamples` of what came before
 * @param {number} count
 * @param {number} rateHz
 * @returns {Float32Array} samples that may have followed
 */
export function conceal(history, count, rateHz) {
  const period = periodOf(Int32Array.from(history, (each) => each * PCM16_SCALE), rateHz);
  const fade = samplesOf(FADE_US, rateHz);
  const first = history.length - period;
  return Float32Array.from({length: count}, (_, i) => (
    rounded(history[first + (i % period)] * PCM16_SCALE * Math.max(0, 1 - i / fade))
  ));
}

/** Lead what came behind a loss in from what `conceal` makes of the same samples, in place. */
export function leadIn(came, made) {
  const count = Math.min(came.length, made.length);
  for (let i = 0; i < count; i++) {
    const share = (i + 1) / (count + 1);
    came[i] = rounded(came[i] * PCM16_SCALE * share + made[i] * PCM16_SCALE * (1 - share));
  }
}

/** The lag at which the end is most like what was before it. */
function periodOf(history, rateHz) {
  const compared = samplesOf(COMPARED_US, rateHz);
  const shortest = samplesOf(SHORTEST_PERIOD_US, rateHz);
  const longest = samplesOf(LONGEST_PERIOD_US, rateHz);
  let best = shortest;
  let least = Infinity;
  for (let lag = shortest; lag <= longest; lag++) {
    let unlike = 0;
    for (let i = history.length - compared; i < history.length && unlike < least; i++) {
      unlike += Math.abs(history[i] - history[i - lag]);
    }
    if (unlike < least) [best, least] = [lag, unlike];
  }
  return best;
}

function rounded(value) {
  return fromPcm16(Math.floor(value + 0.5));
}

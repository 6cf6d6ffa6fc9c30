/**
 * How loud the bot is at each state of the gate, and the ramps between: no step is heard.
 *
 * A ramp is a straight line over one render quantum (2.7 ms at 48 kHz, 5.3 ms at 24 kHz), so
 * from one sample to the next the gain changes by 1/128 at most.
 */

/** -12 dB at a hint of a voice, -20 dB while the user speaks over a bot that is not muted. */
export const GAINS = Object.freeze({open: 1, hinted: 0.25, ducked: 0.1, muted: 0});
const RAMP_SAMPLES = 128;

/** Lead `output` from one gain to the other; the last sample of the ramp has it exactly. */
export function ramp(output, from, to) {
  if (from === 1 && to === 1) return;
  const samples = Math.min(RAMP_SAMPLES, output.length);
  for (let i = 0; i < samples; i++) {
    output[i] *= i + 1 === samples ? to : from + ((to - from) * (i + 1)) / samples;
  }
  for (let i = samples; i < output.length; i++) output[i] *= to;
}

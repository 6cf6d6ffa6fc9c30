/** The answers as data: what each one's latency was made of, the newest first. */

const KEPT = 50;

/** Take an answer in: the newest goes to the front. */
export function withAnswer(answers, answer) {
  return [answer, ...answers].slice(0, KEPT);
}

/** The middle of what the kept answers took, or null: half of them were at least as fast. */
export function median(answers) {
  const times = answers.map(({totalMs}) => totalMs).sort((a, b) => a - b);
  return times.length ? times[Math.ceil(times.length / 2) - 1] : null;
}

/** How many of the replies that were prepared while the user spoke were the right ones, in words. */
export function hits({predictions, confirmed}) {
  return predictions ? `${confirmed} of ${predictions} replies prepared in time were right` : '';
}

const LEAST_SCALE_MS = 1000;

/** What the full width of the bar stands for: a second, or the slowest of the kept answers. */
export function scaleMs(answers) {
  return Math.max(LEAST_SCALE_MS, ...answers.map(({totalMs}) => totalMs));
}

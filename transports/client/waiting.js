/** Waits that end: by a bound, or when they are called off. */

/** So much time passes. */
export function sleep(ms) {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}

/** The promise's value, or `makeError()` thrown after `boundMs`. */
export function bounded(promise, boundMs, makeError) {
  return new Promise((resolve, reject) => {
    const bound = setTimeout(() => reject(makeError()), boundMs);
    promise.then(resolve, reject).finally(() => clearTimeout(bound));
  });
}

/**
 * The promise's value, unless the signal comes first: then its reason is thrown, and a value
 * that comes late is disposed of.
 */
export function unlessAborted(signal, promise, dispose = () => {}) {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), {once: true});
    promise.then((value) => (signal.aborted ? dispose(value) : resolve(value)), reject);
  });
}

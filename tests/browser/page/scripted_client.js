/** Plays the client's part for the tests of the page: it says what a test tells it to, and keeps what it was asked. */

export class BargeinClient extends EventTarget {
  state = 'closed';
  asked = [];

  constructor(options) {
    super();
    this.options = options;
    globalThis.scripted = this;
  }

  /** Waits in `connecting` until the test calls `open()` or `fail()`. */
  connect() {
    this.asked.push(['connect']);
    this.step('microphone');
    return new Promise((resolve, reject) => { this.settle = {resolve, reject}; });
  }

  async close() {
    this.asked.push(['close']);
    this.move('closed');
  }

  setThreshold(threshold) { this.asked.push(['setThreshold', threshold]); }
  setOverlap(overlap) { this.asked.push(['setOverlap', overlap]); }
  setDuckOnHint(duckOnHint) { this.asked.push(['setDuckOnHint', duckOnHint]); }
  setMicrophoneMuted(muted) { this.asked.push(['setMicrophoneMuted', muted]); }

  step(step) { this.move('connecting', {step}); }

  open(welcome = {}) {
    this.move('open');
    this.emit('welcome', {
      bot: 'Cafe', sampleRate: 24000, threshold: 0.65, session: 's1',
      examples: ['a flat white, please', 'what do you have today?', 'two oat lattes to take away'], ...welcome,
    });
    this.emit('floor', {state: 'idle'});
    this.settle.resolve();
  }

  fail(error) {
    this.move('closed', {error});
    this.settle.reject(Object.assign(new Error(error.message), error));
  }

  move(state, rest = {}) {
    this.state = state;
    this.emit('connection', {state, ...rest});
  }

  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, {detail}));
  }
}

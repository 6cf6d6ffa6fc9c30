/**
 * The client of a bargein bot: connects microphone, server and loudspeaker.
 *
 * All that is urgent happens in the audio worklet (`engine/`). Here messages and packets are
 * carried between it and the server, in order, and the page is told as events; the name and
 * detail of each stand in `engine/README.md`. It is long because connecting, losing and
 * closing share one state, and each must be able to cut the others short.
 */

import {AudioPath, fetchVad, openMicrophone, requireAudio, stopTracks} from './audio_path.js';
import {ClientError, closedByPage, serverError, serverGone, sessionLost} from './client_error.js';
import {eventsOf} from './events.js';
import {Heartbeat, readPong} from './heartbeat.js';
import {KeptSession, tabStorage} from './kept_session.js';
import {openLine} from './line.js';
import {Reconnecting} from './reconnecting.js';
import {sleep, unlessAborted} from './waiting.js';
import {PROTOCOL_VERSION, Wire} from './wire.js';

export {ClientError};

const TICK_MS = 500;
/** What is left to play after the server is gone may still sound, for this long. */
const DRAIN_BOUND_MS = 10_000;
const DRAIN_EVERY_MS = 250;
/** Messages that the engine must hear. */
const FLOOR_MESSAGES = new Set([
  'contested', 'accepted', 'rejected', 'ignored', 'state', 'pong', 'mark',
]);
/** Messages of the engine's that tell when they were sent. */
const CLOCKED = new Set(['bargein/truncate', 'bargein/ping']);

export class BargeinClient extends EventTarget {
  /** @type {'closed'|'connecting'|'open'|'reconnecting'} */
  state = 'closed';
  #options;
  #server = {threshold: 0.65};
  #microphoneMuted = false;
  #connecting = null;
  #wire = null;
  #path = null;
  // What comes from the server before the engine runs.
  #waiting = [];
  #heartbeat = null;
  // What the last pong told; the server learns it with the next ping.
  #roundTrip = {};
  #ticking = null;
  #session = '';
  #botRateHz = 0;
  #floorSeq = 0;
  // What to take up again when the connection was lost, but not when the page closed it.
  #kept = new KeptSession(tabStorage(), Date.now());
  // The last final transcript; and the same where a session that was taken up repeats it.
  #said = null;
  #told = null;

  /**
   * @param {object} [options]
   * @param {string} [options.url] of the WebSocket; `/ws` on the page's own server by default
   * @param {'websocket'|'webrtc'|'auto'} [options.transport] `auto` takes what the server offers
   * @param {(microphone: MediaStream) => Promise<object>} [options.open] another way to the
   *   server: gives what behaves as a WebSocket, with `voice` where the bot's comes as a track
   * @param {string} [options.token] that lets the client in, where one is asked for
   * @param {number|null} [options.threshold] null for the server's
   * @param {'mute'|'duck'} [options.overlap] what happens to the bot while the user speaks
   * @param {boolean} [options.duckOnHint] duck the bot when a voice may be beginning
   * @param {boolean} [options.record] keep tape and probabilities, for tests
   */
  constructor({
    url = ownServer(), transport = 'websocket', token = '', threshold = null, overlap = 'mute',
    duckOnHint = true, record = false, open = () => openLine(url, transport),
  } = {}) {
    super();
    this.#options = {open, token, threshold, overlap, duckOnHint, record};
    // A page that is loaded again comes back as one whose connection was lost.
    globalThis.addEventListener('pagehide', () => {
      if (this.state === 'open') this.#kept.lose(Date.now());
    });
  }

  /** Whether `connect` takes up a session that waits for this page. */
  get continues() {
    return this.#kept.waits && this.#kept.graceMs > 0;
  }

  // --- connecting -------------------------------------------------------------------------

  /**
   * Call it from a user's gesture: browsers ask for one before sound may play.
   * @throws {ClientError}
   */
  async connect() {
    if (this.state !== 'closed') {
      throw new ClientError('already_open', 'The client is connected already.', 'Close it first.');
    }
    const draining = this.#path;
    this.#path = null;
    this.#connecting = new AbortController();
    const {signal} = this.#connecting;
    let microphone = null;
    try {
      this.#enter('connecting', {step: 'microphone'});
      await draining?.close();
      requireAudio();
      microphone = await unlessAborted(signal, openMicrophone(), stopTracks);
      this.#enter('connecting', {step: 'server'});
      const greeted = Promise.all([this.#greet(signal, microphone), this.#fetchVad()]);
      const [welcome, vad] = await unlessAborted(signal, greeted);
      this.#enter('connecting', {step: 'audio'});
      const opened = this.#openPath(microphone, welcome, vad);
      this.#path = await unlessAborted(signal, opened, (path) => path.close());
      this.#start(welcome);
    } catch (error) {
      if (microphone !== null) stopTracks(microphone);
      await this.#fail(error);
      throw error;
    }
  }

  async #greet(signal, microphone, boundMs = undefined) {
    const line = await this.#options.open(microphone);
    if (signal.aborted) {
      line.close();
      throw signal.reason;
    }
    this.#wire = new Wire(line, {
      message: (message) => this.#receive({message}),
      packet: (buffer) => this.#receive({buffer}),
      gone: (error) => this.#drop(error),
    });
    return this.#wire.greet(() => this.#hello(line.token), boundMs);
  }

  async #hello(token = this.#options.token) {
    const capabilities = {vad: true, exact_playout: this.#wire.voice === null};
    if (this.#path !== null) {
      // What sounded behind this position would sound again.
      this.#path.order({order: 'stand'});
      const position = await this.#path.ask('position');
      if (position !== null) this.#kept.heard(position);
    }
    const resume = this.#kept.resume(Date.now());
    return {token, protocol: PROTOCOL_VERSION, capabilities, clock_ms: performance.now(), resume};
  }

  async #fetchVad() {
    try {
      return await fetchVad();
    } catch (error) {
      throw serverGone(`The speech detector cannot be loaded (${error.message}).`);
    }
  }

  #openPath(microphone, welcome, vad) {
    const {overlap, duckOnHint, record} = this.#options;
    this.#server = {threshold: welcome.probability_threshold};
    const resume = this.#kept.goesOn(welcome);
    const {epoch} = welcome;
    this.#botRateHz = welcome.sample_rate_hz;
    const options = {...vad, ...this.#hearing, epoch, overlap, duckOnHint, record, resume};
    return AudioPath.open(microphone, welcome.sample_rate_hz, options, {
      outgoing: (list) => list.forEach((outgoing) => this.#send(outgoing)),
      failed: (error) => this.#drop(error),
    }, this.#wire.voice);
  }

  #start(welcome) {
    this.#told = this.#session === welcome.session ? this.#said : null;
    this.#session = welcome.session;
    this.#floorSeq = 0;
    this.#kept.begin(welcome, Date.now());
    this.#path.muteMicrophone(this.#microphoneMuted);
    this.#heartbeat = new Heartbeat(performance.now());
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    this.#enter('open');
    this.#tell('welcome', {
      bot: welcome.bot,
      sampleRate: welcome.sample_rate_hz,
      examples: welcome.examples,
      threshold: welcome.probability_threshold,
      session: welcome.session,
      transport: this.#wire.transport,
      vad: this.#path.vad,
    });
    this.#tell('floor', {state: welcome.state});
    for (const received of this.#waiting.splice(0)) this.#receive(received);
  }

  // --- closing ----------------------------------------------------------------------------

  /** Close everything; audio stops at once. */
  async close() {
    this.#kept.forget();
    this.#connecting?.abort(closedByPage());
    this.#cutWire((wire) => wire.leave());
    const path = this.#path;
    this.#path = null;
    if (this.state === 'open' || this.state === 'reconnecting') this.#enter('closed');
    await path?.close();
  }

  /** Connecting did not work. */
  async #fail(error) {
    this.#cutWire();
    const path = this.#path;
    this.#path = null;
    await path?.close();
    const tells = error instanceof ClientError && error.code !== 'closed';
    this.#enter('closed', tells ? {error: error.detail} : {});
  }

  /** An open connection was lost, or the engine has failed. */
  #drop(error) {
    if (this.state !== 'open') {
      this.#connecting?.abort(error);
      return;
    }
    this.#cutWire();
    this.#kept.lose(Date.now());
    if (error.code === 'server_gone' && this.#kept.graceMs > 0) void this.#comeBack(error);
    else this.#giveUp(error);
  }

  #giveUp(error) {
    if (error.final) this.#kept.forget();
    this.#enter('closed', {error: error.detail});
    if (error.code === 'no_worklet') void this.#path.close();
    else void this.#drain(this.#path);
  }

  // --- coming back ------------------------------------------------------------------------

  /** The connection was lost, and the session waits: microphone and engine stay as they are. */
  async #comeBack(lost) {
    this.#path.order({order: 'lose'});
    this.#connecting = new AbortController();
    const {signal} = this.#connecting;
    this.#enter('reconnecting', {error: lost.detail});
    try {
      this.#takeUp(await this.#greetAgain(signal));
    } catch (error) {
      this.#cutWire();
      if (error.code === 'closed') return;
      if (!(error instanceof ClientError)) throw error;
      this.#kept.forget();
      this.#giveUp(error);
    }
  }

  async #greetAgain(signal) {
    const tries = new Reconnecting(performance.now(), this.#kept.graceMs);
    for (;;) {
      const waitMs = tries.nextMs(performance.now());
      if (waitMs === null) throw sessionLost(this.#kept.graceMs);
      await unlessAborted(signal, sleep(waitMs));
      try {
        return await this.#tryAgain(signal, tries.boundMs(performance.now()));
      } catch (error) {
        this.#cutWire();
        const isOver = signal.aborted || !(error instanceof ClientError) || error.final;
        if (isOver) throw signal.aborted ? signal.reason : error;
      }
    }
  }

  /** One try: when its time is over it opens nothing any more. */
  async #tryAgain(signal, boundMs) {
    const attempt = new AbortController();
    const stop = () => attempt.abort(signal.reason);
    signal.addEventListener('abort', stop);
    const bound = setTimeout(
      () => attempt.abort(serverGone('The server does not answer.')), boundMs,
    );
    try {
      return await unlessAborted(attempt.signal, this.#greet(attempt.signal, null, boundMs));
    } finally {
      clearTimeout(bound);
      signal.removeEventListener('abort', stop);
    }
  }

  /** @throws {ClientError} where who answers speaks at another rate */
  #takeUp(welcome) {
    const isSame = welcome.session === this.#session;
    if (welcome.sample_rate_hz !== this.#botRateHz) throw sessionLost(this.#kept.graceMs);
    const from = {utterance: 0, played: 0, ...this.#kept.goesOn(welcome), epoch: welcome.epoch};
    this.#path.order({order: 'takeUp', from});
    this.#start(welcome);
    if (isSame) return;
    const message = 'The conversation before is over; this is a new one.';
    this.#tell('warning', {code: 'session_lost', message});
  }

  /** Let what is here sound to its end, within a bound. */
  async #drain(path) {
    path.closeMicrophone();
    path.order({order: 'lose'});
    const endMs = performance.now() + DRAIN_BOUND_MS;
    while (path === this.#path && performance.now() < endMs && !(await path.ask('drained'))) {
      await sleep(DRAIN_EVERY_MS);
    }
    if (path === this.#path) await path.close();
  }

  #cutWire(close = (wire) => wire.close()) {
    clearInterval(this.#ticking);
    const wire = this.#wire;
    this.#wire = null;
    this.#waiting = [];
    if (wire !== null) close(wire);
  }

  // --- carrying ---------------------------------------------------------------------------

  /** @param {{message: object}|{buffer: ArrayBuffer}} received */
  #receive(received) {
    this.#heartbeat?.hear(performance.now());
    if (this.state !== 'open') this.#waiting.push(received);
    else if (received.buffer) {
      this.#path.order({order: 'packet', buffer: received.buffer}, [received.buffer]);
    } else {
      const name = received.message.type.slice('bargein/'.length);
      if (FLOOR_MESSAGES.has(name)) {
        this.#path.order({order: 'message', message: received.message});
      }
      for (const [event, detail] of eventsOf(name, received.message, performance.now())) {
        // A message that was overtaken by a newer one tells nothing about the floor any more.
        if (event === 'floor' && received.message.seq < this.#floorSeq) continue;
        if (event === 'floor') this.#floorSeq = received.message.seq;
        if (event === 'transcript' && this.#wasTold(detail)) continue;
        this.#tell(event, detail);
      }
      if (name === 'pong') {
        const {ms, offsetMs} = readPong(received.message, performance.now());
        this.#roundTrip = {round_trip_ms: ms, offset_ms: offsetMs};
      }
      if (name === 'vad_settings') this.#hearVadSettings(received.message);
      if (name === 'error' && received.message.final) this.#drop(serverError(received.message));
    }
  }

  #wasTold({text, final}) {
    const told = final && text === this.#told;
    this.#told = null;
    if (final) this.#said = text;
    return told;
  }

  /** @param {import('./engine/engine.js').Outgoing} outgoing */
  #send(outgoing) {
    if (outgoing.kind === 'message') this.#wire?.send(withClock(outgoing.message));
    else if (outgoing.kind === 'packet') this.#wire?.sendPacket(outgoing.buffer);
    else this.#tellOfEngine(outgoing);
  }

  #tellOfEngine({name, detail}) {
    if (name === 'playout') this.#kept.heard(detail);
    // Timers of hidden pages are slowed down; the engine's clock is not.
    if (name === 'levels') this.#tick();
    this.#tell(name, detail);
  }

  #tick() {
    const nowMs = performance.now();
    const due = this.state === 'open' ? this.#heartbeat.tick(nowMs) : null;
    if (due === 'ping') this.#path.order({order: 'report'});
    if (due === 'ping') this.#wire.send({type: 'bargein/ping', clock_ms: nowMs, ...this.#roundTrip});
    if (due === 'dead') this.#drop(serverGone('Nothing was heard from the server for 6 s.'));
  }

  #hearVadSettings({probability_threshold: threshold, gate_db: gateDb, echo_gate_db: echoGateDb}) {
    this.#server = {threshold, gateDb, echoGateDb};
    this.#sendSettings(this.#hearing);
  }

  // --- settings ---------------------------------------------------------------------------

  /** @param {number|null} threshold null for the server's */
  setThreshold(threshold) {
    this.#options.threshold = threshold;
    this.#sendSettings(this.#hearing);
  }

  /** @param {'mute'|'duck'} overlap */
  setOverlap(overlap) {
    this.#options.overlap = overlap;
    this.#sendSettings({overlap});
  }

  /** @param {boolean} duckOnHint */
  setDuckOnHint(duckOnHint) {
    this.#options.duckOnHint = duckOnHint;
    this.#sendSettings({duckOnHint});
  }

  /** @param {boolean} muted */
  setMicrophoneMuted(muted) {
    this.#microphoneMuted = muted;
    this.#path?.muteMicrophone(muted);
  }

  /** Threshold and gates; who has chosen a threshold has no gates. */
  get #hearing() {
    const {threshold: chosen} = this.#options;
    const {threshold, gateDb = -Infinity, echoGateDb = -Infinity} = this.#server;
    return chosen === null
      ? {threshold, gateDb, echoGateDb}
      : {threshold: chosen, gateDb: -Infinity, echoGateDb: -Infinity};
  }

  #sendSettings(settings) {
    this.#path?.order({order: 'set', settings});
  }

  // --- for tests --------------------------------------------------------------------------

  /** What was played, sample by sample, where `record` is on; at most 120 s. */
  tape() {
    return this.#path.ask('tape');
  }

  /** The probabilities of the microphone's windows, where `record` is on; at most 120 s. */
  probabilities() {
    return this.#path.ask('probabilities');
  }

  #enter(state, detail = {}) {
    this.state = state;
    this.#tell('connection', {state, ...detail});
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, {detail}));
  }
}

/** The audio thread has a clock of its own; the server compares with the pings' one. */
function withClock(message) {
  return CLOCKED.has(message.type) ? {...message, clock_ms: performance.now()} : message;
}

function ownServer() {
  const url = new URL('/ws', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

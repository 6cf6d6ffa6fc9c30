/**
 * The audio engine: microphone, VAD, gate and player in one synchronous call a render quantum.
 *
 * Within `quantum()` the microphone is heard first and the output is written last, so that a
 * detection silences the very quantum in which it happens, and the position that is reported
 * is the sample at which the output stopped. Free of browser globals: time is counted in
 * output frames, and what to tell the outside is collected in `outbox`.
 *
 * Long, since it is the one place where hearing, contest, admission and player meet; each of
 * them decides in its own file.
 */

import {Admission} from './admission.js';
import {Contest} from './contest.js';
import {Ear} from './ear.js';
import {Meter} from './level.js';
import {readBotPacket, writeMicrophonePacket} from './packet.js';
import {Player} from './player.js';
import {Progress} from './progress.js';
import {Tape} from './tape.js';

/** Web Audio's render quantum; an engine that renders larger ones still works. */
const QUANTUM_SAMPLES = 128;
const PLAYED_EVERY_MS = 200;
const DISPLAY_EVERY_MS = 50;
/** What is of a newer epoch overtakes its verdict by less than this, or the verdict is lost. */
const LATE_VERDICT_MS = 300;
/** No window is below it. */
const NO_GATE_DB = -Infinity;

/**
 * What leaves the engine: a message or a packet for the server, or an event for the page.
 * @typedef {{kind: 'message', message: object} | {kind: 'packet', buffer: ArrayBuffer}
 *   | {kind: 'event', name: string, detail: object}} Outgoing
 */

export class Engine {
  /** @type {Outgoing[]} */
  outbox = [];
  #rateHz;
  #ear;
  #player;
  #admission;
  #contest = new Contest();
  #settings;
  #microphoneMeter = new Meter();
  #botMeter = new Meter();
  #sentProgress = new Progress(PLAYED_EVERY_MS);
  #shownProgress = new Progress(DISPLAY_EVERY_MS);
  #shownMs = 0;
  #frame = 0;
  #detectedFrame = null;
  // This run of speech was judged to be no barge-in, and contests nothing any more.
  #spent = false;
  // Since when a newer epoch is known than any verdict has told.
  #aheadSinceMs = null;
  // Where the bot was cut off last, told again and again: it may have been lost.
  #cutAt = null;
  // Nobody hears a truncate; and, where it stands, nothing sounds until the session goes on.
  #connection = 'open';
  #makePlayer;
  #botRateHz;
  #tape;

  /**
   * @param {object} options
   * @param {number} options.rateHz of input and output
   * @param {number} options.botRateHz of the bot's audio
   * @param {number} options.epoch that the server named
   * @param {number} options.threshold a window at or above it is speech
   * @param {'mute'|'duck'} options.overlap what happens to the bot when the user speaks
   * @param {boolean} [options.duckOnHint] duck the bot when a voice may be beginning
   * @param {number} [options.gateDb] a window of a lower level is silence
   * @param {number} [options.echoGateDb] the same while the bot speaks
   * @param {{probability: (window: Float32Array) => number, reset: () => void}} options.vad
   * @param {boolean} [options.record] keep a tape
   * @param {{utterance: number, played: number}} [options.resume] what was played before
   *   the connection was lost
   * @param {(rateHz: number, botRateHz: number, tell: Function) => Player} [options.makePlayer]
   *   another player, where the bot's voice does not come in packets
   */
  constructor({
    rateHz, botRateHz, epoch, threshold, overlap, vad, record, resume,
    duckOnHint = true, gateDb = NO_GATE_DB, echoGateDb = NO_GATE_DB,
    makePlayer = (...args) => new Player(...args),
  }) {
    this.#rateHz = rateHz;
    this.#settings = {threshold, overlap, duckOnHint, gateDb, echoGateDb};
    this.#ear = new Ear(rateHz, vad);
    this.#makePlayer = () => makePlayer(rateHz, botRateHz, (telling) => this.#hearPlayer(telling));
    this.#botRateHz = botRateHz;
    this.#tape = record ? new Tape(rateHz) : null;
    this.#begin(epoch, resume);
  }

  #begin(epoch, resume) {
    this.#player = this.#makePlayer();
    this.#admission = new Admission(epoch, this.#botRateHz);
    if (resume) this.#player.passOver(resume.utterance);
    if (resume && resume.played > 0) this.#player.expect(resume.utterance, resume.played);
  }

  // --- every render quantum ---------------------------------------------------------------

  /**
   * @param {Float32Array} input the microphone
   * @param {Float32Array} output is filled
   * @param {number} frame of the output's first sample
   */
  quantum(input, output, frame) {
    this.#frame = frame;
    this.#microphoneMeter.add(input);
    this.#ear.push(input, this.#rule, this.#hear);
    this.#repair();
    this.#contestWhatIsAboutToBegin();
    this.#openOrCloseGate();
    this.#player.render(output);
    this.#afterRender(output);
  }

  #afterRender(output) {
    this.#botMeter.add(output);
    this.#tape?.add(output, this.#frame);
    this.#measureMute(output);
    this.#tickContest();
    const sent = this.#sentProgress.tick(this.#player.current, this.#nowMs);
    if (sent !== null) this.#sendPlayed(sent.utterance, sent.played, false);
    const shown = this.#shownProgress.tick(this.#player.current, this.#nowMs);
    if (shown !== null) this.#event('playout', {...shown, finished: false});
    this.#showLevels();
  }

  get #nowMs() {
    return (this.#frame * 1000) / this.#rateHz;
  }

  // --- the microphone ---------------------------------------------------------------------

  // Both bound once: they are called from the audio thread's inner loop.
  #rule = () => {
    const {threshold, gateDb, echoGateDb} = this.#settings;
    const botSpeaks = this.#player.current?.begun ?? false;
    return {threshold, gateDb: botSpeaks ? Math.max(gateDb, echoGateDb) : gateDb};
  };

  #hear = ({startSample, pcm}, change) => {
    const {epoch} = this.#admission;
    this.#send({kind: 'packet', buffer: writeMicrophonePacket({epoch, startSample, pcm})});
    if (change === 'onset') this.#hearOnset();
    if (change === 'offset') this.#hearOffset();
  };

  #hearOnset() {
    this.#spent = false;
    const utterance = this.#contest.open?.utterance ?? this.#player.current?.id;
    if (utterance !== undefined) this.#detect(utterance);
  }

  #hearOffset() {
    this.#message({type: 'bargein/speech_ended', window_index: this.#ear.firstSilentWindow});
  }

  /** The bot is about to begin while the user is speaking: contested at its first sample. */
  #contestWhatIsAboutToBegin() {
    const {current} = this.#player;
    if (current === null || current.begun || !this.#ear.speaking || this.#spent) return;
    if (this.#contest.open !== null || this.#contest.lastUtterance === current.id) return;
    this.#detect(current.id);
  }

  #detect(utterance) {
    if (this.#connection !== 'open') return;
    const isNew = this.#contest.open === null;
    this.#beginContest({utterance, detected: true, onsetToMuteMs: this.#ear.onsetAgoMs});
    if (!isNew) return;
    this.#detectedFrame = this.#frame;
    this.#mark('detected', {attempt: this.#contest.open.id, utterance});
  }

  // --- the contest ------------------------------------------------------------------------

  #beginContest(voice) {
    const evidence = this.#evidence(voice.utterance);
    this.#message(this.#contest.begin(voice, evidence, this.#nowMs));
    // Muted from this very moment, also against audio that is asked for before the next quantum.
    this.#openOrCloseGate();
  }

  #evidence(utterance) {
    return {
      played: this.#player.playedOf(utterance),
      probability: this.#ear.probability,
      windowIndex: this.#ear.windowIndex,
      noiseFloorDb: this.#ear.noiseFloorDb,
    };
  }

  #openOrCloseGate() {
    const {overlap, duckOnHint} = this.#settings;
    if (this.#connection === 'standing') this.#player.gate = 'muted';
    else if (this.#contest.open !== null) this.#player.gate = overlap === 'duck' ? 'ducked' : 'muted';
    else this.#player.gate = duckOnHint && this.#ear.hinted ? 'hinted' : 'open';
  }

  /** Measures, not assumes, in which quantum the output obeyed. */
  #measureMute(output) {
    if (this.#detectedFrame === null || this.#contest.open === null) return;
    const obeyed = this.#player.gate === 'ducked' || output.at(-1) === 0;
    if (!obeyed) return;
    this.#contest.open.quanta = (this.#frame - this.#detectedFrame) / QUANTUM_SAMPLES;
    this.#detectedFrame = null;
    this.#mark('silent', {attempt: this.#contest.open.id});
    this.#tellAttempt(this.#contest.open);
  }

  #tickContest() {
    const utterance = this.#contest.open?.utterance ?? 0;
    const {truncate, lost} = this.#contest.tick(this.#evidence(utterance), this.#nowMs);
    if (truncate !== null) this.#message(truncate);
    if (lost !== null) this.#tellVerdict(lost);
  }

  #closeContest(phase, told) {
    const attempt = this.#contest.close(phase, told, this.#nowMs);
    if (attempt !== null) this.#tellVerdict(attempt);
    this.#openOrCloseGate();
  }

  #tellVerdict(attempt) {
    this.#detectedFrame = null;
    this.#mark('verdict', {attempt: attempt.id, phase: attempt.phase});
    this.#tellAttempt(attempt);
  }

  // --- what the server says ---------------------------------------------------------------

  /** @param {ArrayBuffer} buffer a binary packet */
  receivePacket(buffer) {
    const packet = readBotPacket(buffer);
    if (packet === null) return;
    this.#noteEpoch(packet);
    if (this.#admission.admits(packet)) this.#player.append(packet);
  }

  /** @param {{type: string, epoch: number}} message a message that concerns the floor */
  receiveMessage(message) {
    this.#noteEpoch(message);
    const known = message.type.slice('bargein/'.length);
    if (Object.hasOwn(this.#answers, known)) this.#answers[known](message);
  }

  /** Tell again where the bot was cut off last; the heartbeat asks for it. */
  report() {
    if (this.#cutAt !== null) this.#sendPlayed(this.#cutAt.utterance, this.#cutAt.played, false);
  }

  /** The connection is gone: what is here plays on. */
  loseConnection() {
    this.#connection = 'lost';
    this.#closeContest('lost', {reason: 'the connection was lost'});
  }

  /** Nothing sounds from now on: the server is about to be told the `position`. */
  stand() {
    this.#connection = 'standing';
    this.#openOrCloseGate();
  }

  /** What plays, or played last, and how much of it was played. */
  get position() {
    const {current, lastHeard} = this.#player;
    const {id, played} = current ?? {id: lastHeard, played: this.#player.playedOf(lastHeard)};
    return {utterance: id, played};
  }

  /**
   * The session goes on over another connection, from this sample; nothing of before will sound.
   * @param {{epoch: number, utterance: number, played: number}} from
   */
  takeUp({epoch, utterance, played}) {
    this.#connection = 'open';
    this.#aheadSinceMs = null;
    this.#begin(epoch, {utterance, played});
    this.#openOrCloseGate();
  }

  #answers = {
    contested: (message) => this.#contested(message),
    accepted: (message) => this.#accepted(message),
    rejected: (message) => this.#rejected(message),
    ignored: (message) => this.#closeContest('ignored', {reason: message.reason}),
  };

  #contested(message) {
    if (message.epoch < this.#admission.epoch) return;
    if (this.#contest.open === null) {
      const voice = {utterance: message.utterance, detected: false, onsetToMuteMs: null};
      this.#beginContest(voice);
    }
    this.#contest.contested(this.#nowMs);
    this.#tellAttempt(this.#contest.open);
  }

  #accepted(message) {
    if (!this.#isNews(message)) return;
    // Of the utterance that plays: the server may have guessed another one.
    const last = Math.max(message.utterance, this.#player.lastHeard);
    const utterance = this.#player.current?.id ?? last;
    this.#cutAt = {utterance, played: this.#player.playedOf(utterance)};
    if (this.#contest.open !== null) {
      this.#contest.open.at = this.#player.playedOf(message.utterance);
    }
    this.#player.drop();
    this.#advance(message.epoch);
    this.report();
    this.#closeContest('accepted', {
      heardText: message.heard_text,
      unheardText: message.unheard_text,
      cutSamples: message.cut_samples,
    });
  }

  #rejected(message) {
    if (!this.#isNews(message)) return;
    // A verdict before this one is lost, and what is here may be stale.
    if (message.epoch > this.#admission.epoch + 1) this.#player.drop();
    this.#spent = this.#ear.speaking;
    if (!this.#player.wasFinished(message.utterance)) {
      this.#player.expect(message.utterance, message.at_sample);
    }
    this.#advance(message.epoch);
    this.#closeContest('rejected', {reason: message.reason});
  }

  /** Something is of a newer epoch: its verdict is lost, unless it is only late. */
  #noteEpoch({epoch}) {
    if (epoch > this.#admission.epoch) this.#aheadSinceMs ??= this.#nowMs;
  }

  /** Ask for a verdict that stays away: whatever is said under an old epoch gets it again. */
  #repair() {
    if (this.#aheadSinceMs === null || this.#nowMs - this.#aheadSinceMs < LATE_VERDICT_MS) return;
    this.#aheadSinceMs = this.#nowMs;
    this.#message({type: 'bargein/ping'});
  }

  /** A verdict that was heard before changes nothing. */
  #isNews(message) {
    return message.epoch > this.#admission.epoch;
  }

  #advance(epoch) {
    this.#aheadSinceMs = null;
    for (const packet of this.#admission.advance(epoch)) this.#player.append(packet);
  }

  // --- settings and what the outside learns ----------------------------------------------

  /**
   * @param {{threshold?: number, overlap?: 'mute'|'duck', duckOnHint?: boolean, gateDb?: number,
   *   echoGateDb?: number}} settings
   */
  set(settings) {
    Object.assign(this.#settings, settings);
    this.#openOrCloseGate();
  }

  /** Nothing is left to play. */
  get drained() {
    return this.#player.current === null;
  }

  get tape() {
    return this.#tape?.take() ?? null;
  }

  get probabilities() {
    return this.#ear.probabilities;
  }

  /** @param {import('./player.js').Telling} telling */
  #hearPlayer(telling) {
    const {tell, utterance} = telling;
    if (tell === 'finished') {
      this.#sendPlayed(utterance, telling.played, true);
      this.#event('playout', {utterance, played: telling.played, finished: true});
    } else if (tell === 'underrun') {
      this.#event('underrun', {utterance, samples: telling.samples, lost: telling.lost});
    } else if (tell === 'stretch') {
      const {startSample, offset} = telling;
      this.#tape?.mark('stretch', this.#frame + offset, {utterance, startSample});
    } else {
      const message = `The server sent utterance ${utterance} faster than it can be kept.`;
      this.#event('warning', {code: 'audio_overflow', message});
    }
  }

  #showLevels() {
    if (this.#nowMs - this.#shownMs < DISPLAY_EVERY_MS) return;
    this.#shownMs = this.#nowMs;
    this.#event('levels', {
      microphoneDb: this.#microphoneMeter.takeDb(),
      botDb: this.#botMeter.takeDb(),
      probability: this.#ear.probability,
      speech: this.#ear.speaking,
      threshold: this.#settings.threshold,
      gate: this.#player.gate,
    });
  }

  #mark(mark, detail) {
    this.#tape?.mark(mark, this.#frame, detail);
  }

  #tellAttempt(attempt) {
    this.#event('bargein', {...attempt, ms: {...attempt.ms}});
  }

  #sendPlayed(utterance, played, finished) {
    const {estimate} = this.#player;
    this.#mark('played', {utterance, played});
    this.#message({
      type: 'bargein/played', utterance, played_samples: played, finished, ...(estimate && {estimate}),
    });
  }

  #message(message) {
    this.#send({kind: 'message', message: {...message, epoch: this.#admission.epoch}});
  }

  #event(name, detail) {
    this.#send({kind: 'event', name, detail});
  }

  #send(outgoing) {
    this.outbox.push(outgoing);
  }
}

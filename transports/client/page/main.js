/**
 * Puts the page together: the client's events go into models, models go to views.
 *
 * Nothing is decided here about audio; the client does that. `Client` is passed in, so that
 * a script can play its part.
 */

import {Announcer} from './announcer.js';
import {withAnswer} from './answers.js';
import {AnswersView} from './answers_view.js';
import {ConversationView} from './conversation_view.js';
import {element} from './element.js';
import {withAttempt} from './interruptions.js';
import {InterruptionsView} from './interruptions_view.js';
import {bindKeys} from './keys.js';
import {Ring} from './ring.js';
import {SettingsView} from './settings_view.js';
import {StageView} from './stage_view.js';
import {Timeline} from './timeline.js';
import {TimelineView} from './timeline_view.js';
import * as transcripts from './transcript.js';
import {roomWords, VAD} from './wording.js';

/** Bind the page in `root` to a client made from `Client`; returns `{client}`. */
export function mount(root, Client, {record = false, transport = 'auto'} = {}) {
  const part = id => root.getElementById(id);
  const settings = new SettingsView({
    threshold: part('threshold'), thresholdWords: part('threshold-words'), automatic: part('automatic'),
    overlap: [...root.querySelectorAll('input[name=overlap]')], duckOnHint: part('duck-on-hint'), announce: part('announce'),
    shortcuts: part('shortcuts'), meter: part('probability'), bar: part('probability-bar'),
  });
  const {threshold, overlap, duckOnHint} = settings.settings;
  const client = new Client({threshold, overlap, duckOnHint, record, transport});
  const stage = new StageView({
    button: part('main-button'), buttonWords: part('main-button-words'), mute: part('mute'), muteWords: part('mute-words'),
    steps: part('steps'), link: part('link'), linkWords: part('link-words'), floor: part('floor'),
    floorWords: part('floor-words'), floorHint: part('floor-hint'), trouble: part('trouble'),
    warning: part('warning'), roundTrip: part('round-trip'),
  }, () => session.start());
  const announcer = new Announcer(part('announcer'), () => settings.settings.announce);
  const session = new Session(client, stage, announcer);

  bindSettings(client, settings);
  bindStage(root, client, session, stage, part);
  bindLevels(client, settings);
  bindRoom(client, settings, part);
  bindConversation(client, announcer, part);
  bindAnswers(client, part);
  bindInterruptions(client, part);
  bindHelp(root, part, settings, () => session.toggleMicrophone());
  if (client.continues) stage.continues();
  return {client};
}

/** Starts and ends the one session of the page. */
class Session {
  #client;
  #stage;
  #announcer;
  #muted = false;

  constructor(client, stage, announcer) {
    this.#client = client;
    this.#stage = stage;
    this.#announcer = announcer;
  }

  /** Connect; what goes wrong comes as the `connection` event, which the page shows. */
  async start() {
    if (this.#client.state !== 'closed') return;
    try {
      await this.#client.connect();
      this.#client.setMicrophoneMuted(this.#muted);
    } catch (error) {
      if (typeof error?.code === 'string') return;
      this.#stage.trouble({message: `Something failed: ${error?.message ?? error}`, wayOut: 'Reload the page.'});
      throw error;
    }
  }

  async toggle() {
    if (this.#client.state === 'closed') await this.start();
    else await this.#client.close();
  }

  toggleMicrophone() {
    if (this.#client.state !== 'open') return;
    this.#muted = !this.#muted;
    this.#client.setMicrophoneMuted(this.#muted);
    this.#stage.microphone(this.#muted);
    this.#announcer.say([this.#muted ? 'Microphone muted.' : 'Microphone on.']);
  }
}

/** Call `handle(detail)` at each event of that name. */
function on(client, name, handle) {
  client.addEventListener(name, event => handle(event.detail));
}

function bindSettings(client, settings) {
  settings.addEventListener('change', ({detail}) => {
    client.setThreshold(detail.threshold);
    client.setOverlap(detail.overlap);
    client.setDuckOnHint(detail.duckOnHint);
  });
  on(client, 'welcome', ({threshold}) => settings.serverThreshold(threshold));
  on(client, 'vadsettings', ({threshold}) => settings.serverThreshold(threshold));
}

function bindStage(root, client, session, stage, part) {
  const ring = new Ring(part('ring'));
  part('main-button').addEventListener('click', ({detail: clicks}) => {
    if (clicks <= 1) session.toggle(); // the second half of a double click is not a second wish
  });
  part('mute').addEventListener('click', () => session.toggleMicrophone());
  let wasOpen = false;
  on(client, 'connection', ({state, step, error}) => {
    stage.connection(state, step);
    if (state !== 'open') ring.floor(state);
    if (error && state === 'closed') stage.trouble(error, wasOpen);
    wasOpen = state === 'open' || state === 'reconnecting';
  });
  on(client, 'welcome', ({bot, examples}) => {
    part('bot-name').textContent = bot;
    root.title = bot ? `${bot} · bargein` : 'bargein';
    showExamples(part, examples);
  });
  on(client, 'floor', ({state}) => {
    if (client.state !== 'open') return;
    stage.floor(state);
    ring.floor(state);
  });
  on(client, 'levels', levels => ring.levels(levels));
  on(client, 'warning', warning => stage.warning(warning));
  on(client, 'rtt', ({ms}) => stage.roundTrip(ms));
}

function showExamples(part, examples) {
  part('examples').hidden = examples.length === 0;
  part('examples-list').replaceChildren(...examples.map(text => element('li', {}, `“${text}”`)));
}

function bindLevels(client, settings) {
  on(client, 'levels', levels => settings.probability(performance.now(), levels));
  on(client, 'connection', ({state}) => {
    if (state === 'closed') settings.probability(performance.now(), {probability: 0, speech: false});
  });
}

/** What the server makes of the room, and what follows from it for the threshold. */
function bindRoom(client, settings, part) {
  let room = {why: 'quiet'};
  const show = () => {
    const {noise, gate, why} = roomWords(room, settings.settings.threshold === null);
    part('noise-floor').textContent = noise;
    part('level-gate').textContent = gate;
    part('why').textContent = why;
  };
  on(client, 'welcome', () => { room = {why: 'quiet'}; show(); });
  on(client, 'vadsettings', heard => { room = heard; show(); });
  on(client, 'welcome', ({vad}) => { part('vad').textContent = VAD[vad] ?? '–'; });
  settings.addEventListener('change', show);
  show();
}

function bindConversation(client, announcer, part) {
  const view = new ConversationView({scroll: part('conversation'), list: part('turns'), empty: part('empty')});
  let transcript = transcripts.EMPTY;
  let session = null;
  const become = next => {
    const lines = transcripts.announcements(transcript, next);
    transcript = next;
    view.show(transcript);
    announcer.say(lines);
  };
  on(client, 'welcome', welcome => {
    view.name(welcome.bot);
    become(welcome.session === session ? transcripts.resumed(transcript) : transcripts.begun(transcript));
    session = welcome.session;
  });
  on(client, 'words', words => become(transcripts.withWords(transcript, words)));
  on(client, 'playout', playout => become(transcripts.withPlayout(transcript, playout)));
  on(client, 'transcript', said => become(transcripts.withTranscript(transcript, said)));
  on(client, 'floor', ({state}) => become(transcripts.withFloor(transcript, state)));
  on(client, 'bargein', attempt => become(transcripts.withBargein(transcript, attempt)));
  on(client, 'connection', ({state, error}) => {
    if (state === 'closed') become(transcripts.ended(transcript));
    if (state === 'open') announcer.say(['Connected. You can talk.']);
    if (state === 'reconnecting') announcer.say(['The connection was lost. Reconnecting.']);
    if (state === 'closed' && !error) announcer.say(['Stopped.']);
  });
}

function bindAnswers(client, part) {
  const view = new AnswersView({last: part('last-answer'), count: part('answers-count')});
  let answers = [];
  let session = null;
  on(client, 'welcome', welcome => {
    if (welcome.session === session) return;
    session = welcome.session;
    answers = [];
    view.show(answers);
  });
  on(client, 'latency', answer => {
    answers = withAnswer(answers, answer);
    view.show(answers);
  });
}

function bindInterruptions(client, part) {
  const timeline = new Timeline();
  const timelineView = new TimelineView(part('timeline'), timeline);
  const view = new InterruptionsView({
    last: part('last'), count: part('interruptions-count'), fold: part('history-fold'), history: part('history'),
  });
  let attempts = [];
  let session = null;
  on(client, 'welcome', welcome => {
    if (welcome.session === session) return;
    session = welcome.session;
    attempts = [];
    timeline.clear();
    view.show(attempts);
  });
  on(client, 'levels', levels => {
    const nowMs = performance.now();
    timeline.level(nowMs, levels);
    timelineView.draw(nowMs);
  });
  on(client, 'bargein', attempt => {
    timeline.attempt(performance.now(), attempt);
    attempts = withAttempt(attempts, attempt);
    view.show(attempts);
  });
}

function bindHelp(root, part, settings, mute) {
  const help = part('help');
  part('help-open').addEventListener('click', () => help.showModal());
  part('help-close').addEventListener('click', () => help.close());
  bindKeys(root, () => settings.settings.shortcuts, {mute, help: () => help.showModal()});
}

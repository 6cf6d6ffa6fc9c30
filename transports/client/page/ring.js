/**
 * Two voices on one circle: the bot's strokes stand outside of it, the user's inside.
 *
 * The circle is the floor, and wears the colour of whoever has it. With little motion wanted,
 * two quiet arcs show the levels instead, a few times a second.
 */

import {calm, Sheet} from './canvas.js';
import {loudness} from './timeline.js';

const STROKES_A_SIDE = 40;
const HISTORY_STEP_MS = 45;
const CALM_STEP_MS = 400;
const SMOOTHING_MS = 90;
const QUARTER = Math.PI / 2;

export class Ring {
  #sheet;
  #floor = 'closed';
  #target = {bot: 0, you: 0};
  #now = {bot: 0, you: 0};
  #past = {bot: new Array(STROKES_A_SIDE).fill(0), you: new Array(STROKES_A_SIDE).fill(0)};
  #drawnMs = 0;
  #steppedMs = 0;
  #running = false;

  constructor(canvas) {
    this.#sheet = new Sheet(canvas);
    new ResizeObserver(() => this.#draw(performance.now())).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw(performance.now()));
  }

  /** Show a floor; the ring moves until it is told that the session is closed. */
  floor(name) {
    this.#floor = name;
    const live = name !== 'closed';
    if (!live) this.#hush();
    if (live && !this.#running) requestAnimationFrame(ms => this.#tick(ms));
    this.#running = live;
    if (!live) this.#draw(performance.now());
  }

  /** Show levels, dBFS. */
  levels({microphoneDb, botDb}) {
    this.#target = {bot: loudness(botDb), you: loudness(microphoneDb)};
  }

  #hush() {
    this.#target = {bot: 0, you: 0};
    this.#now = {bot: 0, you: 0};
    this.#past.bot.fill(0);
    this.#past.you.fill(0);
  }

  #tick(ms) {
    if (!this.#running) return;
    requestAnimationFrame(next => this.#tick(next));
    if (calm() && ms - this.#drawnMs < CALM_STEP_MS) return;
    this.#follow(ms);
    this.#draw(ms);
  }

  #follow(ms) {
    const share = 1 - Math.exp(-Math.min(200, ms - this.#drawnMs) / SMOOTHING_MS);
    this.#drawnMs = ms;
    for (const who of ['bot', 'you']) this.#now[who] += (this.#target[who] - this.#now[who]) * share;
    if (ms - this.#steppedMs < HISTORY_STEP_MS) return;
    this.#steppedMs = ms;
    for (const who of ['bot', 'you']) {
      this.#past[who].unshift(this.#now[who]);
      this.#past[who].pop();
    }
  }

  #draw(ms) {
    const {context, width, height, colours} = this.#sheet.begin();
    if (!width) return;
    context.translate(width / 2, height / 2);
    context.lineCap = 'round';
    const radius = Math.min(width, height) / 2;
    const circle = radius * 0.76;
    this.#drawCircle(context, circle, colours, ms);
    if (calm()) this.#drawArcs(context, circle, radius, colours);
    else this.#drawStrokes(context, circle, radius, colours);
  }

  #drawCircle(context, circle, colours, ms) {
    const colour = {listening: colours.you, speaking: colours.bot}[this.#floor] ?? colours.soft;
    context.lineWidth = this.#floor === 'closed' ? 1 : 2;
    context.strokeStyle = this.#floor === 'closed' || this.#floor === 'idle' ? colours.line : colour;
    if (this.#floor === 'contested') {
      halfCircle(context, circle, colours.bot, 1);
      halfCircle(context, circle, colours.you, -1);
      return;
    }
    context.beginPath();
    context.arc(0, 0, circle, 0, 4 * QUARTER);
    if (this.#floor === 'processing' || this.#floor === 'connecting') context.setLineDash([2, 9]);
    if (!calm()) context.lineDashOffset = -(ms / 40) % 11;
    context.stroke();
    context.setLineDash([]);
  }

  /** The newest level stands at the top and runs down on both sides. */
  #drawStrokes(context, circle, radius, colours) {
    context.lineWidth = Math.max(2, radius / 52);
    const gap = 5;
    const out = radius - circle - gap - 2;
    for (let index = 0; index < STROKES_A_SIDE; index += 1) {
      const turn = ((index + 0.5) / STROKES_A_SIDE) * 2 * QUARTER;
      const fade = 1 - 0.75 * (index / STROKES_A_SIDE);
      for (const angle of [-QUARTER + turn, -QUARTER - turn]) {
        stroke(context, angle, circle + gap, this.#past.bot[index] * out, colours.bot, fade);
        stroke(context, angle, circle - gap, -this.#past.you[index] * out, colours.you, fade);
      }
    }
    context.globalAlpha = 1;
  }

  #drawArcs(context, circle, radius, colours) {
    context.lineWidth = Math.max(4, radius / 26);
    for (const [who, at] of [['bot', circle + 12], ['you', circle - 12]]) {
      const reach = this.#now[who] * 2 * QUARTER;
      if (reach < 0.02) continue;
      context.strokeStyle = colours[who];
      context.beginPath();
      context.arc(0, 0, at, -QUARTER - reach, -QUARTER + reach);
      context.stroke();
    }
  }
}

const SHORTEST_PX = 0.5;

function stroke(context, angle, from, length, colour, fade) {
  if (Math.abs(length) < SHORTEST_PX) return;
  context.globalAlpha = fade;
  context.strokeStyle = colour;
  context.beginPath();
  context.moveTo(Math.cos(angle) * from, Math.sin(angle) * from);
  context.lineTo(Math.cos(angle) * (from + length), Math.sin(angle) * (from + length));
  context.stroke();
}

function halfCircle(context, radius, colour, side) {
  const open = 0.12;
  context.strokeStyle = colour;
  context.lineWidth = 3;
  context.beginPath();
  const middle = side > 0 ? 0 : 2 * QUARTER;
  context.arc(0, 0, radius, middle - QUARTER + open, middle + QUARTER - open);
  context.stroke();
}

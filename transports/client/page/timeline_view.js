/** Draws the last seconds: the user's lane above, the bot's below, mutes hatched, verdicts as marks. */

import {calm, Sheet} from './canvas.js';
import {SPAN_MS} from './timeline.js';

const DRAW_STEP_MS = 66;
const CALM_STEP_MS = 1000;
const LEFT_PX = 36;
const TOP_PX = 14;
const BOTTOM_PX = 16;
const SECONDS_MARKED = 5;

export class TimelineView {
  #sheet;
  #timeline;
  #drawnMs = 0;
  #nowMs = 0;

  constructor(canvas, timeline) {
    this.#sheet = new Sheet(canvas);
    this.#timeline = timeline;
    new ResizeObserver(() => this.#paint()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#paint());
  }

  /** Draw what was up to now; more often than the eye follows is left out. */
  draw(nowMs) {
    if (nowMs - this.#drawnMs < (calm() ? CALM_STEP_MS : DRAW_STEP_MS)) return;
    this.#drawnMs = nowMs;
    this.#nowMs = nowMs;
    this.#paint();
  }

  #paint() {
    const {context, width, height, colours} = this.#sheet.begin();
    if (!width) return;
    const view = this.#timeline.view(this.#nowMs);
    const x = share => LEFT_PX + share * (width - LEFT_PX - 8);
    const lane = (height - TOP_PX - BOTTOM_PX) / 2;
    const you = TOP_PX + lane / 2;
    const bot = TOP_PX + lane * 1.5;
    drawScale(context, x, height, colours);
    drawLane(context, x, you, lane, view.levels, level => level.microphone, level => level.speech, colours.you);
    drawLane(context, x, bot, lane, view.levels, level => level.bot, () => true, colours.bot);
    drawMutes(context, x, bot, lane, view.mutes, colours);
    drawVerdicts(context, x, height, view.verdicts, colours);
    drawNames(context, you, bot, colours);
  }
}

function drawScale(context, x, height, colours) {
  context.strokeStyle = colours.line;
  context.fillStyle = colours.soft;
  context.lineWidth = 1;
  context.font = '11px system-ui, sans-serif';
  context.textAlign = 'center';
  const seconds = SPAN_MS / 1000;
  for (let ago = 0; ago <= seconds; ago += SECONDS_MARKED) {
    const at = Math.round(x(1 - ago / seconds)) + 0.5;
    context.beginPath();
    context.moveTo(at, TOP_PX);
    context.lineTo(at, height - BOTTOM_PX);
    context.stroke();
    context.textAlign = ago === 0 ? 'right' : 'center';
    context.fillText(ago === 0 ? 'now' : `−${ago} s`, ago === 0 ? at + 4 : at, height - 3);
  }
}

/** Loudness as bars around the middle of a lane; what is not speech is pale. */
function drawLane(context, x, middle, lane, levels, loudnessOf, isFull, colour) {
  context.strokeStyle = colour;
  context.globalAlpha = 0.35;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x(0), middle);
  context.lineTo(x(1), middle);
  context.stroke();
  context.lineWidth = 2;
  context.lineCap = 'butt';
  for (const full of [false, true]) {
    context.globalAlpha = full ? 1 : 0.4;
    context.beginPath();
    for (const level of levels) {
      const half = loudnessOf(level) * (lane / 2 - 3);
      if (half < 0.5 || Boolean(isFull(level)) !== full) continue;
      context.moveTo(x(level.at), middle - half);
      context.lineTo(x(level.at), middle + half);
    }
    context.stroke();
  }
  context.globalAlpha = 1;
}

function drawMutes(context, x, middle, lane, mutes, colours) {
  const [top, bottom] = [middle - lane / 2 + 2, middle + lane / 2 - 2];
  for (const {from, to} of mutes) {
    const left = x(from);
    const width = Math.max(3, x(to) - left);
    context.save();
    context.beginPath();
    context.rect(left, top, width, bottom - top);
    context.clip();
    context.fillStyle = colours.card;
    context.fillRect(left, top, width, bottom - top);
    context.strokeStyle = colours.ink;
    context.lineWidth = 1;
    context.beginPath();
    for (let at = left - (bottom - top); at < left + width; at += 5) {
      context.moveTo(at, bottom);
      context.lineTo(at + (bottom - top), top);
    }
    context.stroke();
    context.restore();
    context.strokeStyle = colours.ink;
    context.strokeRect(left, top, width, bottom - top);
  }
}

/** An accepted one is a filled mark, one that went on a hollow one: shape, not colour alone. */
function drawVerdicts(context, x, height, verdicts, colours) {
  for (const {at, phase} of verdicts) {
    context.strokeStyle = phase === 'accepted' ? colours.you : colours.bot;
    context.fillStyle = context.strokeStyle;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x(at), TOP_PX);
    context.lineTo(x(at), height - BOTTOM_PX);
    context.stroke();
    context.beginPath();
    if (phase === 'accepted') {
      context.moveTo(x(at), TOP_PX);
      context.lineTo(x(at) - 5, TOP_PX - 9);
      context.lineTo(x(at) + 5, TOP_PX - 9);
      context.closePath();
      context.fill();
    } else {
      context.arc(x(at), TOP_PX - 5, 4, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

function drawNames(context, you, bot, colours) {
  context.font = '600 12px system-ui, sans-serif';
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillStyle = colours.you;
  context.fillText('You', 0, you);
  context.fillStyle = colours.bot;
  context.fillText('Bot', 0, bot);
  context.textBaseline = 'alphabetic';
}

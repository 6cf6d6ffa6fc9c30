/** Shows what the last answer's latency was made of: a bar in parts, and each part in figures. */

import {hits, median, scaleMs} from './answers.js';
import {element} from './element.js';
import {milliseconds} from './interruptions.js';
import {stageWords} from './wording.js';

export class AnswersView {
  #parts;
  #nothingYet;

  /** `parts`: the elements `last` and `count`. */
  constructor(parts) {
    this.#parts = parts;
    this.#nothingYet = [...parts.last.children];
  }

  /** Show the answers, the newest first. */
  show(answers) {
    const {last, count} = this.#parts;
    const [newest] = answers;
    last.replaceChildren(...(newest ? lastOne(newest, answers) : this.#nothingYet));
    count.textContent = answers.length > 1
      ? `half of ${answers.length} within ${milliseconds(median(answers))}` : '';
  }
}

function lastOne(answer, answers) {
  const stages = answer.stages.map(({stage, ms}) => ({...stageWords(stage), ms}));
  return [headline(answer), bar(stages, scaleMs(answers)), figures(stages), ...speculation(answer)];
}

function headline({totalMs}) {
  return element('p', {class: 'response'},
    element('strong', {}, milliseconds(totalMs)),
    ' from your last sound to the bot’s first');
}

/** The list behind it says the same in words. */
function bar(stages, scale) {
  const drawn = stages.filter(({ms}) => ms > 0).map(({kind, words, ms}) => {
    const part = element('span', {'data-kind': kind, title: `${words}: ${milliseconds(ms)}`});
    part.style.width = `${(100 * ms) / scale}%`;
    return part;
  });
  return element('div', {class: 'stages', 'aria-hidden': 'true'}, ...drawn);
}

function figures(stages) {
  return element('dl', {class: 'stage-figures'}, ...stages.map(({kind, words, ms}) =>
    element('div', {'data-kind': kind, 'data-ready': String(ms === 0)},
      element('dt', {}, words),
      element('dd', {}, ms === 0 ? 'no wait' : milliseconds(ms)))));
}

function speculation(answer) {
  const said = [];
  if (answer.speculated) {
    said.push(element('span', {class: 'saved'}, 'Prepared while you spoke'),
      `${milliseconds(answer.savedMs)} saved.`);
  }
  const rate = hits(answer);
  if (rate) said.push(`${rate}.`);
  if (!said.length) return [];
  return [element('p', {class: 'prepared'}, ...said.flatMap((each) => [each, ' ']))];
}

import type { ExploreReport, FailureGroup, MinimalPiece, MinimalSet } from '@vpmem/explorer';
import { minimalWords, signatureOf } from '../failure-words.ts';
import { readable, readableLines } from '@vpmem/page-kit/readable-text';
import { afterWhat, type LaterFailure } from '../second-cuts.ts';
import { hexOffset } from '../shown-words.ts';
import { count, number } from '../wording.ts';
import { copyable } from './copy-button.ts';
import { button, element, foreign, type Child } from '@vpmem/page-kit/element';
import { hexTable } from './hex-table.ts';
import { minimalMap } from './minimal-map.ts';

/** Of pieces, names of one, and windows, this many are shown before somebody asks for more. */
const PIECES = 12;
const NAMES = 8;
const WINDOWS = 24;
/** Characters of a name at most. */
const NAME = 500;

/** All that is known of a failure. */
export function failureBody(report: ExploreReport, failure: FailureGroup, showWindow: (name: string) => void, later?: LaterFailure): HTMLElement {
  const { minimal } = failure;
  const model = report.model.find(({ unit }) => unit === failure.unit)?.text;
  const signature = signatureOf(failure);
  return element('div', { class: 'body' },
    ...(signature.endsWith('…') ? [block('Signature', element('pre', { tabindex: '0' }, foreign(failure.signature)))] : []),
    ...(later === undefined ? [] : [element('p', { class: 'model-note' }, foreign(afterWhat(later), 700))]),
    block('Reproduce', copyable(readable(failure.reproduce))),
    ...(model === undefined ? [] : [element('p', { class: 'model-note' }, `It begins with unit ${failure.unit}. `, foreign(model))]),
    ...(minimal === undefined ? [block('State', element('p', {}, element('code', {}, readable(failure.state)), ' It was not made smaller.'))] : [minimalBlock(minimal)]),
    element('div', { class: 'columns' }, ...promised(failure), ...output(failure)),
    block(`Windows (${number(failure.windows.length)})`, later === undefined ? windowLinks(failure.windows, showWindow) : element('p', { class: 'states' }, failure.windows.join(' '))),
    block(`States (${number(failure.states.length)} of ${number(failure.count)})`, element('p', { class: 'states' }, ...failure.states.flatMap((state) => [element('code', {}, readable(state, 200)), ' ']))),
  );
}

function block(title: string, ...children: readonly Child[]): HTMLElement {
  return element('section', { class: 'block' }, element('h3', {}, title), ...children);
}

function minimalBlock(minimal: MinimalSet): HTMLElement {
  const { pieces, kind } = minimal;
  const list = element('ol', { class: 'pieces' });
  more(list, pieces, PIECES, 'place', (piece) => element('li', {}, ...pieceParts(piece)));
  const words = minimalWords(minimal).replace(/^Minimal set: /, '');
  return block('Minimal set', element('p', {}, foreign(words.charAt(0).toUpperCase() + words.slice(1))), element('div', { class: `minimal ${kind}` }, minimalMap(minimal), list));
}

function pieceParts(piece: MinimalPiece): Child[] {
  const { offset, length, names } = piece;
  const list = element('ul', { class: 'names' });
  more(list, names, NAMES, 'name', ({ name, path, fileOffset }) => {
    const known = path !== undefined && !name.includes(path) ? element('span', { class: 'path' }, foreign(`${path}${fileOffset === undefined ? '' : ` at ${fileOffset}`}`)) : undefined;
    return element('li', {}, foreign(name, NAME), ...(known === undefined ? [] : [' ', known]));
  });
  return [
    element('p', { class: 'where' }, element('code', {}, hexOffset(offset)), ` ${count(length, 'byte')}`),
    names.length === 0 ? element('p', { class: 'hint' }, 'No name is known.') : list,
    hexTable(piece),
  ];
}

function promised({ marks }: FailureGroup): HTMLElement[] {
  if (marks.length === 0) return [];
  return [block(`Promised before (${marks.length === 20 ? 'the last 20' : number(marks.length)})`, element('ol', { class: 'marks', tabindex: '0' }, ...marks.map((mark) => element('li', {}, foreign(mark, 500)))))];
}

function output({ output: text }: FailureGroup): HTMLElement[] {
  if (text === '') return [];
  return [block('Output', element('pre', { tabindex: '0' }, element('bdi', {}, readableLines(text).join('\n'))))];
}

function windowLinks(names: readonly string[], showWindow: (name: string) => void): HTMLElement {
  const list = element('ul', { class: 'links' });
  more(list, names, WINDOWS, 'window', (name) => element('li', {}, button(name, () => showWindow(name), { class: 'link', 'aria-label': `Show window ${name} in the timeline` })));
  return list;
}

/** Fills a list, and gives it a button for what is beyond `most`. */
function more<T>(list: HTMLElement, all: readonly T[], most: number, noun: string, make: (each: T) => HTMLElement): void {
  list.append(...all.slice(0, most).map(make));
  if (all.length <= most) return;
  const rest = button(`${count(all.length - most, noun)} more`, () => {
    const made = all.slice(most).map(make);
    last.replaceWith(...made);
    made[0]?.querySelector('button')?.focus();
  }, { class: 'link' });
  const last = element('li', { class: 'more' }, rest);
  list.append(last);
}

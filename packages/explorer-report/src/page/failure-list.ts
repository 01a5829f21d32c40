import type { ExploreReport, FailureGroup } from '@vpmem/explorer';
import { signatureOf } from '../failure-words.ts';
import { laterFailures, type LaterFailure } from '../second-cuts.ts';
import { count, number, result } from '../wording.ts';
import { element, foreign, part, vector } from '@vpmem/page-kit/element';
import { failureBody } from './failure-body.ts';

interface Shown {
  readonly failure: FailureGroup;
  readonly details: HTMLDetailsElement;
  /** What a filter looks in, in lower case. */
  readonly text: string;
}

const STEPS = ['mount', 'check', 'unmount'] as const;
const UNITS = ['page', 'sector', 'line', 'word'] as const;

/** Failures by signature, most frequent first; a body is made when it is opened. */
export class FailureList {
  readonly #shown: readonly Shown[];
  /** How many of them take one cut only: the others have windows of another recording. */
  readonly #ofFirst: number;
  readonly #filter = element('input', { type: 'search', id: 'failure-filter', placeholder: 'Filter by text', 'aria-label': 'Filter failures by text', autocomplete: 'off', spellcheck: 'false' });
  readonly #step: HTMLSelectElement;
  readonly #unit: HTMLSelectElement;
  readonly #number = element('span', { class: 'shown', role: 'status' });

  /** @param showWindow shows a window in the timeline */
  constructor(report: ExploreReport, showWindow: (name: string) => void) {
    const later = laterFailures(report);
    const failures = [...report.failures, ...later.map(({ failure }) => failure)];
    this.#ofFirst = report.failures.length;
    this.#shown = failures.map((failure, i) => ({ failure, details: card(report, failure, i, showWindow, later[i - report.failures.length]), text: textOf(failure) }));
    this.#step = choice('Step', STEPS.filter((step) => failures.some((failure) => failure.step === step)));
    this.#unit = choice('Unit', UNITS.filter((unit) => failures.some((failure) => failure.unit === unit)));
    if (failures.length === 0) {
      part('failure-list', HTMLElement).append(element('p', { class: 'empty' }, `None: ${result(report)}.`));
      return;
    }
    part('failure-filters', HTMLElement).append(this.#filter, this.#step, this.#unit, this.#number);
    part('failure-list', HTMLElement).append(...this.#shown.map(({ details }) => details));
    for (const control of [this.#filter, this.#step, this.#unit]) control.addEventListener('input', () => this.#apply());
    this.#apply();
    const [first] = this.#shown;
    if (first !== undefined) first.details.open = true;
  }

  /** Opens the first failure that was seen in a window. */
  reveal(window: string): void {
    const found = this.#shown.slice(0, this.#ofFirst).find(({ failure }) => failure.windows.includes(window));
    if (found === undefined) return;
    [this.#filter.value, this.#step.value, this.#unit.value] = ['', '', ''];
    this.#apply();
    found.details.open = true;
    found.details.scrollIntoView({ block: 'start' });
    found.details.querySelector('summary')?.focus({ preventScroll: true });
  }

  #apply(): void {
    const words = this.#filter.value.toLowerCase().split(/\s+/);
    let left = 0;
    for (const { failure, details, text } of this.#shown) {
      const fits = words.every((word) => text.includes(word)) && ['', failure.step].includes(this.#step.value) && ['', failure.unit].includes(this.#unit.value);
      details.hidden = !fits;
      left += fits ? 1 : 0;
    }
    this.#number.textContent = left === this.#shown.length ? count(left, 'kind') : `${number(left)} of ${count(this.#shown.length, 'kind')}`;
  }
}

function choice(name: string, values: readonly string[]): HTMLSelectElement {
  return element('select', { 'aria-label': name }, element('option', { value: '' }, `${name}: all`), ...values.map((value) => element('option', { value }, `${name}: ${value}`)));
}

function textOf(failure: FailureGroup): string {
  const names = failure.minimal?.pieces.flatMap(({ names: all }) => all.map(({ name }) => name)) ?? [];
  return [signatureOf(failure), failure.verdict, ...names, ...failure.windows, ...failure.states].join('\n').toLowerCase();
}

function card(report: ExploreReport, failure: FailureGroup, place: number, showWindow: (name: string) => void, later: LaterFailure | undefined): HTMLDetailsElement {
  const { step, verdict, unit, windows } = failure;
  const arrow = vector('svg', { class: 'arrow', viewBox: '0 0 10 10', 'aria-hidden': 'true' }, vector('path', { d: 'M3 1l4 4-4 4' }));
  const badges = [
    ...(later === undefined ? [] : [element('span', { class: 'badge' }, 'second cut')]),
    element('span', { class: 'badge' }, verdict === 'hang' ? `hangs at ${step}` : step),
    element('span', { class: 'badge unit', title: 'The coarsest unit with which it fails' }, `from ${unit}`),
    element('span', { class: 'often' }, `${count(failure.count, 'state')} in ${count(windows.length, 'window')}`),
  ];
  const details = element('details', { class: 'failure' }, element('summary', {}, arrow, element('span', { class: 'place' }, `${place + 1}`), element('span', { class: 'signature' }, foreign(signatureOf(failure))), element('span', { class: 'badges' }, ...badges)));
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) details.append(failureBody(report, failure, showWindow, later));
  });
  return details;
}

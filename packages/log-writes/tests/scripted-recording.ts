import * as fc from 'fast-check';
import { PAGE_SIZE, Recording } from '@vpmem/recording';
import { Model } from '@vpmem/recording/testing';

/** What a guest does, and what happens to it. */
export type ScriptStep =
  | { readonly type: 'store'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly type: 'tick' }
  | { readonly type: 'cut' }
  | { readonly type: 'mark' }
  /** `meanwhile` is stored and marked while the flush is in flight. */
  | { readonly type: 'flush'; readonly status: 'ok' | 'failed' | 'cut'; readonly meanwhile?: Uint8Array | undefined };

/** What is durable at a flush that was answered, at a cut, or when a mark is made. */
export interface Milestone {
  /** Empty unless it is a mark. */
  readonly mark: string;
  /** `41`, `cut1`: the window that ends here. */
  readonly window?: string;
  readonly durable: Uint8Array;
}

export interface ScriptedRecording {
  readonly recording: Recording;
  readonly base: Uint8Array;
  readonly milestones: readonly Milestone[];
  /** Flushes that failed or were cut off. */
  readonly unanswered: number;
}

const PAGES = 12;
const bytes = fc.uint8Array({ minLength: 1, maxLength: 3 * PAGE_SIZE, size: 'max' });
const stored = fc.record({ type: fc.constant('store' as const), at: fc.integer({ min: 0, max: PAGES * PAGE_SIZE - 1 }), bytes });
const flushed = fc.record({ type: fc.constant('flush' as const), status: fc.constantFrom('ok' as const, 'ok' as const, 'ok' as const, 'failed' as const, 'cut' as const), meanwhile: fc.option(bytes, { nil: undefined }) });
export const script: fc.Arbitrary<ScriptStep[]> = fc.array(
  fc.oneof({ weight: 5, arbitrary: stored }, { weight: 3, arbitrary: flushed }, { weight: 1, arbitrary: fc.constantFrom<ScriptStep[]>({ type: 'tick' }, { type: 'cut' }, { type: 'mark' }) }),
  { minLength: 1, maxLength: 30 },
);

/** Carries a script out, and keeps what has to be durable when. */
export function carryOut(steps: readonly ScriptStep[]): ScriptedRecording {
  const base = new Uint8Array(PAGES * PAGE_SIZE);
  base.fill(0xb0, 0, 5 * PAGE_SIZE);
  const model = new Model(base);
  const milestones: Milestone[] = [];
  let [durable, unanswered, marks] = [base, 0, 0];
  const mark = (): void => {
    model.moment('mark');
    const text = `mark ${++marks}`;
    model.writer.mark(text);
    milestones.push({ mark: text, durable });
  };
  const cut = (inFlight: boolean): void => {
    model.cut((page) => page % 3 !== 0, inFlight);
    durable = model.memory.slice();
    milestones.push({ mark: '', window: `cut${model.cuts}`, durable });
  };
  const flush = ({ status, meanwhile }: Extract<ScriptStep, { type: 'flush' }>): void => {
    model.ask();
    const asked = model.memory.slice();
    if (meanwhile !== undefined) {
      model.store(PAGE_SIZE / 2, meanwhile);
      mark();
    }
    if (status !== 'ok') unanswered++;
    if (status === 'cut') {
      cut(true);
      return;
    }
    model.answer(status);
    if (status === 'failed') return;
    durable = asked;
    milestones.push({ mark: '', window: String(model.flush), durable });
  };
  for (const step of steps) {
    if (step.type === 'store') model.store(step.at, step.bytes);
    else if (step.type === 'tick') model.moment('tick');
    else if (step.type === 'mark') mark();
    else if (step.type === 'cut') cut(false);
    else flush(step);
  }
  model.end();
  return { recording: Recording.of(model.bytes.file), base, milestones, unanswered };
}

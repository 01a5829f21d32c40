import { Model } from '../src/testing.ts';

const PAGE = 4096;
export const SAMPLE_PAGES = 8;

/** A small recording with a frame of every type; the same every time. */
export function sampleModel(): Model {
  const base = new Uint8Array(SAMPLE_PAGES * PAGE);
  base.fill(0x11, 2 * PAGE, 3 * PAGE);
  base.fill(0x22, 6 * PAGE, 6 * PAGE + 100);
  const model = new Model(base);
  const { writer } = model;
  const text = (at: number, words: string): void => model.store(at, new TextEncoder().encode(words));
  writer.client('came', 'pid 4711');
  text(0, 'first');
  model.ask();
  model.answer('ok');
  text(PAGE + 500, 'a sector and the next, torn');
  model.moment('tick');
  text(2 * PAGE, 'marked');
  model.moment('mark');
  writer.mark('acknowledged 1');
  text(PAGE + 500, 'A SECTOR AND THE NEXT, TORN');
  model.store(5 * PAGE, new Uint8Array(PAGE).fill(0x33));
  model.ask();
  text(7 * PAGE, 'late');
  model.moment('tick');
  model.answer('ok');
  writer.reset('by the guest');
  model.ask();
  model.answer('failed');
  text(3 * PAGE, 'lost');
  model.ask();
  model.cut((page) => page === 7, true);
  writer.client('left');
  text(4 * PAGE, 'after the cut: ü');
  model.moment('again');
  return model;
}

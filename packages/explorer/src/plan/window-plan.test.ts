import { formatState, type StateUnit } from '@vpmem/recording';
import { expect, it } from 'vitest';
import { Disk, PAGE } from '../../tests/disk.ts';
import { planWindow } from './window-plan.ts';
import { WindowVersions } from './window-versions.ts';

function planned(disk: Disk, units: readonly StateUnit[], states = 256): string[] {
  const recording = disk.end();
  const versions = new WindowVersions(recording.contents(recording.windows[0]!));
  return [...planWindow(versions, 0, { units, seed: 1, states }, () => undefined)].map((each) => (each === 'turn' ? '|' : formatState(each.state).slice(2)));
}

const upTo = (plan: readonly string[], turns: number): string => plan.join(' ').split(' | ').slice(0, turns).join(' | ');

it('none and all come first, then tears, then what is next to all and none, then every state', () => {
  const disk = new Disk(4).store(0, Uint8Array.of(1)).store(512, Uint8Array.of(1)).store(PAGE, Uint8Array.of(1)).store(2 * PAGE, Uint8Array.of(1)).flush();
  expect(upTo(planned(disk, ['page', 'sector']), 4)).toBe(
    'none all | sector:-1.1 sector:+1.1 sector:-1.2 sector:+1.2 | page:-1 page:+1 page:-2 page:+2 page:-3 page:+3 | ' +
      'none page:+1 page:+2 page:-3 page:+3 page:-2 page:-1 all',
  );
});

it('moments other than the target are tried as a whole, and of each unit', () => {
  const disk = new Disk(4).store(0, Uint8Array.of(1)).tick().store(0, Uint8Array.of(2)).store(PAGE, Uint8Array.of(1)).flush();
  const plan = upTo(planned(disk, ['page']), 3);
  expect(plan).toBe('none all all@1 | page:-1 page:-2 | none page:+1 page:+1@1 page:+2 all page:-1@1');
});

it('what is planned of a large window stays within its bounds, and ends with chance', () => {
  const disk = new Disk(300);
  for (let page = 0; page < 300; page++) disk.store(page * PAGE, new Uint8Array(PAGE).fill(page + 1));
  const plan = planned(disk.flush(), ['page', 'sector', 'line', 'word'], 100).filter((each) => each !== '|');
  expect(plan.length).toBeLessThan(300);
  expect(plan.slice(-4).map((each) => each.replace(/\d+$/, ''))).toEqual(['random:page:', 'random:sector:', 'random:line:', 'random:word:']);
  expect(new Set(plan).size).toBe(plan.length);
});

it('of a large window the pages in which little changed are torn first', () => {
  const disk = new Disk(60);
  for (let page = 0; page < 60; page++) disk.store(page * PAGE, new Uint8Array(page === 33 ? 600 : PAGE).fill(page + 1));
  const tears = planned(disk.flush(), ['page', 'sector']).filter((each) => each.startsWith('sector'));
  expect(tears[0]).toBe('sector:-34.1');
});

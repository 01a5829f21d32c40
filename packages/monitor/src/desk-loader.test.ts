import { closeSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DeskLoader } from './desk-loader.ts';
import type { MonitorDesk } from './monitor-desk.ts';

/** Whichever it is. */
const desk = Object.create(null) as MonitorDesk;

it('loads once, for all who ask', async () => {
  let made = 0;
  const desks = new DeskLoader(() => {
    made++;
    return desk;
  });
  expect(desks.loaded).toBeUndefined();
  const [first, second] = await Promise.all([desks.load(), desks.load()]);
  expect([made, first === second, desks.loaded === first]).toEqual([1, true, true]);
});

it('opens nothing where descriptors are short, and can be asked again: node itself would never try again', async () => {
  const desks = new DeskLoader(() => desk);
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    // All are taken: leave a few, with which a module could be opened, but not those that it imports.
    for (const fd of taken.splice(0, 8)) closeSync(fd);
  }
  try {
    await expect(desks.load()).rejects.toMatchObject({ code: 'EMFILE' });
  } finally {
    for (const fd of taken) closeSync(fd);
  }
  await desks.load();
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withLock } from './cache-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const nobody = (): void => {
  throw new Error('nobody has the lock');
};

describe('withLock', () => {
  it('lets one in at a time, and says so to who waits', async () => {
    const path = join(folder, 'lock');
    const steps: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let entered: () => void = () => undefined;
    const inside = new Promise<void>((resolve) => (entered = resolve));
    const first = withLock(path, nobody, async () => {
      entered();
      await held;
      steps.push('first');
    });
    await inside;
    const waits = vi.fn(() => release());
    await withLock(path, waits, () => Promise.resolve(steps.push('second')));
    await first;
    expect(steps).toEqual(['first', 'second']);
    expect(waits).toHaveBeenCalledOnce();
  });

  it('is free again after a failure', async () => {
    const path = join(folder, 'lock');
    await expect(withLock(path, nobody, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await withLock(path, nobody, () => Promise.resolve(1))).toBe(1);
  });

  it('fails where there can be no lock', async () => {
    await expect(withLock(join(folder, 'no', 'lock'), nobody, () => Promise.resolve(1))).rejects.toMatchObject({ code: 'program' });
  });
});

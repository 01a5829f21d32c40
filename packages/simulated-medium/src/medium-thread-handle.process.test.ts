import { ScarceDescriptors, TestBackend } from '@vpmem/memory-backend/testing';
import { EventLoop } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MediumThreadHandle } from './medium-thread-handle.ts';
import type { MediumResult } from './medium-messages.ts';
import { SimulatedMedium } from './simulated-medium.ts';

const nobody = { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined };
const NO_ROOM = { code: 'EMFILE', message: 'no thread can be started for the simulated medium (EMFILE): it needs 16 descriptors, see ulimit -n' };

let scarce: ScarceDescriptors;
beforeEach(() => {
  scarce = new ScarceDescriptors();
});
afterEach(() => scarce.end());

describe('a simulated medium where no thread can be started', () => {
  it.each(['node', 'its own'])('is not made, and leaves nothing: %s event loop', async (whose) => {
    const disk = await TestBackend.open(4096, { powerFailure: true });
    const loop = whose === 'node' ? undefined : new EventLoop();
    const full = scarce.exhaust();
    expect(() => new SimulatedMedium(disk.description, nobody, loop)).toThrow(expect.objectContaining(NO_ROOM) as Error);
    expect(scarce.exhaust()).toBe(full);
    scarce.release();
    const medium = new SimulatedMedium(disk.description, nobody);
    expect(await new Promise((resolve) => medium.start(resolve))).toBeUndefined();
    await new Promise<void>((resolve) => medium.close(resolve));
    loop?.close();
    disk.close();
  });

  it('whose thread ends before it has begun fails what waits for it, and what comes after', async () => {
    const disk = await TestBackend.open(4096, { powerFailure: true });
    const medium = new SimulatedMedium(disk.description, nobody);
    // Before the thread has read its program.
    scarce.exhaust();
    const gone = { code: expect.stringMatching(/EMFILE|ERR_WORKER_INIT_FAILED/) as string, message: expect.stringMatching(/^the thread of the simulated medium is gone: .*EMFILE/) as string };
    const flush = (): Promise<unknown> => new Promise((resolve) => medium.start(resolve));
    expect(await Promise.all([flush(), flush()])).toMatchObject([gone, gone]);
    scarce.release();
    expect(await flush()).toMatchObject(gone);
    await new Promise<void>((resolve) => medium.close(resolve));
    disk.close();
  });
});

describe('a medium that its thread cannot open', () => {
  it.each(['node', 'its own'])('fails all that is asked of it, and ends: %s event loop', async (whose) => {
    const loop = whose === 'node' ? undefined : new EventLoop();
    const span = { fd: -1, offset: 0 };
    const handle = new MediumThreadHandle({ memory: span, file: span, size: 4096 }, { tracker: 'auto', loop, notice: () => undefined });
    const results: MediumResult[] = [];
    const ends: string[] = [];
    handle.post({ type: 'flush', flush: 1 }, (result) => results.push(result));
    handle.post({ type: 'measure' }, (result) => results.push(result));
    handle.close(() => ends.push('closed'));
    const limit = performance.now() + 60_000;
    while (ends.length === 0 && performance.now() < limit) {
      loop?.turn(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(results).toMatchObject([{ ok: false, code: 'ENOENT' }, { ok: false, code: 'ENOENT' }]);
    expect(ends).toEqual(['closed']);
    loop?.close();
  });
});

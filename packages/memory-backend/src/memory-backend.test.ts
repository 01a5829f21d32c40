import { closeSync, writeSync } from 'node:fs';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createMemfd } from '@vpmem/native';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryBackend, SYNC_FAILED_CHANNEL } from './memory-backend.ts';
import { fileSyncer, promptSyncer, volatileSyncer, type Syncer } from './flushes/syncer.ts';
import { ManualSyncer } from './testing.ts';

let fd: number;
beforeEach(() => {
  fd = createMemfd('backend', 8192);
});
afterEach(() => closeSync(fd));

const backend = (syncer: Syncer): MemoryBackend =>
  new MemoryBackend(
    { id: 'mem1', type: 'memory-backend-file', size: 4096, fd, offset: 4096, align: 4096, path: undefined, volatile: undefined, discardData: false, was: 'there' },
    syncer,
  );

it('reads and writes integers at its offset in the file', () => {
  const memory = backend(new ManualSyncer());
  writeSync(fd, Uint8Array.of(1, 2, 3, 4), 0, 4, 4096 + 16);
  expect([memory.read(16, 1), memory.read(16, 2), memory.read(16, 4)]).toEqual([1, 0x0201, 0x0403_0201]);
  memory.write(20, 4, 0xffee_ddcc);
  memory.write(24, 2, 0x1_2345);
  expect([memory.read(20, 4), memory.read(24, 4)]).toEqual([0xffee_ddcc, 0x2345]);
});

it('publishes a sync that failed, once', () => {
  const syncer = new ManualSyncer();
  const memory = backend(syncer);
  const messages: unknown[] = [];
  const listener = (message: unknown): number => messages.push(message);
  subscribe(SYNC_FAILED_CHANNEL, listener);
  for (let i = 0; i < 3; i++) {
    memory.flushes.request(() => undefined);
    memory.flushes.start();
    syncer.begin();
    syncer.finish('EIO');
  }
  unsubscribe(SYNC_FAILED_CHANNEL, listener);
  expect(messages).toMatchObject([{ id: 'mem1', error: { code: 'EIO' } }]);
});

it('fileSyncer answers later, not at once', async () => {
  const memory = backend(fileSyncer(fd));
  const answered = new Promise<boolean>((resolve) => memory.flushes.request(resolve));
  memory.flushes.start();
  expect(memory.flushes.inFlight).toBe(1);
  expect(await answered).toBe(true);
});

it.each([
  ['promptSyncer', (): Syncer => promptSyncer(fd)],
  ['volatileSyncer', (): Syncer => volatileSyncer({ id: 'mem1' })],
])('%s answers before it returns, each who asked once', (_, make) => {
  const memory = backend(make());
  const answers: [boolean, boolean][] = [];
  for (let i = 0; i < 2; i++) memory.flushes.request((durable, last) => answers.push([durable, last]));
  expect(answers).toEqual([]);
  memory.flushes.start();
  expect(answers).toEqual([
    [true, false],
    [true, true],
  ]);
  expect(memory.flushes.inFlight).toBe(0);
  expect(memory.flushes.stats).toEqual({ asked: 2, synced: 1, coalesced: 1, failed: 0 });
});

it.each([
  ['fileSyncer', fileSyncer],
  ['promptSyncer', promptSyncer],
])('%s reports what fdatasync says', async (_, make) => {
  const memory = backend(make(999_999));
  const answered = new Promise<boolean>((resolve) => memory.flushes.request(resolve));
  memory.flushes.start();
  expect(await answered).toBe(false);
  expect(memory.flushes.failure?.code).toBe('EBADF');
});

it('a flush of what has readonly=on fails, and says why', async () => {
  const error = await new Promise((resolve) => volatileSyncer({ id: 'mem1', readonly: true }).start(resolve));
  expect(error).toMatchObject({ code: 'EROFS', message: "memory backend 'mem1' has readonly=on, so nothing becomes durable" });
});

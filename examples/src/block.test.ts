import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEVICE_NEEDS_RESET } from '@vpmem/virtio';
import type { DriverVirtqueue, Element } from '@vpmem/virtio/driver';
import { bringUp, bringUpQueue, QUEUE_FORMATS, testBench, type TestBench } from '@vpmem/virtio/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Disk } from './block.ts';

const [HEADER, DATA, STATUS] = [0x8000, 0x1_0000, 0x9000];
const [IN, OUT, FLUSH, GET_ID] = [0, 1, 4, 8];
const [OK, IOERR, UNSUPP] = [0, 1, 2];
/** A whole disk, and some bytes that are not of it. */
const SIZE = 64 * 512;

let folder: string;
let path: string;
let file: FileHandle;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-example-'));
  path = join(folder, 'disk.img');
  file = await open(path, 'w+');
  await file.write(Buffer.alloc(SIZE + 100, '.'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await file.close();
  rmSync(folder, { recursive: true });
});

describe.each(QUEUE_FORMATS)('the disk, with a %s ring', (_, features) => {
  let bench: TestBench;
  let queue: DriverVirtqueue;
  const begin = (disk = new Disk(file, SIZE + 100)): void => {
    bench = testBench(disk, { packed: true }, 2 ** 22);
    queue = bringUpQueue(bench, { features });
  };
  beforeEach(() => begin());

  const send = (...elements: Element[]): void => {
    queue.add(elements);
    queue.publish();
    bench.controller.notify(0);
  };
  const header = (type: number, sector = 0, length = 16): Element => {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32LE(type, 0);
    bytes.writeBigUInt64LE(BigInt(sector), 8);
    bench.memory.write(HEADER, bytes);
    return { address: HEADER, length };
  };
  const status = { address: STATUS, length: 1, writable: true };
  const room = (length: number): Element => ({ address: DATA, length, writable: true });
  const data = (length: number): Element => ({ address: DATA, length });
  /** Status and used length of a request. */
  async function ask(...elements: Element[]): Promise<(number | undefined)[]> {
    bench.memory.write(STATUS, Uint8Array.of(0xee));
    send(...elements);
    const used = await vi.waitUntil(() => queue.takeUsed(), { interval: 1, timeout: 60_000 });
    const byte = new Uint8Array(1);
    bench.memory.read(STATUS, byte);
    return [byte[0], used.length];
  }

  it('has the size of the file in whole sectors, and says how much it takes at once', () => {
    const { config } = bench.controller;
    expect([0, 4, 8, 12].map((offset) => config.read(offset, 4))).toEqual([64, 0, 65536, 16]);
  });

  it('reads what was written, also in pieces', async () => {
    bench.memory.write(DATA, Buffer.alloc(1024, 'w'));
    expect(await ask(header(OUT, 2), data(300), { address: DATA, length: 724 }, status)).toEqual([OK, 1]);
    expect(readFileSync(path).toString()).toBe(`${'.'.repeat(1024)}${'w'.repeat(1024)}${'.'.repeat(SIZE - 2048 + 100)}`);
    bench.memory.write(DATA, Buffer.alloc(1024));
    expect(await ask(header(IN, 3), room(100), { ...room(412), address: DATA + 100 }, status)).toEqual([OK, 513]);
    const read = Buffer.alloc(513);
    bench.memory.read(DATA, read);
    expect(read.toString()).toBe(`${'w'.repeat(512)}\0`);
  });

  it('a flush is answered when the file is synced, and not before', async () => {
    let finish = (): void => undefined;
    const sync = vi.spyOn(file, 'datasync').mockImplementation(() => new Promise<void>((resolve) => (finish = resolve)));
    send(header(FLUSH), status);
    await new Promise(setImmediate);
    expect([sync.mock.calls.length, queue.takeUsed()]).toEqual([1, undefined]);
    finish();
    await new Promise(setImmediate);
    expect(queue.takeUsed()?.length).toBe(1);
  });

  it('when one flush has failed all later ones fail', async () => {
    expect(await ask(header(FLUSH), status)).toEqual([OK, 1]);
    vi.spyOn(file, 'datasync').mockRejectedValueOnce(new Error('EIO'));
    expect(await ask(header(FLUSH), status)).toEqual([IOERR, 1]);
    expect(await ask(header(FLUSH), status)).toEqual([IOERR, 1]);
  });

  it.each([
    ['begins beyond the end', () => [header(IN, 64), room(512), status]],
    ['ends beyond the end', () => [header(OUT, 63), data(1024), status]],
    ['begins beyond any number', () => [header(IN, Number.MAX_SAFE_INTEGER), room(512), status]],
    ['is no whole sector', () => [header(OUT, 0), data(100), status]],
    ['is longer than it may be', () => [header(OUT, 0), data(2 ** 20 + 512), status]],
    ['claims gigabytes', () => [header(IN, 0), room(2 ** 31), room(2 ** 31 - 512), status]],
    ['has data that is not in RAM', () => [header(OUT, 0), { address: 2 ** 40, length: 512 }, status]],
  ])('a request that %s is an error, and changes nothing', async (_name, elements) => {
    expect((await ask(...elements()))[0]).toBe(IOERR);
    expect(readFileSync(path).toString()).toBe('.'.repeat(SIZE + 100));
  });

  it('a type it does not know is unsupported', async () => {
    expect(await ask(header(GET_ID), room(20), status)).toEqual([UNSUPP, 0]);
  });

  it('the host refusing is an error', async () => {
    const readable = await open(path, 'r');
    begin(new Disk(readable, SIZE));
    expect((await ask(header(OUT), data(512), status))[0]).toBe(IOERR);
    await file.truncate(512);
    expect((await ask(header(IN, 1), room(512), status))[0]).toBe(IOERR);
    await readable.close();
  });

  it.each([
    ['to read where one to write is wanted', () => [header(IN), data(512), { address: STATUS, length: 1 }]],
    ['of no bytes for its status', () => [header(IN), { ...status, length: 0 }]],
    ['with half a header', () => [header(IN, 0, 8), status]],
  ])('a buffer %s comes back with nothing written', async (_name, elements) => {
    expect(await ask(...elements())).toEqual([0xee, 0]);
    expect([bench.controller.status & DEVICE_NEEDS_RESET, await ask(header(FLUSH), status)]).toEqual([0, [OK, 1]]);
  });

  it('a status that is not in RAM asks for a reset, after which it works', async () => {
    send(header(FLUSH), { address: 2 ** 40, length: 1, writable: true });
    await vi.waitUntil(() => (bench.controller.status & DEVICE_NEEDS_RESET) !== 0, { interval: 1, timeout: 60_000 });
    queue = bringUpQueue(bench, { features });
    expect(await ask(header(FLUSH), status)).toEqual([OK, 1]);
  });
});

it('an index out of the ring asks for a reset', () => {
  const bench = testBench(new Disk(file, SIZE));
  const queue = bringUp(bench);
  queue.offerHead(500);
  queue.publish();
  bench.controller.notify(0);
  expect(bench.controller.status & DEVICE_NEEDS_RESET).toBe(DEVICE_NEEDS_RESET);
});

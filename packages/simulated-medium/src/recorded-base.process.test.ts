import { randomFillSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { closeBackend, openBackend } from '@vpmem/memory-backend';
import { Recording, type BaseExtent } from '@vpmem/recording';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asItWas } from './recorded-base.ts';
import { RecorderInbox } from './recorder-inbox.ts';
import { RecorderWords, type RecorderMessage } from './recorder-messages.ts';
import { SimulatedMedium } from './simulated-medium.ts';

const PAGE = 4096;

describe('what a file held when its recording began', () => {
  const file = Buffer.alloc(8 * PAGE);
  const { port1, port2 } = new MessageChannel();
  const inbox = new RecorderInbox(port2, new Int32Array(new SharedArrayBuffer(RecorderWords.bytes)));

  /** A flush: posts what pages held, then writes. */
  function flush(page: number, pages: number, fill: number): void {
    const [start, end] = [page * PAGE, (page + pages) * PAGE];
    const before = Uint8Array.from(file.subarray(start, end));
    const after = new Uint8Array(before.length).fill(fill);
    port1.postMessage({ type: 'runs', places: [[start, before.length]], before, after } satisfies RecorderMessage);
    file.set(after, start);
  }

  function* readWhile(writes: Readonly<Record<number, () => void>>): Generator<BaseExtent> {
    for (let at = 0; at < file.length; at += 2 * PAGE) {
      writes[at / PAGE]?.();
      yield { at, bytes: Uint8Array.from(file.subarray(at, at + 2 * PAGE)) };
    }
  }

  it('is what is read, though it is overwritten before, after and twice, and whatever else comes is received in order', () => {
    file.fill(1);
    const read = Buffer.alloc(file.length);
    const writes = {
      2: () => {
        flush(1, 4, 2);
      },
      4: () => {
        port1.postMessage({ type: 'reset' } satisfies RecorderMessage);
        flush(6, 1, 5);
      },
      6: () => {
        flush(4, 3, 3);
        flush(0, 1, 4);
      },
    };
    for (const { at, bytes } of asItWas(readWhile(writes), inbox)) read.set(bytes, at);
    expect(read.equals(Buffer.alloc(file.length, 1))).toBe(true);
    expect(Array.from({ length: 5 }, () => inbox.receive()).map((message) => (message.type === 'runs' ? (message.places[0]?.[0] ?? NaN) / PAGE : message.type))).toEqual([1, 'reset', 6, 4, 0]);
    expect(inbox.received).toBe(5);
    port1.close();
  });
});

describe('a recording of a disk that is flushed while its base is written', () => {
  const SIZE = 64 * 2 ** 20;
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-base-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('has the disk as it was, and as each flush left it', async () => {
    const [memPath, path] = [join(folder, 'disk.img'), join(folder, 'run.vpmrec')];
    writeFileSync(memPath, randomFillSync(Buffer.alloc(SIZE)));
    const wanted = [readFileSync(memPath)];
    const backend = await openBackend({ type: 'memory-backend-file', id: 'mem1', memPath, size: SIZE, share: true, powerFailure: true });
    const medium = new SimulatedMedium(backend, { powerLost: () => undefined, powerBack: () => undefined, planned: () => undefined });
    try {
      expect(await new Promise((resolve) => medium.beginRecording({ target: { path }, interval: undefined }, resolve))).toBeUndefined();
      // What is read last, is overwritten first.
      for (const at of [SIZE - PAGE, SIZE - 3 * PAGE, 0]) {
        writeSync(backend.fd, `flushed at ${at}`, at);
        expect(await new Promise((resolve) => medium.start(resolve))).toBeUndefined();
        wanted.push(readFileSync(memPath));
      }
      expect(await new Promise((resolve) => medium.endRecording(resolve))).toMatchObject({ flushes: 3, incomplete: undefined });
    } finally {
      await new Promise<void>((resolve) => medium.close(resolve));
      closeBackend(backend);
    }
    const recording = Recording.open(path);
    expect(recording.complete).toBe(true);
    for (const [flush, bytes] of wanted.entries()) {
      const image = join(folder, `${flush}.img`);
      recording.writeImage(flush === 0 ? '1:none' : `${flush}`, image);
      expect(readFileSync(image).equals(bytes)).toBe(true);
    }
    recording.close();
  });
});

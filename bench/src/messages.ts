// What one message of a guest costs vpmemd, from before recvmsg until after sendmsg: the two that a flush can have.
import { closeSync, mkdtempSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBackend, promptSyncer } from '@vpmem/memory-backend';
import { connectUnix, createMemfd, EventLoop, listenUnix, unixPair } from '@vpmem/native';
import { VfioUserServer } from '@vpmem/vfio-user';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';

const SIZE = 2 ** 21;
const BATCH = 20_000;
const BATCHES = 6;

/** Commands of vfio-user 0.2, and where a virtio-pmem-pci has what is read and written: BAR 0, VIRTIO 1.4 §4.1.4. */
const [VERSION, REGION_READ, REGION_WRITE] = [1, 9, 10];
const STATUS_AT = 20;
const NOTIFY_AT = 0x3000;

/** Nanoseconds, without those that the client's own two calls take. The fastest of several batches each. */
export interface MessageCosts {
  readonly statusRead: number;
  readonly notification: number;
}

/** Client and server take turns on this thread. */
export function measureMessages(): MessageCosts {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-messages-'));
  const path = join(folder, 'nv1.sock');
  const fd = createMemfd('messages', SIZE);
  const backend = new MemoryBackend({ id: 'mem1', type: 'memory-backend-memfd', size: SIZE, fd, offset: 0, align: 4096, path: undefined, volatile: undefined, discardData: false, was: 'unnamed' }, promptSyncer(fd));
  const loop = new EventLoop();
  const server = new VfioUserServer(new VirtioPciFunction(new VirtioPmem(backend)), listenUnix(path), loop);
  const client = connectUnix(path);
  const reply = Buffer.alloc(4096);
  const exchange = (message: Buffer): void => {
    writeSync(client, message);
    while (loop.turn(0) > 0);
    readSync(client, reply);
  };
  try {
    exchange(message(VERSION, Buffer.from('\0\0\x01\0{}\0', 'latin1')));
    const own = callsAlone(access(REGION_READ, STATUS_AT));
    return { statusRead: fastest(() => exchange(access(REGION_READ, STATUS_AT))) - own, notification: fastest(() => exchange(access(REGION_WRITE, NOTIFY_AT))) - own };
  } finally {
    closeSync(client);
    while (loop.turn(0) > 0);
    server.close();
    loop.close();
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
}

function callsAlone(bytes: Buffer): number {
  const [near, far] = unixPair();
  const reply = Buffer.alloc(bytes.length);
  try {
    return fastest(() => {
      writeSync(near, bytes);
      readSync(far, reply);
    });
  } finally {
    for (const fd of [near, far]) closeSync(fd);
  }
}

function fastest(work: () => void): number {
  let best = Infinity;
  for (let batch = 0; batch < BATCHES; batch++) {
    const began = process.hrtime.bigint();
    for (let i = 0; i < BATCH; i++) work();
    best = Math.min(best, Number(process.hrtime.bigint() - began) / BATCH);
  }
  return best;
}

const messages = new Map<string, Buffer>();

/** A register of BAR 0: one byte read, or two written. */
function access(command: number, offset: number): Buffer {
  const key = `${command} ${offset}`;
  let made = messages.get(key);
  if (made !== undefined) return made;
  const body = Buffer.alloc(command === REGION_READ ? 16 : 18);
  body.writeBigUInt64LE(BigInt(offset));
  body.writeUInt32LE(command === REGION_READ ? 1 : 2, 12);
  messages.set(key, (made = message(command, body)));
  return made;
}

function message(command: number, body: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt16LE(command, 2);
  head.writeUInt32LE(head.length + body.length, 4);
  return Buffer.concat([head, body]);
}

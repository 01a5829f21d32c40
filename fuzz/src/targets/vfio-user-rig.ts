import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBackend } from '@vpmem/memory-backend';
import { ManualSyncer } from '@vpmem/memory-backend/testing';
import { connectUnix, createMemfd, EventFd, EventLoop, listenUnix, MessageSocket, unixPair, WOULD_BLOCK } from '@vpmem/native';
import { VfioUserServer } from '@vpmem/vfio-user';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import { must } from '../target.ts';
import { RawClient } from './raw-client.ts';

export const RAM_SIZE = 0x8000;
const PMEM_SIZE = 2 ** 21;

const path = join(mkdtempSync(join(tmpdir(), 'vpmem-fuzz-')), 'device.sock');
const pmem = createMemfd('pmem', PMEM_SIZE);
process.on('exit', () => rmSync(join(path, '..'), { recursive: true }));

/** Descriptors that a client may send along, by kind. */
const KINDS: readonly (() => number[])[] = [
  () => [createMemfd('ram', RAM_SIZE)],
  () => [createMemfd('ram', RAM_SIZE, { seal: false })],
  () => [new EventFd().fd],
  () => [openSync('/', 'r')],
  () => [openSync('/dev/null', 'r+')],
  () => fullSocket(),
];

/** A socket that takes nothing more, and blocks whoever writes to it without care. */
function fullSocket(): number[] {
  const [fd, other] = unixPair();
  const socket = new MessageSocket(fd);
  const piece = new Uint8Array(65536);
  while (socket.send(piece) !== WOULD_BLOCK);
  return [fd, other];
}

/** A server of one function, and clients that may send anything; all on one thread. */
export class VfioUserRig {
  readonly loop = new EventLoop();
  readonly syncer = new ManualSyncer();
  readonly server: VfioUserServer;
  readonly #clients: (RawClient | undefined)[] = [];
  readonly #descriptors = new Map<number, number[]>();

  constructor(options: { readonly vectors: number; readonly packed: boolean }) {
    rmSync(path, { force: true });
    const backend = new MemoryBackend(
      { id: 'pmem', type: 'memory-backend-ram', size: PMEM_SIZE, fd: pmem, offset: 0, align: 4096, path: undefined, volatile: undefined, discardData: false, was: 'unnamed' },
      this.syncer,
    );
    this.server = new VfioUserServer(new VirtioPciFunction(new VirtioPmem(backend), options), listenUnix(path), this.loop);
  }

  client(number: number): RawClient {
    const client = this.#clients[number];
    if (client !== undefined) return client;
    // Whoever connects waits for a place in the queue, which the server alone can make.
    this.settle();
    return (this.#clients[number] = new RawClient(connectUnix(path)));
  }

  /** A descriptor of a kind; the same one every time. */
  descriptor(kind: number): number {
    const which = kind % KINDS.length;
    const fds = this.#descriptors.get(which) ?? KINDS[which]!();
    this.#descriptors.set(which, fds);
    return fds[0]!;
  }

  /** The guest writes to its RAM, wherever it is mapped. */
  writeRam(kind: number, at: number, bytes: Uint8Array): void {
    writeSync(this.descriptor(kind & 1), bytes, 0, Math.min(bytes.length, RAM_SIZE - at), at);
  }

  /** The client changes the size of RAM that it shares. */
  resizeRam(size: number): void {
    ftruncateSync(this.descriptor(1), size);
  }

  settle(): void {
    for (let turns = 0; this.loop.turn(0) > 0; turns++) must(turns < 1000, () => 'the server has work without end');
  }

  /** Lets a client read all there is for it, and the server go on where it waited for that. */
  receive(number: number): void {
    const client = this.client(number);
    do this.settle();
    while (client.receive());
    client.check();
  }

  disconnect(number: number): void {
    this.#clients[number]?.close();
    this.#clients[number] = undefined;
  }

  close(): void {
    for (const number of this.#clients.keys()) if (this.#clients[number] !== undefined) this.receive(number);
    for (const number of this.#clients.keys()) this.disconnect(number);
    this.settle();
    must(!this.server.busy, () => 'a client that has gone still has the device');
    this.server.close();
    this.loop.close();
    for (const fd of [...this.#descriptors.values()].flat()) closeSync(fd);
  }
}

import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBackend } from '@vpmem/memory-backend';
import { ManualSyncer } from '@vpmem/memory-backend/testing';
import { connectUnix, createMemfd, EventFd, EventLoop, listenUnix, MessageSocket, unixPair, waitReadable, WOULD_BLOCK } from '@vpmem/native';
import { VfioUserServer } from '@vpmem/vfio-user';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import { must } from '../target.ts';

export const RAM_SIZE = 0x8000;
const PMEM_SIZE = 2 ** 21;
const HEADER = { size: 16, msgSize: 4, flags: 8, errorNo: 12 };
const FLAG_REPLY = 1;
const FLAG_ERROR = 0x20;
const LONGEST_REPLY = 2 ** 16 + 64;

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
  readonly #clients: (MessageSocket | undefined)[] = [];
  readonly #descriptors = new Map<number, number[]>();
  #nextId = 0;

  constructor(options: { readonly vectors: number; readonly packed: boolean }) {
    const backend = new MemoryBackend(
      { id: 'pmem', type: 'memory-backend-ram', size: PMEM_SIZE, fd: pmem, offset: 0, align: 4096, path: undefined, volatile: undefined, discardData: false, was: 'unnamed' },
      this.syncer,
    );
    this.server = new VfioUserServer(new VirtioPciFunction(new VirtioPmem(backend), options), listenUnix(path), this.loop);
  }

  client(number: number): MessageSocket {
    return (this.#clients[number] ??= new MessageSocket(connectUnix(path)));
  }

  /** Bytes as they are. */
  send(number: number, bytes: Uint8Array, fds: readonly number[] = []): void {
    try {
      this.client(number).send(bytes, fds);
    } catch (error) {
      // The server has hung up, as it may.
      if (!/EPIPE|ECONNRESET/.test(String(error))) throw error;
    }
  }

  /** A message with a header that is right. */
  command(number: number, command: number, body: Uint8Array, fds: readonly number[] = [], flags = 0): void {
    const message = Buffer.alloc(HEADER.size + body.length);
    message.writeUInt16LE(this.#nextId++ & 0xffff, 0);
    message.writeUInt16LE(command, 2);
    message.writeUInt32LE(message.length, HEADER.msgSize);
    message.writeUInt32LE(flags, HEADER.flags);
    message.set(body, HEADER.size);
    this.send(number, message, fds);
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

  /** Reads what there is for a client and checks it; pieces that are not whole yet are read too. */
  receive(number: number): void {
    const socket = this.client(number);
    const chunk = new Uint8Array(65536);
    const fds: number[] = [];
    const parts: Uint8Array[] = [];
    while (waitReadable(socket.fd, 0)) {
      let count = 0;
      try {
        count = socket.receive(chunk, fds);
      } catch {
        break;
      }
      if (count <= 0) break;
      parts.push(chunk.slice(0, count));
      this.settle();
    }
    for (const fd of fds) closeSync(fd);
    checkReplies(Buffer.concat(parts));
  }

  disconnect(number: number): void {
    this.#clients[number]?.close();
    this.#clients[number] = undefined;
  }

  close(): void {
    this.#clients.forEach((_, number) => this.disconnect(number));
    this.settle();
    must(!this.server.busy, () => 'a client that has gone still has the device');
    this.server.close();
    this.loop.close();
    for (const fd of [...this.#descriptors.values()].flat()) closeSync(fd);
    rmSync(path);
  }
}

function checkReplies(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < HEADER.size) return;
    const [size, flags, errno] = [bytes.readUInt32LE(at + HEADER.msgSize), bytes.readUInt32LE(at + HEADER.flags), bytes.readUInt32LE(at + HEADER.errorNo)];
    must(size >= HEADER.size && size <= LONGEST_REPLY, () => `a reply of ${size} bytes`);
    must((flags & ~FLAG_ERROR) === FLAG_REPLY, () => `a reply with flags 0x${flags.toString(16)}`);
    must(((flags & FLAG_ERROR) !== 0) === (errno !== 0), () => `a reply with flags 0x${flags.toString(16)} and errno ${errno}`);
    must(errno === 0 || size === HEADER.size, () => `an error reply of ${size} bytes`);
    at += size;
  }
}

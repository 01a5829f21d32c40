// A kept server dies before and after every call that anybody but itself can see, and another goes on. What a system call does it does whole,
// so that these are all the places where a SIGKILL can hit.
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AnswerPipe, connectUnix, createMemfd, EventFd, EventLoop, listenUnix, MessageSocket, PeerEvent, waitReadable } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MessageNumber, type Kept } from './kept/kept.ts';
import { Command, DmaMap, DmaUnmap, FLAG_NO_REPLY, Header, IrqSet, RegionAccess, RegionInfo } from './protocol.ts';
import type { ServerState } from './session-state.ts';
import { countDescriptors, CountingFunction, countMappings, DescriptorShelf, everyMessage } from './testing.ts';
import { VfioUserServer } from './vfio-user-server.ts';

// What a process needs to signal at all, it keeps from the first time on.
new PeerEvent(new EventFd().fd).signal();

class Death extends Error {}

/** When the servers die: the numbers of their calls, counted over all of them, before which or after which they do. */
let deaths: readonly number[] = [];
let calls = 0;
let dead = false;
/** Clients live for ever. */
let serving = false;

function tick(): void {
  if (!serving) return;
  if (!dead && deaths.includes(++calls)) dead = true;
  if (dead) throw new Death('killed');
}

/** The shelf is another process. */
function elsewhere<R>(action: () => R): R {
  const was = serving;
  serving = false;
  try {
    return action();
  } finally {
    serving = was;
  }
}

const restorers: (() => void)[] = [];
function makeMortal(prototype: object, ...names: readonly string[]): void {
  for (const name of names) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name) ?? {};
    const wrap = <F extends (...args: never[]) => unknown>(call: F) =>
      function (this: unknown, ...args: Parameters<F>): unknown {
        tick();
        const result = call.apply(this, args);
        tick();
        return result;
      };
    const { value, set } = descriptor as { value?: () => unknown; set?: () => unknown };
    Object.defineProperty(prototype, name, { ...descriptor, ...(value && { value: wrap(value) }), ...(set && { set: wrap(set) }) });
    restorers.push(() => void Object.defineProperty(prototype, name, descriptor));
  }
}

beforeEach(() => {
  makeMortal(MessageSocket.prototype, 'peek', 'discard', 'send', 'peekOffset');
  makeMortal(AnswerPipe.prototype, 'put', 'moveTo');
  makeMortal(MessageNumber.prototype, 'setAnswered', 'next');
});
afterEach(() => {
  event.close();
  closeSync(ram);
  closeSync(bar);
  for (const restore of restorers.splice(0)) restore();
});

/** Servers that follow each other, each of which has what the one before had kept. */
class Lives {
  readonly path: string;
  readonly loop = new EventLoop();
  readonly word = new Int32Array(1);
  device = new CountingFunction(bar);
  server: VfioUserServer;
  count = 1;
  readonly #folder = mkdtempSync(join(tmpdir(), 'vpmem-vfio-user-'));
  readonly #shelves = [new DescriptorShelf()];
  #stored = { json: '', shelf: this.shelf };

  constructor() {
    this.path = join(this.#folder, 'device.sock');
    this.server = new VfioUserServer(this.device, listenUnix(this.path), this.loop, { kept: this.#kept });
    this.save();
  }

  get shelf(): DescriptorShelf {
    return this.#shelves.at(-1)!;
  }

  save(): void {
    if (dead) return;
    tick();
    this.#stored = { json: JSON.stringify(this.server.save((fd) => elsewhere(() => this.shelf.put(fd)))), shelf: this.shelf };
    tick();
  }

  /** Serves what there is to serve, in as many lives as that takes. */
  turn(): void {
    serving = true;
    try {
      this.loop.turn(0);
      this.loop.turn(0);
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    }
    while (dead) this.#revive();
    serving = false;
  }

  close(): void {
    this.server.close();
    this.loop.close();
    for (const shelf of this.#shelves) shelf.close();
    rmSync(this.#folder, { recursive: true });
  }

  get #kept(): Kept {
    const { shelf } = this;
    return { save: () => this.save(), word: this.word, forget: shelf.forget };
  }

  #revive(): void {
    this.server.letGo();
    dead = false;
    this.count++;
    const { json, shelf } = this.#stored;
    this.#shelves.push(new DescriptorShelf());
    this.device = new CountingFunction(bar);
    try {
      this.server = new VfioUserServer(this.device, undefined, this.loop, { kept: this.#kept, continues: { state: JSON.parse(json) as ServerState, take: (number) => elsewhere(() => shelf.take(number)) } });
      this.server.proceed();
      this.save();
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    }
  }
}

interface Sent {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
  readonly answered: boolean;
}

/** All have the same id: a client need not have more, and whoever goes on must not rely on it. */
function command(cmd: number, body: Uint8Array, fds: readonly number[] = [], flags = 0): Sent {
  return { bytes: Buffer.concat([Header.encode({ msg_id: 7, cmd, msg_size: Header.size + body.length, flags }), body]), fds, answered: flags === 0 };
}
const access = (offset: number, count: number, data: number[] = []): Uint8Array => Buffer.concat([RegionAccess.encode({ offset, region: 0, count }), Buffer.from(data)]);
const add = (value: number, flags = 0): Sent => command(Command.REGION_WRITE, access(0, 4, [value, 0, 0, 0]), [], flags);
const READ = command(Command.REGION_READ, access(0, 4));

let ram: number;
let bar: number;
let event: EventFd;
beforeEach(() => {
  bar = createMemfd('bar', 4096);
  ram = createMemfd('ram', 8192);
  event = new EventFd();
});

/** What a client does; of each command it can be told how often it was carried out. */
function script(): Sent[] {
  const map = (address: number): Sent => command(Command.DMA_MAP, DmaMap.encode({ argsz: DmaMap.size, flags: 3, address, size: 4096 }), [ram]);
  const irqs = command(Command.DEVICE_SET_IRQS, IrqSet.encode({ argsz: IrqSet.size, flags: 0x24, index: 2, start: 0, count: 2 }), [event.fd, event.fd]);
  const unmap = command(Command.DMA_UNMAP, DmaUnmap.encode({ argsz: DmaUnmap.size, address: 0, size: 4096 }));
  return [map(0), READ, irqs, add(5), add(5), READ, unmap, map(4096), unmap, add(7, FLAG_NO_REPLY), add(7, FLAG_NO_REPLY), READ, command(Command.DEVICE_RESET, Uint8Array.of()), irqs, READ];
}

interface Outcome {
  readonly answers: readonly string[];
  readonly registers: number;
  readonly regions: number;
  readonly signalled: number;
  readonly lives: number;
  /** Answers that nobody waited for. */
  readonly beyond: number;
  /** Calls that there were. */
  readonly calls: number;
}

/** `together`: the client sends everything before it looks for answers. */
function live(dying: readonly number[], together: boolean, commands = script()): Outcome {
  [deaths, calls, dead] = [dying, 0, false];
  const before = [countDescriptors(), countMappings()];
  const lives = new Lives();
  const client = new MessageSocket(connectUnix(lives.path));
  const answers: string[] = [];
  const fds: number[] = [];
  const say = ({ bytes, fds }: Sent): void => void client.send(bytes, fds);
  const hear = (): void => {
    const header = Buffer.alloc(Header.size);
    receive(header);
    const body = Buffer.alloc(header.readUInt32LE(4) - Header.size);
    receive(body);
    answers.push(`${header.toString('hex')} ${body.toString('hex')}`);
  };
  const receive = (target: Buffer): void => {
    for (let turns = 0, at = 0; at < target.length; turns++) {
      if (turns > 200) throw new Error(`an answer is lost; there were ${answers.length}`);
      if (waitReadable(client.fd, 0)) at += client.receive(target.subarray(at), fds);
      else lives.turn();
    }
  };
  // Strangers are not kept.
  const dyingLater = deaths;
  deaths = [];
  say({ bytes: everyMessage[0]?.bytes ?? Uint8Array.of(), fds: [], answered: true });
  hear();
  lives.turn();
  [deaths, calls] = [dyingLater, 0];

  if (together) commands.forEach(say);
  for (const each of commands) {
    if (!together) say(each);
    if (each.answered) hear();
    else if (!together) lives.turn();
  }
  for (let i = 0; i < 3; i++) lives.turn();
  const expected = answers.length;
  const total = calls;
  while (waitReadable(client.fd, 0)) hear();
  const registers = new DataView(lives.device.registers.buffer).getUint32(0, true);
  const regions = lives.device.host?.memory.regions.length ?? -1;
  const msix = lives.device.host?.msix;
  if (msix?.kind === 'vectors') msix.signal(1);
  const signalled = event.drain();
  client.close();
  lives.turn();
  lives.close();
  for (const fd of fds) closeSync(fd);
  expect([countDescriptors(), countMappings()]).toEqual(before);
  return { answers, registers, regions, signalled, lives: lives.count, beyond: answers.length - expected, calls: total };
}

describe.each([
  ['one after the other', false],
  ['all at once', true],
])('commands that come %s', (_, together) => {
  const alive = (): Outcome => live([], together);

  it('are each carried out once and answered once, wherever the server dies', () => {
    const usual = alive();
    const total = usual.calls;
    expect([usual.registers, usual.regions, usual.signalled, usual.beyond, total > 100]).toEqual([24, 1, 1, 0, true]);
    for (let at = 1; at <= total; at++) {
      const outcome = live([at], together);
      expect({ ...outcome, calls: 0 }, `death at call ${at} of ${total}`).toEqual({ ...usual, lives: 2, calls: 0 });
    }
  });

  it('also where the next one dies at each of its first calls', () => {
    const usual = alive();
    const total = usual.calls;
    for (let at = 1; at <= total; at += 29) {
      for (let later = 1; later <= 12; later++) {
        const outcome = live([at, at + later], together);
        expect({ ...outcome, calls: 0 }, `deaths at calls ${at} and ${at + later} of ${total}`).toEqual({ ...usual, lives: expect.any(Number) as number, calls: 0 });
      }
    }
  });
});

it('an answer with a descriptor, which no pipe can hold, is given twice only if the server dies between sending it and the word of it', () => {
  const info = [command(Command.DEVICE_GET_REGION_INFO, RegionInfo.encode({ argsz: 32, index: 2 }))];
  const usual = live([], false, info);
  const twice: number[] = [];
  for (let at = 1; at <= usual.calls; at++) {
    const { answers, beyond } = live([at], false, info);
    expect(new Set(answers)).toEqual(new Set(usual.answers));
    if (beyond > 0) twice.push(at);
  }
  // The call after `send`, and that before `setAnswered`.
  expect(twice).toHaveLength(2);
});

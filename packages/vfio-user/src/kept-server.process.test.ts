// A server in a process of its own that is killed at random moments, however the kernel is engaged for it just then, while a client counts.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectUnix, createMemfd, MessageSocket, unixPair, waitReadable, whenReadable } from '@vpmem/native';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Command, DmaMap, DmaUnmap, Header, RegionAccess } from './protocol.ts';
import { countDescriptors, everyMessage } from './testing.ts';

/** How often the server is killed; more of it takes a third of a second each. */
const KILLS = Number(process.env.VPMEM_KILLS ?? 12);

/** Serves what it finds: descriptors from 4 on, by the numbers in NUMBERS, and the state. Those that are to be kept go through descriptor 3. */
const SERVER = `
import { readFileSync, renameSync, writeFileSync, openSync } from 'node:fs';
import { EventLoop, listenUnix, Mapping, MessageSocket } from '@vpmem/native';
import { VfioUserServer } from '@vpmem/vfio-user';
import { CountingFunction } from '@vpmem/vfio-user/testing';
const { FOLDER, NUMBERS, LIFE } = process.env;
const numbers = JSON.parse(NUMBERS);
const keeper = new MessageSocket(3);
const known = new Map();
let next = Number(LIFE) * 10000;
const put = (fd) => {
  if (!known.has(fd)) {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(next);
    if (keeper.send(bytes, [fd]) !== 4) throw new Error('the keeper takes nothing');
    known.set(fd, next++);
  }
  return known.get(fd);
};
const word = new Int32Array(Mapping.ofFile(openSync(FOLDER + '/word', 'r+'), { length: 4 }).window(0, 4));
const loop = new EventLoop();
const save = () => {
  writeFileSync(FOLDER + '/state.new', JSON.stringify(server.save(put)));
  renameSync(FOLDER + '/state.new', FOLDER + '/state');
};
const kept = { save, word, forget: (fd) => known.delete(fd) };
const take = (number) => 4 + numbers.indexOf(number);
const continues = numbers.length === 0 ? undefined : { state: JSON.parse(readFileSync(FOLDER + '/state', 'utf8')), take };
const server = new VfioUserServer(new CountingFunction(), continues ? undefined : listenUnix(FOLDER + '/device.sock'), loop, { kept, ...(continues && { continues }) });
server.proceed();
save();
loop.run();
`;

let folder: string;
let before: number;
let child: ChildProcess | undefined;
let life: number;
let store: Map<number, number>;
let control: readonly [MessageSocket, number];

beforeEach(() => {
  before = countDescriptors();
  folder = mkdtempSync(join(tmpdir(), 'vpmem-vfio-user-'));
  writeFileSync(join(folder, 'word'), Buffer.alloc(4));
  writeFileSync(join(folder, 'state'), '{}');
  const [here, there] = unixPair();
  control = [new MessageSocket(here), there];
  store = new Map();
  life = 0;
});
afterEach(async () => {
  await kill();
  control[0].close();
  closeSync(control[1]);
  for (const fd of store.values()) closeSync(fd);
  rmSync(folder, { recursive: true });
  // Node keeps one or two for children from the first on.
  expect(countDescriptors() - before).toBeLessThanOrEqual(4);
});

/** All numbers that a state names. */
function named(value: unknown): number[] {
  if (typeof value === 'number') return store.has(value) ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(named) : [];
}

/** Starts a server with what the one before has left. */
function start(): void {
  const bytes = Buffer.alloc(4);
  while (waitReadable(control[0].fd, 0)) {
    const fds: number[] = [];
    control[0].receive(bytes, fds);
    store.set(bytes.readInt32LE(), fds[0] ?? -1);
  }
  const numbers = [...new Set(named(JSON.parse(readFileSync(join(folder, 'state'), 'utf8'))))];
  for (const [number, fd] of store) {
    if (numbers.includes(number)) continue;
    closeSync(fd);
    store.delete(number);
  }
  const env = { ...process.env, FOLDER: folder, NUMBERS: JSON.stringify(numbers), LIFE: String(++life) };
  const stdio = ['ignore', 'inherit', 'inherit', control[1], ...numbers.map((number) => store.get(number) ?? -1)] as const;
  child = spawn(process.execPath, ['--input-type=module', '-e', SERVER], { cwd: join(import.meta.dirname, '..'), env, stdio: [...stdio] });
}

async function kill(): Promise<void> {
  const killed = child;
  child = undefined;
  if (killed === undefined) return;
  const end = killed.exitCode === null && killed.signalCode === null ? once(killed, 'exit') : undefined;
  killed.kill('SIGKILL');
  await end;
  expect(killed.exitCode, 'it was killed, and did not end by itself').toBeNull();
}

async function connect(): Promise<MessageSocket> {
  for (;;) {
    try {
      return new MessageSocket(connectUnix(join(folder, 'device.sock')));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

it(`killed ${KILLS} times, loses no command and no answer, and carries out and answers none twice`, async () => {
  start();
  const client = await connect();
  const ram = createMemfd('ram', 4096);
  let id = 0;
  const send = (command: number, body: Uint8Array, fds: number[] = []): void => {
    id = (id + 1) & 0xffff;
    client.send(Buffer.concat([Header.encode({ msg_id: id, cmd: command, msg_size: Header.size + body.length }), body]), fds);
  };
  const receive = async (length: number): Promise<Buffer> => {
    const target = Buffer.alloc(length);
    for (let at = 0; at < length; ) {
      if (!(await whenReadable(client.fd, 20_000))) throw new Error('an answer is lost');
      const count = client.receive(target.subarray(at), []);
      if (count === 0) throw new Error('the connection is lost');
      at += Math.max(0, count);
    }
    return target;
  };
  const hear = async (): Promise<Buffer> => {
    const header = await receive(Header.size);
    expect([header.readUInt16LE(0), header.readUInt32LE(12)]).toEqual([id, 0]);
    return receive(header.readUInt32LE(4) - Header.size);
  };
  client.send(everyMessage[0]?.bytes ?? Uint8Array.of());
  await receive((await receive(Header.size)).readUInt32LE(4) - Header.size);

  /** Kills it as many microseconds after the command was sent. */
  const killAfter = async (microseconds: number): Promise<void> => {
    const until = performance.now() + microseconds / 1000;
    while (performance.now() < until);
    await kill();
    start();
  };
  const address = 0;
  let sum = 0;
  for (let kills = 0, round = 0; kills < KILLS; round++) {
    const commands: [number, Uint8Array, number[]][] = [
      [Command.REGION_WRITE, Buffer.concat([RegionAccess.encode({ offset: 0, region: 0, count: 4 }), Buffer.of(1, 0, 0, 0)]), []],
      [Command.DMA_MAP, DmaMap.encode({ argsz: DmaMap.size, flags: 3, address, size: 4096 }), [ram]],
      [Command.DMA_UNMAP, DmaUnmap.encode({ argsz: DmaUnmap.size, address, size: 4096 }), []],
      [Command.REGION_READ, RegionAccess.encode({ offset: 0, region: 0, count: 4 }), []],
    ];
    sum++;
    for (const [command, body, fds] of commands) {
      send(command, body, fds);
      if (Math.random() < 0.05) {
        await killAfter(Math.random() * 400);
        kills++;
      }
      const answer = await hear();
      if (command === Command.REGION_READ) expect(answer.readUInt32LE(RegionAccess.size), `after ${kills} kills in ${round} rounds`).toBe(sum);
    }
  }
  expect(waitReadable(client.fd, 50)).toBe(false);
  client.close();
  closeSync(ram);
}, 120_000 + KILLS * 4000);

// Clients that mean harm to a daemon: it stays up, another VM's device works on, and nothing of them is left in the process.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { connectUnix, createMemfd, EventFd, MessageSocket } from '@vpmem/native';
import { makeBlocking } from '@vpmem/native/testing';
import { RemoteFunction, VfioUserClient } from '@vpmem/vfio-user/client';
import { Command, DmaMap, IrqSet } from '@vpmem/vfio-user/protocol';
import { everyMessage } from '@vpmem/vfio-user/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { deviceOptions } from '../tests/daemon-guests.ts';
import { settled } from '../tests/settled.ts';
import { DaemonProcess } from './daemon-process.ts';

const PAGE = 4096;
const HUGE = 2 ** 21;

let folder: string;
let daemon: DaemonProcess;
let bystander: Guest;
let disk: GuestDisk;
let before: unknown;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-hostile-'));
  daemon = await DaemonProcess.start([...deviceOptions(folder, 0), ...deviceOptions(folder, 1)], { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
  // One client and one flush, so that everything is there that stays.
  const first = new Guest();
  await first.plug(RemoteFunction.connect(socket(0))).fsync();
  await first.close();
  bystander = new Guest();
  disk = bystander.plug(RemoteFunction.connect(socket(1)));
  await disk.fsync();
  before = await settled(traces, 15_000);
});
afterEach(async () => {
  await bystander.close();
  await daemon.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

const socket = (i: number): string => join(folder, `nv${i}.sock`);
const connect = (): VfioUserClient => VfioUserClient.connect(socket(0));
const traces = (): unknown => ({
  descriptors: readdirSync(`/proc/${daemon.pid}/fd`).length,
  mapped: readFileSync(`/proc/${daemon.pid}/maps`, 'utf8').split('\n').filter((line) => /\/memfd:|anon_hugepage|vpmemd-hostile/.test(line)).length,
});
const map = (client: VfioUserClient, address: number, size: number, fds: number[] = []): unknown =>
  client.request(Command.DMA_MAP, DmaMap.encode({ argsz: DmaMap.size, flags: 3, address, size }), fds);

/** The other VM's device still does what it is for, and of the client nothing is left. */
async function nothingHappened(): Promise<void> {
  await disk.fsync();
  await expect.poll(traces, { timeout: 15_000 }).toEqual(before);
  const next = new Guest();
  await next.plug(RemoteFunction.connect(socket(0))).fsync();
  await next.close();
}

it('one that hangs up inside every message it could send', async () => {
  const [ram, event] = [createMemfd('ram', PAGE), new EventFd()];
  for (const { name, bytes } of everyMessage) {
    for (let length = 1; length <= bytes.length; length++) {
      const client = tryToConnect();
      client.sendRaw(bytes.subarray(0, length), name === 'DEVICE_SET_IRQS' ? [event.fd] : [ram]);
      client.close();
    }
  }
  closeSync(ram);
  event.close();
  await nothingHappened();
});

it('one whose RAM is huge pages that there are none of', async () => {
  const remote = RemoteFunction.connect(socket(0));
  const ram = createMemfd('huge', 8 * HUGE, { hugePages: true });
  remote.shareRam({ fd: ram, offset: 0, address: 0, size: 8 * HUGE });
  startQueue(remote);
  remote.bars[0]?.write(0x3000, 2, 0);
  await expect.poll(() => daemon.stderr).toContain('nv0: the guest broke the queue');
  remote.detach();
  closeSync(ram);
  await remote.closed;
  await nothingHappened();
});

it('one that lets its eventfd fill up, and block whoever writes to it', async () => {
  const client = connect();
  const event = new EventFd();
  client.request(Command.DEVICE_SET_IRQS, IrqSet.encode({ argsz: IrqSet.size, flags: 0x24, index: 2, count: 1 }), [event.fd]);
  makeBlocking(event.fd);
  writeSync(event.fd, Buffer.from('feffffffffffffff', 'hex'));
  for (let i = 0; i < 10; i++) client.request(Command.DEVICE_SET_IRQS, IrqSet.encode({ argsz: IrqSet.size, flags: 0x21, index: 2, count: 1 }));
  await disk.fsync();
  client.close();
  event.close();
  await nothingHappened();
});

it('one that maps 65,536 times, and one file after the other', async () => {
  const client = connect();
  const body = (i: number): Uint8Array => DmaMap.encode({ argsz: DmaMap.size, flags: 3, address: i * PAGE, size: PAGE });
  const errors: number[] = [];
  for (let i = 0; i < 65_536; i += 256) {
    for (let j = i; j < i + 256; j++) client.send(Command.DMA_MAP, body(j));
    for (let j = i; j < i + 256; j++) errors.push(client.receive().header.error_no);
  }
  expect(errors.filter((error) => error !== 0)).toEqual([22]);
  client.request(Command.DEVICE_RESET);
  client.close();
  await nothingHappened();

  const another = connect();
  expect(() => {
    for (let i = 0; i < 70_000; i++) {
      const fd = createMemfd('ram', PAGE);
      try {
        map(another, i * PAGE, PAGE, [fd]);
      } finally {
        closeSync(fd);
      }
    }
  }).toThrow(/ENOSPC/);
  await disk.fsync();
  another.close();
  await nothingHappened();
});

it('ones that connect until no descriptor is left', async () => {
  const limit = (files: string): void => void spawnSync('prlimit', ['--pid', String(daemon.pid), `--nofile=${files}`]);
  const [, soft, hard] = /Max open files +(\d+) +(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/limits`, 'utf8')) ?? [];
  limit(`${readdirSync(`/proc/${daemon.pid}/fd`).length + 4}:`);
  const silent = Array.from({ length: 12 }, () => new MessageSocket(connectUnix(socket(0))));
  await expect.poll(() => daemon.stderr).toMatch(/nv0: a connection was refused: nobody can be let in for now: .*EMFILE/);
  await disk.fsync();
  for (const each of silent) each.close();
  limit(`${soft}:${hard}`);
  await nothingHappened();
});

it('one that asks and never reads, and stays connected', async () => {
  const client = connect();
  let blocked = false;
  for (let i = 0; i < 100_000 && !blocked; i++) {
    try {
      client.send(Command.DEVICE_GET_INFO, new Uint8Array(16));
    } catch {
      blocked = true;
    }
  }
  expect(blocked).toBe(true);
  await disk.fsync();
  client.close();
  await nothingHappened();
});

/** As soon as the server knows that the last client has gone. */
function tryToConnect(): VfioUserClient {
  for (;;) {
    try {
      return connect();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    }
  }
}

/** Brings the device up with queue 0 in the first pages of RAM, as a driver does that does not care what is there. */
function startQueue(remote: RemoteFunction): void {
  const common = (offset: number, width: 1 | 2 | 4, value: number): void => remote.bars[0]?.write(offset, width, value);
  remote.writeConfig(4, 2, 6);
  for (const status of [0, 1, 3]) common(0x14, 1, status);
  common(0x08, 4, 1);
  common(0x0c, 4, 1);
  common(0x14, 1, 11);
  common(0x16, 2, 0);
  for (const [offset, address] of [[0x20, 0x1000], [0x28, 0x2000], [0x30, 0x3000]] as const) {
    common(offset, 4, address);
    common(offset + 4, 4, 0);
  }
  common(0x1c, 2, 1);
  common(0x14, 1, 15);
}

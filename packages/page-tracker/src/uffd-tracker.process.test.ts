import { spawnSync } from 'node:child_process';
import { openSync, readdirSync, readFileSync, readlinkSync, closeSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PtracedThread } from '@vpmem/native';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, SYS } from '../tests/client.ts';
import { Follower } from '../tests/follower.ts';
import { untrackable } from '../tests/trackable.ts';
import { openTracker, PAGE_SIZE, TrackerError } from './index.ts';

const PAGES = 1024;
const reason = untrackable();

const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function follower(): Follower {
  const made = new Follower('uffd', PAGES);
  ends.push(() => made.close());
  return made;
}

async function client({ memory }: Follower): Promise<Client> {
  const made = await Client.start(memory);
  ends.push(() => made.stop());
  return made;
}

function userfaultfds(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === 'anon_inode:[userfaultfd]';
    } catch {
      return false;
    }
  }).length;
}

it('refuses memory in a file on disk, if it is asked for by name, and compares otherwise', () => {
  const fd = openSync(fileURLToPath(import.meta.url), 'r');
  ends.push(() => closeSync(fd));
  const tracked = { memory: { fd, offset: 0 }, file: { fd, offset: 0 }, size: PAGE_SIZE };
  expect(() => openTracker(tracked, { want: 'uffd' })).toThrow(TrackerError);
  const tracker = openTracker(tracked, { want: 'auto' });
  expect(tracker.kind).toBe('compare');
  expect(tracker.reason).toMatch(/memfd|kind x64/);
  expect(tracker.written()).toEqual([]);
  tracker.close();
});

it.skipIf(process.getuid?.() !== 0)('compares in a process that has become another user, which may not look at itself (skipped where not root)', () => {
  const program = `
    process.setuid(65534);
    const { openTracker } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
    const { createMemfd } = await import(${JSON.stringify(import.meta.resolve('@vpmem/native'))});
    const span = () => ({ fd: createMemfd('tracked', 4096), offset: 0 });
    const tracked = { memory: span(), file: span(), size: 4096 };
    const tracker = openTracker(tracked, { want: 'auto' });
    let refused;
    try { openTracker(tracked, { want: 'uffd' }); } catch (error) { refused = error.name; }
    console.log(JSON.stringify({ kind: tracker.kind, reason: tracker.reason, written: tracker.written().length, refused }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ kind: 'compare', reason: expect.stringMatching(/^this process may not look at page tables, not even its own: EACCES/) as string, written: 0, refused: 'TrackerError' });
});

describe.skipIf(reason !== undefined)(`a client whose page tables are asked${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it('is not compared with the file, and gets its descriptor taken away in the end', async () => {
    const followed = new Follower('uffd', PAGES);
    const storing = await client(followed);
    followed.tracker.clientCame(storing.pid);
    await storing.map(followed.size);
    followed.follow();
    expect(userfaultfds(storing.pid)).toBe(1);
    // Nobody's mapping, and nobody has told: only a comparison would see it.
    writeSync(followed.memory, Buffer.from([1]), 0, 1, 0);
    await storing.store([9], 1);
    expect(followed.followPages()).toEqual([9]);
    expect(followed.tracker).toMatchObject({ kind: 'uffd', reason: undefined });
    followed.close();
    expect(userfaultfds(storing.pid)).toBe(0);
    await storing.store([10], 1);
  });

  it('is handed on with what it has in it, compared once, and gets its descriptor taken away by whoever is last', async () => {
    const followed = follower();
    const storing = await client(followed);
    followed.tracker.clientCame(storing.pid);
    await storing.map(followed.size);
    await storing.store([1, 2], 1);
    followed.follow();
    followed.settle();
    await storing.store([3], 1);
    const before = followed.tracker;
    const { descriptors } = before;
    const fds = readdirSync('/proc/self/fd').length;
    followed.tracker = followed.another();
    followed.tracker.clientCame(storing.pid, descriptors.get(storing.pid));
    before.letGo();
    expect([userfaultfds(storing.pid), readdirSync('/proc/self/fd').length]).toEqual([1, fds - 3]);
    await storing.store([4], 1);
    expect(followed.followPages()).toEqual([3, 4]);
    expect(followed.tracker.kind).toBe('uffd');
    // Nobody's mapping: from now on page tables are asked, and not the file.
    writeSync(followed.memory, Buffer.from([1]), 0, 1, 9 * PAGE_SIZE);
    await storing.store([5], 1);
    expect(followed.followPages()).toEqual([5]);
    followed.tracker.close();
    expect(userfaultfds(storing.pid)).toBe(0);
    followed.tracker = followed.another();
  });

  it('is compared once where another has looked meanwhile', async () => {
    const followed = follower();
    const storing = await client(followed);
    followed.tracker.clientCame(storing.pid);
    await storing.map(followed.size);
    followed.follow();
    followed.settle();
    await storing.store([3], 1);
    const other = followed.another();
    other.clientCame(storing.pid, followed.tracker.descriptors.get(storing.pid));
    // It is told of page 3, which is not told again.
    other.written();
    other.letGo();
    followed.tracker.distrust();
    expect(followed.followPages()).toEqual([3]);
    await storing.store([4], 1);
    expect(followed.followPages()).toEqual([4]);
  });

  it('is compared where nobody has connected: whoever knows the name of the memory may have it', () => {
    const followed = follower();
    followed.follow();
    for (const page of [3, 4]) {
      writeSync(followed.memory, Buffer.from([1]), 0, 1, page * PAGE_SIZE);
      expect(followed.followPages()).toContain(page);
      followed.settle();
    }
    expect(followed.tracker).toMatchObject({ kind: 'compare', reason: 'nobody has connected, so nobody can be asked' });
  });

  it('is protected again after it has closed all its descriptors', async () => {
    const followed = follower();
    const storing = await client(followed);
    followed.tracker.clientCame(storing.pid);
    await storing.map(followed.size);
    followed.follow();
    const fd = readdirSync(`/proc/${storing.pid}/fd`).find((name) => readlinkSync(`/proc/${storing.pid}/fd/${name}`).includes('userfaultfd'));
    await storing.call(SYS.close, Number(fd));
    await storing.store([5], 1);
    expect(followed.followPages()).toContain(5);
    followed.settle();
    await storing.store([6], 1);
    expect(followed.followPages()).toEqual([6]);
    expect(userfaultfds(storing.pid)).toBe(1);
  });

  it('is left alone while a signal has stopped it, and tracked when it goes on', async () => {
    const followed = follower();
    const storing = await client(followed);
    followed.tracker.clientCame(storing.pid);
    await storing.map(followed.size);
    await storing.store([5], 1);
    storing.signal('SIGSTOP');
    await expect.poll(() => readFileSync(`/proc/${storing.pid}/stat`, 'latin1')).toMatch(/\) T/);
    expect(followed.followPages()).toEqual([5]);
    expect(followed.tracker).toMatchObject({ kind: 'compare', reason: `process ${storing.pid} is stopped by a signal` });
    expect(readFileSync(`/proc/${storing.pid}/stat`, 'latin1')).toMatch(/\) T/);
    storing.signal('SIGCONT');
    await storing.store([6], 1);
    await expect.poll(() => (followed.follow(), followed.tracker.kind)).toBe('uffd');
    expect(followed.missed()).toEqual([]);
  });

  it('is left alone if it has a seccomp filter', async () => {
    const followed = follower();
    const storing = await client(followed);
    followed.tracker.clientCame(storing.pid);
    await storing.map(followed.size);
    expect(await storing.order({ do: 'filter' })).toBe(0n);
    await storing.store([5], 1);
    expect(followed.followPages()).toEqual([5]);
    expect(followed.tracker).toMatchObject({ kind: 'compare', reason: `process ${storing.pid} has a seccomp filter, which may end it for userfaultfd` });
    expect(userfaultfds(storing.pid)).toBe(0);
    await storing.store([5], 0);
    followed.follow();
    expect(followed.missed()).toEqual([]);
  });

  it('is compared as long as it is not known who it is, or what it maps', async () => {
    const followed = follower();
    const storing = await client(followed);
    await storing.map(followed.size);
    followed.tracker.clientCame(0);
    followed.follow();
    expect(followed.tracker).toMatchObject({ kind: 'compare', reason: 'it is not known which process has, or had, a connection' });
    followed.tracker.clientLeft(0);
    followed.follow();
    await storing.store([5], 1);
    expect(followed.followPages()).toEqual([5]);
    followed.tracker.reset();
    followed.tracker.clientCame(process.pid);
    followed.follow();
    await storing.store([6], 1);
    expect(followed.followPages()).toContain(6);
    expect(followed.tracker).toMatchObject({ kind: 'compare', reason: `process ${process.pid} is not seen to map the memory` });
  });

  it('may have no mapping of a file that it can only read', async () => {
    const followed = follower();
    const storing = await client(followed);
    followed.tracker.clientCame(storing.pid);
    await storing.map(followed.size);
    await storing.call(SYS.mmap, 0, followed.size, 1, 1, 3, 0);
    followed.follow();
    await storing.store([6], 1);
    expect(followed.followPages()).toEqual([6]);
    expect(followed.tracker.kind).toBe('uffd');
  });

  it.each([
    { call: 'nanosleep', number: 35, result: 0n },
    { call: 'poll', number: 7, result: 0n },
    { call: 'futex', number: 202, result: -110n },
    { call: 'read', number: 0, result: 8n },
  ] as const)('goes on with $call after it was held in it, to the end', async ({ call, number, result }) => {
    const followed = follower();
    const storing = await client(followed);
    const { pid } = storing;
    const began = performance.now();
    const answer = storing.order({ do: 'wait', in: call, milliseconds: 1500 });
    // Not stdin, which it reads before.
    const inCall = (): boolean => {
      const [which, fd] = readFileSync(`/proc/${pid}/syscall`, 'latin1').split(' ');
      return Number(which) === number && (call !== 'read' || Number(fd) > 0);
    };
    await expect.poll(inCall).toBe(true);
    for (let times = 0; times < 5; times++) {
      const thread = PtracedThread.hold(pid, 1000);
      if (!(thread instanceof PtracedThread)) throw new Error(thread);
      expect(thread.inSystemCall).toBe(true);
      expect(thread.call(thread.instruction - 2n, 39)).toBe(BigInt(pid));
      thread.release();
    }
    expect(await answer).toBe(result);
    expect(performance.now() - began).toBeGreaterThan(1495);
  });

  it('gets the signals that came while it was held, and keeps those blocked that it had', async () => {
    const followed = follower();
    const storing = await client(followed);
    const { pid } = storing;
    const blocked = (): string | undefined => /SigBlk:\t(\S+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    const before = blocked();
    const thread = PtracedThread.hold(pid, 1000);
    if (!(thread instanceof PtracedThread)) throw new Error(thread);
    expect(blocked()).not.toBe(before);
    storing.signal('SIGSTOP');
    expect(thread.call(thread.instruction - 2n, 39)).toBe(BigInt(pid));
    thread.release();
    await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'latin1')).toMatch(/\) T/);
    expect(blocked()).toBe(before);
    storing.signal('SIGCONT');
    await storing.map(followed.size);
    await storing.store([1], 1);
    expect(storing.ended).toBe(false);
  });
});

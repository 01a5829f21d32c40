import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readdirSync } from 'node:fs';
import { DatagramReceiver, type Datagram } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DescriptorStore } from './descriptor-store.ts';
import { StoreError } from './store-error.ts';

const address = `@vpmem-store-${process.pid}`;
const descriptors = (): string => readdirSync('/proc/self/fd').join();

let before: string;
let receiver: DatagramReceiver;
let made: DescriptorStore[];
beforeEach(() => {
  before = descriptors();
  receiver = new DatagramReceiver(address);
  made = [];
});
afterEach(() => {
  for (const store of made) store.close();
  receiver.close();
  expect(descriptors()).toBe(before);
});

const open = (...given: ConstructorParameters<typeof DescriptorStore>): DescriptorStore => {
  const store = new DescriptorStore(...given);
  made.push(store);
  return store;
};

/** What has come, as text and number of descriptors. */
function received(): [text: string, fds: number][] {
  const all: [string, number][] = [];
  for (let datagram: Datagram | undefined; (datagram = receiver.receive()) !== undefined; ) {
    expect(datagram).toMatchObject({ pid: process.pid, uid: process.getuid?.() });
    for (const fd of datagram.fds) closeSync(fd);
    all.push([datagram.data.toString(), datagram.fds.length]);
  }
  return all;
}

describe('DescriptorStore', () => {
  it('speaks as sd_notify(3) has it', async () => {
    const store = open({ address, limit: 10, held: [] });
    store.add('nv1/socket', 0);
    store.remove('nv1/socket');
    expect(received()).toEqual([['FDSTORE=1\nFDNAME=nv1/socket\nFDPOLL=0', 1], ['FDSTOREREMOVE=1\nFDNAME=nv1/socket', 0]]);
    const barrier = store.barrier();
    // Closing the descriptor is the answer.
    expect(received()).toEqual([['BARRIER=1', 1]]);
    await barrier;
  });

  it('counts with all its threads, and says when it is full', () => {
    const store = open({ address, limit: 3, held: ['a'] });
    const other = open(store.description, { count: store.count });
    store.add('b', 0);
    other.add('c', 0);
    expect(() => store.add('d', 0)).toThrow(StoreError);
    expect(() => other.add('d', 0)).toThrow(/holds 3 descriptors, and takes no more: raise FileDescriptorStoreMax= of the unit/);
    other.remove('a');
    store.add('d', 0);
    expect(() => store.add('e', 0)).toThrow(/takes no more/);
    expect(received()).toHaveLength(4);
  });

  it('has no more names than an environment has room for', () => {
    const store = open({ address, limit: 1000, held: Array.from({ length: 511 }, (_, i) => `${i}`.padEnd(255, '-')) });
    expect(() => store.add('x'.repeat(250), 0)).toThrow(/the names of all descriptors/);
    store.add('x'.repeat(50), 0);
    expect(received()).toHaveLength(1);
  });

  it.each(['', 'a:b', 'a\nb', 'ä', 'x'.repeat(256)])('has no name %j', (name) => {
    expect(() => open({ address, limit: 1, held: [] }).add(name, 0)).toThrow(RangeError);
  });

  it('takes a name once, and removes what it has', () => {
    const store = open({ address, limit: 5, held: ['a'] });
    expect(() => store.add('a', 0)).toThrow(/has a 'a' already/);
    expect(() => store.remove('b')).toThrow(/has no 'b'/);
  });

  it('says who does not receive, and counts nothing', () => {
    const store = open({ address: '@vpmem-nobody', limit: 1, held: [] });
    for (let i = 0; i < 3; i++) expect(() => store.add('a', 0)).toThrow(/the descriptor store at @vpmem-nobody cannot be told: .*ECONNREFUSED/);
    expect(() => store.barrierSync()).toThrow(/cannot be told/);
  });
});

it('hears of the end of a keeper, also of one that has ended', async () => {
  const keeper = spawn('sleep', ['1000']);
  const store = open({ address, limit: 1, held: [], keeper: keeper.pid ?? 0 });
  let lost = 0;
  const notAnyMore = store.onLost(() => lost++);
  const nobody = store.onLost(() => expect.unreachable());
  nobody();
  keeper.kill('SIGKILL');
  await once(keeper, 'close');
  await expect.poll(() => lost, { timeout: 10_000 }).toBe(1);
  notAnyMore();
  store.onLost(() => lost++);
  await expect.poll(() => lost, { timeout: 10_000 }).toBe(2);
});

it('needs not tell a keeper that has ended: nobody holds anything any more, and that is no error', async () => {
  const keeper = spawn('sleep', ['1000']);
  const store = open({ address: '@vpmem-nobody', limit: 1, held: [], keeper: keeper.pid ?? 0 });
  expect(() => store.add('a', 0)).toThrow(/cannot be told/);
  expect(store.isLost()).toBe(false);
  keeper.kill('SIGKILL');
  await once(keeper, 'close');
  expect(store.isLost()).toBe(true);
  store.add('a', 0);
  store.remove('a');
  await store.barrier();
});

describe('the environment', () => {
  it.each([{}, { FDSTORE: '5' }, { NOTIFY_SOCKET: address }, { NOTIFY_SOCKET: address, FDSTORE: '0' }, { NOTIFY_SOCKET: '', FDSTORE: '5' }])('%j has no store', (env) => {
    const same = { ...env, LISTEN_FDS: '1' };
    expect(DescriptorStore.ofEnvironment(same)).toBeUndefined();
    expect(same).toEqual({ ...env, LISTEN_FDS: '1' });
  });

  it('is left without what is for this process alone', () => {
    const env = { NOTIFY_SOCKET: address, FDSTORE: '5', LISTEN_PID: '1', LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b', VPMEM_KEEPER: '7', PATH: '/bin' };
    const store = DescriptorStore.ofEnvironment(env);
    if (store !== undefined) made.push(store);
    expect(env).toEqual({ NOTIFY_SOCKET: address, PATH: '/bin' });
    // They are another process's.
    expect(store?.inherited.size).toBe(0);
    expect(store?.description).toEqual({ address, limit: 5, held: [], keeper: 7 });
  });

  it('promises descriptors that are there', () => {
    // Those of this process are taken for kept ones until there are no more; with a name each, or all but one would be closed.
    const names = Array.from({ length: 4000 }, (_, i) => `n${i}`).join(':');
    const env = { NOTIFY_SOCKET: address, FDSTORE: '5', LISTEN_PID: `${process.pid}`, LISTEN_FDS: '4000', LISTEN_FDNAMES: names };
    expect(() => DescriptorStore.ofEnvironment(env)).toThrow(/LISTEN_FDS=4000: descriptor \d+, 'n\d+', is not open/);
    expect(() => DescriptorStore.ofEnvironment({ NOTIFY_SOCKET: address, FDSTORE: 'many' })).toThrow(/FDSTORE=many: is no count/);
  });
});

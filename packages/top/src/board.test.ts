import type { DaemonView, Round } from '@vpmem/watch';
import { fakeDevice } from '@vpmem/watch/testing';
import { describe, expect, it } from 'vitest';
import { Board } from './board.ts';
import { fakeDaemon, fakeInterval, fakeRound } from './fake-round.ts';
import { labelOf, sorted, type Order } from './order.ts';

const board = (...rounds: Round[]): Board => {
  const made = new Board();
  for (const round of rounds) made.take(round);
  return made;
};
const ofDevices = (...devices: DaemonView['devices']): Round => fakeRound([fakeDaemon({ name: 'vm1', devices })]);

describe('the board', () => {
  it('remembers the rates of each device, with gaps where they are not known', () => {
    const at = (asked: number | undefined): Round => ofDevices({ info: fakeDevice('nv1'), interval: asked === undefined ? undefined : fakeInterval({ asked }) });
    expect(board(at(undefined), at(5), at(undefined), at(7)).entries[0]?.rates).toEqual([undefined, 5, undefined, 7]);
  });

  it('shows nothing of a program that another goes on for', () => {
    const devices = [{ info: fakeDevice('nv1'), interval: undefined }];
    const shown = board(fakeRound([fakeDaemon({ name: 'vm1', pid: 1, state: 'gone', devices }), fakeDaemon({ name: 'vm1', pid: 2, devices }), fakeDaemon({ name: 'vm2', pid: 3, state: 'gone', devices })]));
    expect(shown.entries.map(({ daemon }) => daemon.pid)).toEqual([2, 3]);
  });
});

describe('what is worst', () => {
  const device = (id: string, own: Partial<ReturnType<typeof fakeDevice>>, asked = 0, p99?: number): DaemonView['devices'][number] => ({ info: { ...fakeDevice(id), ...own }, interval: fakeInterval({ asked, p99 }) });
  const failed = { flushes: { asked: 3, synced: 2, coalesced: 0, failed: 1, 'in-flight': 0 } };
  const all = [
    fakeDaemon({ name: 'vm1', pid: 1, devices: [device('idle', {}), device('busy', {}, 400, 1100), device('slow', {}, 10, 90_000), device('failed', failed), device('reset', { driver: 'needs-reset' }), device('busier', {}, 4000, 1000)] }),
    fakeDaemon({ name: 'vm2', pid: 2, state: 'not answering' }),
    fakeDaemon({ name: 'vm3', pid: 3 }),
    fakeDaemon({ name: 'vm4', pid: 4, state: 'gone' }),
  ];

  it.each<[Order, string[]]>([
    ['worst', ['vm1/failed', 'vm1/reset', 'vm2', 'vm1/slow', 'vm1/busy', 'vm1/busier', 'vm1/idle', 'vm3', 'vm4']],
    ['p99', ['vm1/slow', 'vm1/busy', 'vm1/busier', 'vm1/failed', 'vm1/idle', 'vm1/reset', 'vm2', 'vm3', 'vm4']],
    ['rate', ['vm1/busier', 'vm1/busy', 'vm1/slow', 'vm1/failed', 'vm1/idle', 'vm1/reset', 'vm2', 'vm3', 'vm4']],
    ['name', ['vm1/busier', 'vm1/busy', 'vm1/failed', 'vm1/idle', 'vm1/reset', 'vm1/slow', 'vm2', 'vm3', 'vm4']],
  ])('comes first, by %s', (order, labels) => {
    expect(sorted(board(fakeRound(all)).entries, order).map(labelOf)).toEqual(labels);
  });

  it('does not change with figures that are nearly alike', () => {
    const of = (one: number, other: number): string[] => sorted(board(ofDevices(device('a', {}, one, one), device('b', {}, other, other))).entries, 'worst').map(labelOf);
    expect(of(1030, 2000)).toEqual(of(2000, 1030));
  });
});

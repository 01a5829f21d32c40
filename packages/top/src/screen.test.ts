import type { DaemonView } from '@vpmem/watch';
import { fakeDevice } from '@vpmem/watch/testing';
import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { Board } from './board.ts';
import { FAKE_TIME, fakeDaemon, fakeInterval, fakeRound } from './fake-round.ts';
import { fullWidth } from './fit.ts';
import { sorted } from './order.ts';
import { plainLines } from './plain-lines.ts';
import { drawScreen } from './screen.ts';
import { FIRST_STATE, press, type Key, type Page } from './screen-state.ts';

const PLAIN = pc.createColors(false);
const steady = (asked: number, p50: number, p99: number): ReturnType<typeof fakeInterval> => fakeInterval({ asked, p50, p99, answered: asked });
const power = { 'power-failure': { 'volatile-bytes': 12_288, 'oldest-ms': 250, cuts: 0, 'memory-path': '/proc/4711/fd/9', tracker: 'uffd' as const } };
const failed = { flushes: { asked: 9, synced: 8, coalesced: 0, failed: 1, 'in-flight': 0 } };
const lost = { time: FAKE_TIME - 60_000, event: 'PMEM_FLUSH_FAILED', device: 'nv2', data: { device: 'nv2', path: '/machine/peripheral/nv2', reason: 'Input/output error' } };
const VM1 = fakeDaemon({
  name: 'vm1',
  devices: [{ info: fakeDevice('nv1', { 'in-flight': 2 }, power), interval: steady(412, 180, 1300) }, { info: fakeDevice('nv2', {}, failed), interval: fakeInterval() }],
  events: [lost],
});
const GONE = fakeDaemon({ name: 'vm2', pid: 4712, state: 'gone', reason: 'it has ended', devices: [{ info: fakeDevice('nv1'), interval: undefined }] });

function boardOf(...daemons: DaemonView[]): Board {
  const board = new Board();
  for (const [index, share] of [0, 0.5, 0.75, 1].entries()) {
    board.take(fakeRound(daemons.map((daemon) => ({ ...daemon, events: index === 3 ? daemon.events : [], devices: daemon.devices.map(({ info, interval }) => ({ info, interval: interval && { ...interval, asked: interval.asked * share } })) }))));
  }
  for (const daemon of daemons) for (const event of daemon.events) board.hear(event, daemon);
  return board;
}
const many = (count: number): DaemonView => fakeDaemon({ name: 'vm', devices: Array.from({ length: count }, (_, index) => ({ info: fakeDevice(`nv${index}`), interval: undefined })) });
const screen = (board: Board, width: number, height: number, own: Partial<typeof FIRST_STATE> = {}): string => `\n${drawScreen(board, { ...FIRST_STATE, ...own }, { width, height }, PLAIN).map((line) => line.trimEnd()).join('\n')}\n`;

describe('the list', () => {
  it('has what there is room for: 132 columns', () => {
    expect(screen(boardOf(VM1, GONE), 132, 7)).toMatchInlineSnapshot(`
      "
      vpmem top 14:02:11  2 devices, 1 program, by worst
       DEVICE     STATE       FLUSH/S      P50      P99 FLIGHT  AT RISK FAILED TREND                         SIZE     PID FILE
      >vm1/nv2    FAILED            0        -        -      0        -      1                        ▁▁▁▁   256M    4711 /srv/pmem/nv2.i…
       vm1/nv1    ready           412   180 µs   1.3 ms      2      12K      0                        ▁▅▆█   256M    4711 /srv/pmem/nv1.i…
       vm2/nv1    gone              -        -        -      0        -      0                               256M    4712 /srv/pmem/nv1.i…
      ? help  q quit  14:01:11 vm1/nv2 PMEM_FLUSH_FAILED reason: Input/output error
      "
    `);
  });
  it('80 columns', () => {
    expect(screen(boardOf(VM1, GONE), 80, 7)).toMatchInlineSnapshot(`
      "
      vpmem top 14:02:11  2 devices, 1 program, by worst
       DEVICE     STATE       FLUSH/S      P50      P99 FLIGHT  AT RISK TREND
      >vm1/nv2    FAILED            0        -        -      0        -           ▁▁▁▁
       vm1/nv1    ready           412   180 µs   1.3 ms      2      12K           ▁▅▆█
       vm2/nv1    gone              -        -        -      0        -
      ? help  q quit  14:01:11 vm1/nv2 PMEM_FLUSH_FAILED reason: Input/output error
      "
    `);
  });
  it('40 columns', () => {
    expect(screen(boardOf(VM1, GONE), 40, 7)).toMatchInlineSnapshot(`
      "
      vpmem top 14:02:11  2 devices, 1 progra…
       DEVICE     STATE       FLUSH/S      P99
      >vm1/nv2    FAILED            0        -
       vm1/nv1    ready           412   1.3 ms
       vm2/nv1    gone              -        -
      ? help  q quit  14:01:11 vm1/nv2 PMEM_F…
      "
    `);
  });

  it('is one calm line where nothing runs, and before it is known', () => {
    expect(screen(boardOf(), 60, 5)).toMatchInlineSnapshot(`
      "
      vpmem top 14:02:11  0 devices, 0 programs, by worst
      No program of vpmem runs; waiting for one.
      ? help  q quit
      "
    `);
    expect(screen(new Board(), 60, 5)).toContain('\nLooking ...\n');
  });

  it('of 300 devices shows the one that is selected, wherever it is', () => {
    const board = boardOf(many(300));
    const keys = sorted(board.entries, 'worst').map(({ key }) => key);
    let state = FIRST_STATE;
    const shown = (...pressed: Key[]): string | undefined => {
      for (const key of pressed) state = press(state, key, keys);
      const lines = drawScreen(board, state, { width: 60, height: 12 }, PLAIN);
      expect(lines).toHaveLength(12);
      return lines.find((line) => line.startsWith('>'))?.slice(1, 10).trim();
    };
    expect([shown(), shown('down'), shown('up', 'up'), shown('last'), shown('pageUp'), shown('up'), shown('first', 'pageDown')]).toEqual(['vm/nv0', 'vm/nv1', 'vm/nv0', 'vm/nv299', 'vm/nv289', 'vm/nv288', 'vm/nv10']);
  });

  it('keeps what is selected when it is sorted anew', () => {
    const board = boardOf(VM1);
    const keys = sorted(board.entries, 'worst').map(({ key }) => key);
    const state = press(press(FIRST_STATE, 'down', keys), 's', keys);
    expect(state.order).toBe('p99');
    expect(drawScreen(board, state, { width: 60, height: 6 }, PLAIN).find((line) => line.startsWith('>'))).toContain('vm1/nv1');
  });
});

describe('other pages', () => {
  it('have all that is known of a device, in words', () => {
    const { key = '' } = boardOf(VM1).entries[0] ?? {};
    expect(screen(boardOf(VM1), 60, 24, { page: 'details', selected: key })).toMatchInlineSnapshot(`
      "
      vpmem top 14:02:11  2 devices, 1 program: details
      device     nv1, a virtio-pmem of 256M
      program    vpmemd 0.1.0 4711 (vm1)
      file       /srv/pmem/nv1.img
      client     a VM has it
      driver     ready
      socket     /run/vpmem/nv1.sock
      flushes    2 asked for, 0 failed; 0 syncs, shared by 0 more
      in flight  2
      latency    no flush yet
      now        412 flushes a second over 1.0 s, half within 180
                 µs, 99 of 100 within 1.3 ms
      at risk    12K, for 250.0 ms at most
      power cuts 0
      tracker    uffd
      memory     /proc/4711/fd/9
      backend    /objects/mem-nv1
      path       /machine/peripheral/nv1
      Esc back  q quit
      "
    `);
  });
  it('have the events, the latest last', () => {
    expect(screen(boardOf(VM1), 60, 5, { page: 'events' })).toMatchInlineSnapshot(`
      "
      vpmem top 14:02:11  2 devices, 1 program: events
      14:01:11 vm1/nv2 PMEM_FLUSH_FAILED reason: Input/output
        error
      Esc back  q quit
      "
    `);
  });
  it('help', () => {
    expect(screen(boardOf(VM1), 60, 20, { page: 'help' })).toMatchInlineSnapshot(`
      "
      vpmem top 14:02:11  2 devices, 1 program: help
      ↑ ↓ j k   select a device; PgUp PgDn g G go further
      Enter     all that is known of it
      e         events, as they come
      s         sort by: worst, p99, rate, name
      ? Esc     this help, and back to the list
      q Ctrl-C  quit

      FLUSH/S   flushes asked for, in the last round
      P50 P99   half, and 99 of 100, of those answered in it took
                no longer
      FLIGHT    flushes that are not answered yet
      AT RISK   bytes a power cut would take; known with
                power-failure=on
      TREND     FLUSH/S of the last rounds, the highest a full bar
      -         not known, as after a device was plugged in
      Esc back  q quit
      "
    `);
  });

  it('come and go by keys', () => {
    const pages = (...keys: Key[]): Page[] => keys.reduce<(typeof FIRST_STATE)[]>((states, key) => [...states, press(states.at(-1) ?? FIRST_STATE, key, ['a', 'b'])], []).map(({ page }) => page);
    expect(pages('enter', 'enter', 'e', 'e', '?', 'escape', 'e', '?', '?')).toEqual(['details', 'list', 'events', 'list', 'help', 'list', 'events', 'help', 'list']);
    expect(press(FIRST_STATE, 'q', []).over).toBe(true);
  });
});

it('no line is wider than the terminal, nor are there more than it has, however small it is', () => {
  const wide = fakeDaemon({ name: '日本語の名前がとても長い', devices: [{ info: fakeDevice('\x1b[31mnv1', {}, { 'backing-file': `/srv/${'x'.repeat(300)}` }), interval: steady(1e9, 1e9, 4e9) }] });
  const board = boardOf(VM1, wide, GONE, many(20));
  for (const page of ['list', 'details', 'events', 'help'] as const) {
    for (let width = 1; width <= 200; width += width < 42 ? 1 : 40) {
      for (const height of [1, 2, 10]) {
        const lines = drawScreen(board, { ...FIRST_STATE, page }, { width, height }, PLAIN);
        expect(lines.length).toBeLessThanOrEqual(height);
        expect(Math.max(...lines.map(fullWidth)), `${page}, ${width} columns`).toBeLessThanOrEqual(width);
      }
    }
  }
});

it('without colours the words are the same, and nothing moves the cursor', () => {
  const draw = (colors: boolean): string => drawScreen(boardOf(VM1, GONE), FIRST_STATE, { width: 80, height: 7 }, pc.createColors(colors)).join('\n');
  expect(draw(false)).not.toContain('\x1b');
  expect(draw(true)).toContain('\x1b[31mFAILED');
  expect(draw(true).replaceAll(/\x1b\[\d+m/g, '')).toBe(draw(false));
});

it('as lines it is a table, as wide as it needs', () => {
  expect(`\n${plainLines(boardOf(VM1, GONE)).join('\n')}\n`).toMatchInlineSnapshot(`
    "
    # 2026-12-01 14:02:11
    DEVICE   STATE   FLUSH/S     P50     P99  FLIGHT  AT RISK  FAILED  SIZE   PID  FILE
    vm1/nv2  FAILED        0       -       -       0        -       1  256M  4711  /srv/pmem/nv2.img
    vm1/nv1  ready       412  180 µs  1.3 ms       2      12K       0  256M  4711  /srv/pmem/nv1.img
    vm2/nv1  gone          -       -       -       0        -       0  256M  4712  /srv/pmem/nv1.img
    # 14:01:11 vm1/nv2 PMEM_FLUSH_FAILED reason: Input/output error
    "
  `);
  expect(plainLines(boardOf())).toEqual(['# 2026-12-01 14:02:11', '# No program of vpmem runs; waiting for one.']);
});

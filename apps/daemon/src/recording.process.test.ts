// Recordings of a vpmemd: what its monitors are refused, and what is left when it, its disk or its device comes to an end.
import { randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Recording } from '../../../packages/recording/src/index.ts';
import { DaemonProcess } from './daemon-process.ts';

/** A file system of our own, without root where the kernel lets users have that. */
const PRIVATE_MOUNTS = ['unshare', '--user', '--map-root-user', '--mount'];
const noMounts = spawnSync('unshare', [...PRIVATE_MOUNTS.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt']).status !== 0;

let folder: string;
let daemon: DaemonProcess;
let monitor: QmpClient;
let guests: Guest[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-recording-'));
  mkdirSync(join(folder, 'fs'));
  guests = [];
});
afterEach(async () => {
  monitor.close();
  for (const guest of guests) guest.cutPower();
  await daemon.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);
const backend = (id: string, besides = ''): string => `memory-backend-file,id=${id},share=on,mem-path=${path(`${id}.img`)},size=4M${besides}`;
const device = (id: string, memdev: string): string => `virtio-pmem-pci,memdev=${memdev},id=${id},socket=${path(`${id}.sock`)}`;
async function start(args: readonly string[], wrap: readonly string[] = []): Promise<void> {
  daemon = await DaemonProcess.start([...args, '-qmp', `unix:${path('qmp')},server=on,wait=off`], { wrap, env: { ...process.env, XDG_RUNTIME_DIR: folder } });
  monitor = await QmpClient.connect({ path: path('qmp') });
}
function plug(id: string): GuestDisk {
  const guest = new Guest();
  guests.push(guest);
  return guest.plug(RemoteFunction.connect(path(`${id}.sock`)));
}
/** One flush of a text at the beginning. */
async function keep(disk: GuestDisk, text: string): Promise<void> {
  disk.write(0, Buffer.from(text));
  await disk.fsync();
}
const recordingOf = async (): Promise<unknown> => (await monitor.execute('query-pmem'))[0]?.recording;

/** How a recording ends, what its flushes came to, and what the disk began with in a state. */
function look(file: string, state?: string): { ending: string; answers: string[]; problems: number; text: string | undefined } {
  const recording = Recording.open(file);
  try {
    const answers = [...recording.events()].flatMap((event) => (event.type === 'answered' ? [event.status] : []));
    if (state !== undefined) recording.writeImage(state, path('state.img'));
    const text = state === undefined ? undefined : readFileSync(path('state.img')).subarray(0, 5).toString();
    return { ending: recording.ending.kind, answers, problems: recording.verify().problems.length, text };
  } finally {
    recording.close();
  }
}

describe('a recording of vpmemd', () => {
  it('can be read up to where it ends after kill -9', async () => {
    await start(['-object', backend('mem1', `,record=${path('run.vpmrec')},record-interval=1`), '-device', device('nv1', 'mem1')]);
    const disk = plug('nv1');
    for (let i = 0; i < 50; i++) {
      disk.write(4096 * (1 + (i % 7)), randomBytes(5000));
      await keep(disk, `no ${i}`);
    }
    disk.write(0, Buffer.from('later'));
    await monitor.execute('pmem-mark', { text: 'before the end' });
    await daemon.end('SIGKILL');
    const { ending, answers, text } = look(path('run.vpmrec'), '50:all');
    expect([ending, answers.length, new Set(answers), text]).toEqual(['cut-off', 50, new Set(['ok']), 'no 49']);
    rmSync(path('state.img'));
    Recording.open(path('run.vpmrec')).writeImage('50:all', path('state.img'));
    expect(readFileSync(path('state.img')).equals(readFileSync(path('mem1.img')))).toBe(true);
  });

  it.each([
    ['SIGTERM', () => daemon.end()],
    ['quit', async () => {
      await monitor.execute('quit');
      await daemon.exited;
    }],
    ['device_del', async () => {
      const deleted = monitor.waitForEvent('DEVICE_DELETED', ({ data }) => data.device === 'nv1');
      await monitor.execute('device_del', { id: 'nv1' });
      await deleted;
    }],
  ])('is whole after %s', async (_, finish) => {
    await start(['-object', backend('mem1', `,record=${path('run.vpmrec')}`), '-device', device('nv1', 'mem1')]);
    await keep(plug('nv1'), 'first');
    for (const guest of guests.splice(0)) guest.cutPower();
    // Whoever comes and goes does not end it.
    await keep(plug('nv1'), 'other');
    for (const guest of guests.splice(0)) guest.cutPower();
    await expect.poll(async () => (await monitor.execute('query-pmem'))[0]?.connected).toBe(false);
    await finish();
    expect(look(path('run.vpmrec'), '2:all')).toMatchObject({ ending: 'end', problems: 0, text: 'other' });
  });

  it('is not written over by the next device of the same backend', async () => {
    await start(['-object', backend('mem1', `,record=${path('run.vpmrec')}`), '-device', device('nv1', 'mem1')]);
    const deleted = monitor.waitForEvent('DEVICE_DELETED', ({ data }) => data.device === 'nv1');
    await monitor.execute('device_del', { id: 'nv1' });
    await deleted;
    const first = readFileSync(path('run.vpmrec'));
    await expect(monitor.execute('device_add', { driver: 'virtio-pmem-pci', id: 'nv2', memdev: 'mem1' })).rejects.toThrow(
      `device 'nv2': record '${path('run.vpmrec')}' of memory backend 'mem1' has the recording of the device before; make the backend again, with another record=`,
    );
    expect(readFileSync(path('run.vpmrec')).equals(first)).toBe(true);
    await monitor.execute('object-del', { id: 'mem1' });
    expect(look(path('run.vpmrec')).ending).toBe('end');
  });

  it('has a flush that failed as one', async () => {
    await start(['-object', backend('mem1', `,record=${path('run.vpmrec')}`), '-device', device('nv1', 'mem1')]);
    const disk = plug('nv1');
    await keep(disk, 'first');
    await monitor.execute('flush-fault', { id: 'nv1', fault: 'error' });
    await expect(keep(disk, 'fails')).rejects.toThrow();
    await keep(disk, 'third');
    expect(await recordingOf()).toMatchObject({ file: path('run.vpmrec'), flushes: 2, marks: 0 });
    await daemon.end();
    expect(look(path('run.vpmrec'), '3:none')).toMatchObject({ ending: 'end', answers: expect.arrayContaining(['failed']) as string[], problems: 0, text: 'first' });
    expect(look(path('run.vpmrec')).answers.slice(0, 3)).toEqual(['ok', 'failed', 'ok']);
  });

  it.skipIf(noMounts)(`that has no room: flushes go on, an event and query-pmem tell${noMounts ? ' (skipped: no file system can be mounted here)' : ''}`, async () => {
    const mounted = [...PRIVATE_MOUNTS, 'sh', '-c', `mount -t tmpfs -o size=1m none ${path('fs')} && exec "$@"`, 'sh'];
    await start(['-object', backend('mem1', `,record=${path('fs/run.vpmrec')}`), '-device', device('nv1', 'mem1')], mounted);
    const disk = plug('nv1');
    await keep(disk, 'first');
    const told = monitor.waitForEvent('PMEM_RECORDING_INCOMPLETE');
    disk.write(2 ** 20, randomBytes(2 ** 21));
    await keep(disk, 'other');
    expect((await told).data).toMatchObject({ device: 'nv1', file: path('fs/run.vpmrec'), reason: expect.stringMatching(/ENOSPC/) as string });
    await keep(disk, 'third');
    expect(readFileSync(path('mem1.img')).subarray(0, 5).toString()).toBe('third');
    expect(await recordingOf()).toMatchObject({ flushes: expect.any(Number) as number, incomplete: expect.stringMatching(/ENOSPC/) as string });
    expect(await monitor.execute('human-monitor-command', { 'command-line': 'info pmem' })).toMatch(/ENOSPC/);
    await expect.poll(() => daemon.stderr).toMatch(/nv1.*ENOSPC/);
    const { ending, text, problems } = look(`/proc/${daemon.pid}/root${path('fs/run.vpmrec')}`, '1:all');
    expect([ending, text, problems]).toEqual(['incomplete', 'first', 0]);
  });
});

it.skipIf(noMounts)(`a recording that has no room from the first on is told of${noMounts ? ' (skipped: no file system can be mounted here)' : ''}`, async () => {
  const mounted = [...PRIVATE_MOUNTS, 'sh', '-c', `mount -t tmpfs -o size=64k none ${path('fs')} && { cat /dev/zero > ${path('fs/filler')} 2> ${path('full')}; exec "$@"; }`, 'sh'];
  await start(['-object', backend('mem1', `,record=${path('fs/run.vpmrec')}`), '-device', device('nv1', 'mem1')], mounted);
  await keep(plug('nv1'), 'first');
  expect(await recordingOf()).toMatchObject({ file: path('fs/run.vpmrec'), flushes: 0, incomplete: expect.stringMatching(/^the recording cannot be begun: ENOSPC/) as string });
  await expect.poll(() => daemon.stderr).toMatch(/nv1.*the recording cannot be begun: ENOSPC/);
  expect(readFileSync(path('mem1.img')).subarray(0, 5).toString()).toBe('first');
});

describe('a monitor is refused, and nothing is left behind', () => {
  const add = (besides: Record<string, unknown>): Promise<unknown> =>
    monitor.execute('object-add', { 'qom-type': 'memory-backend-file', id: 'mem9', 'mem-path': path('mem9.img'), size: 2 ** 22, share: true, ...besides });

  const wrong: [what: string, besides: Record<string, unknown>, message: RegExp][] = [
    ['record= onto a file', { record: 'taken' }, /^memory backend 'mem9': record '.*taken': there is such a file already/],
    ['record= in a folder that is not there', { record: 'no/run' }, /^memory backend 'mem9': record '.*no\/run': it cannot be made: ENOENT/],
    ['record= without share=on', { record: 'run', share: false }, /^memory backend 'mem9': record= is for files that are written to: it needs share=on/],
    ['record-interval without record', { 'record-interval': 5, 'power-failure': true }, /^memory backend 'mem9': record-interval is about a recording/],
    ['record-interval=0', { record: 'run', 'record-interval': 0 }, /record-interval/],
    ['page-tracker without power-failure', { 'page-tracker': 'compare' }, /^memory backend 'mem9': page-tracker is about power-failure=on/],
  ];
  it('what has no sense in a backend', async () => {
    await start([]);
    writeFileSync(path('taken'), 'precious');
    const before = readdirSync(folder);
    for (const [what, besides, message] of wrong) {
      await expect(add({ ...besides, ...(typeof besides.record === 'string' && { record: path(besides.record) }) }), what).rejects.toThrow(message);
      expect(readdirSync(folder), what).toEqual(before);
      expect(readFileSync(path('taken'), 'utf8'), what).toBe('precious');
      // Which no device uses, so that nothing is recorded.
      await add({ record: path('run') });
      await monitor.execute('object-del', { id: 'mem9' });
      expect(readdirSync(folder).filter((name) => !before.includes(name)), what).toEqual(['mem9.img']);
      rmSync(path('mem9.img'));
    }
  });

  it('recordings and marks there cannot be', async () => {
    await start(['-object', backend('mem1', ',power-failure=on'), '-device', device('nv1', 'mem1'), '-object', backend('mem2'), '-device', device('nv2', 'mem2')]);
    writeFileSync(path('taken'), 'precious');
    const refused = async (answer: Promise<unknown>, message: RegExp): Promise<void> => {
      await expect(answer).rejects.toThrow(message);
      const error = await answer.catch((reason: unknown) => reason as Error);
      expect((error as Error).message).not.toContain('\n');
    };
    const begin = (id: string, file: string): Promise<unknown> => monitor.execute('pmem-record', { id, action: 'begin', file: path(file) });
    await refused(begin('nv2', 'run'), /^device 'nv2': memory backend 'mem2' does not keep apart what is durable.*power-failure=on/);
    await refused(monitor.execute('pmem-record', { id: 'nv2', action: 'end' }), /^device 'nv2': memory backend 'mem2' does not keep apart/);
    await refused(monitor.execute('pmem-record', { id: 'nv1', action: 'end' }), /^device 'nv1': nothing is being recorded/);
    await refused(begin('nv1', 'taken'), /^device 'nv1': .*taken: there is such a file already/);
    await refused(begin('nv1', 'no/run'), /^device 'nv1': ENOENT/);
    await refused(begin('nv9', 'run'), /nv9/);
    await refused(monitor.execute('pmem-mark', { text: 'x' }), /^nothing is being recorded; begin with record=FILE/);
    await refused(monitor.execute('pmem-mark', { text: 'x', id: 'nv2' }), /^nothing is being recorded/);
    await refused(monitor.execute('pmem-mark', { text: '' }), /^the mark is empty/);
    await refused(monitor.execute('pmem-mark', { text: 'x'.repeat(4097) }), /^the mark has 4097 bytes; 4096 is the most/);
    await refused(monitor.execute('pmem-mark', { text: 'two\nlines' }), /^the mark has a control character/);
    expect(readdirSync(folder).filter((name) => /run|vpmrec/.test(name))).toEqual([]);
    await begin('nv1', 'run');
    await refused(begin('nv1', 'run2'), /^device 'nv1': it is being recorded already, into '.*run'/);
    expect(readdirSync(folder)).not.toContain('run2');
    expect(await monitor.execute('pmem-mark', { text: 'x' })).toEqual({ recordings: 1 });
    expect(await monitor.execute('pmem-record', { id: 'nv1', action: 'end' })).toMatchObject({ recording: { file: path('run'), flushes: 0, marks: 1 } });
    expect(look(path('run'))).toMatchObject({ ending: 'end', problems: 0 });
    expect(readFileSync(path('taken'), 'utf8')).toBe('precious');
  });
});

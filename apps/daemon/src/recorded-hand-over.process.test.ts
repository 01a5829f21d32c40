// A disk that loses what was not flushed, and a recording of it, go on from process to process: at a take-over without a gap, and after
// a kill -9 with one that is told of.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { QmpClient } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { Recording } from '../../../packages/recording/src/index.ts';
import { DaemonProcess } from './daemon-process.ts';

const SIZE = 2 ** 21;

let folder: string;
let daemons: DaemonProcess[];
let guest: Guest;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-recorded-'));
  [daemons, guest] = [[], new Guest()];
  onTestFailed(() => console.error(daemons.map(({ stderr }) => stderr).join('')));
});
afterEach(async () => {
  guest.cutPower();
  for (const daemon of daemons) await daemon.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);
async function start(...args: string[]): Promise<DaemonProcess> {
  const daemon = await DaemonProcess.start(args, { env: { ...process.env, XDG_RUNTIME_DIR: folder }, cwd: folder });
  daemons.push(daemon);
  return daemon;
}
const serve = (backend: string, ...more: string[]): Promise<DaemonProcess> =>
  start(
    ...['-name', 'guest=one', '-qmp', `unix:${path('qmp')},server=on,wait=off`, ...more],
    ...['-object', `memory-backend-file,id=mem0,share=on,mem-path=mem0.img,size=${SIZE}${backend}`],
    ...['-device', `virtio-pmem-pci,memdev=mem0,id=nv0,socket=nv0.sock`],
  );
const plug = (): GuestDisk => guest.plug(RemoteFunction.connect(path('nv0.sock')));
async function takeOver(...more: string[]): Promise<void> {
  const before = daemons.at(-1);
  await start('-takeover', 'one', ...more);
  expect(await before?.exited).toEqual({ status: 0, signal: null });
}
async function qmp<T>(use: (client: QmpClient) => Promise<T>): Promise<T> {
  const client = await QmpClient.connect({ path: path('qmp') });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}
const recordingOf = (): Promise<unknown> => qmp(async (client) => (await client.execute('query-pmem'))[0]?.recording);
const exposed = (): Promise<number | bigint | undefined> => qmp(async (client) => (await client.execute('query-pmem'))[0]?.['power-failure']?.['volatile-bytes']);
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const file = (): Buffer => readFileSync(path('mem0.img'));

/** How many bytes memory and file differ in. */
const volatile = (disk: GuestDisk): number => {
  const durable = file();
  return disk.read(0, SIZE).filter((byte, i) => byte !== durable[i]).length;
};

/** What the file held after each flush. */
class Flushes {
  readonly images: string[] = [];
  readonly #disk: GuestDisk;

  constructor(disk: GuestDisk) {
    this.#disk = disk;
  }

  /** Stores something, here and there, and makes it durable. */
  async add(): Promise<void> {
    const i = this.images.length;
    for (let at = (i * 5000) % 70_000; at < SIZE - 3000; at += 90_001) this.#disk.write(at, randomBytes(3000));
    await this.#disk.fsync();
    expect(file().equals(Buffer.from(this.#disk.read(0, SIZE)))).toBe(true);
    this.images.push(digest(file()));
  }
}

/** How a recording ends, and what was durable after each of its flushes. */
function look(name: string): { ending: string; problems: unknown[]; answers: string[]; images: string[] } {
  const recording = Recording.open(path(name));
  try {
    const answers = [...recording.events()].flatMap((event) => (event.type === 'answered' ? [event.status] : []));
    const images = answers.map((_, i) => {
      recording.writeImage(`${i + 1}:all`, path('state.img'));
      const image = digest(readFileSync(path('state.img')));
      rmSync(path('state.img'));
      return image;
    });
    return { ending: recording.ending.kind, problems: [...recording.verify().problems], answers, images };
  } finally {
    recording.close();
  }
}

describe('at a take-over', () => {
  it('a recording goes on without a gap: it has every flush of every process, and what the file held then', async () => {
    const daemon = await serve(',record=run.vpmrec,record-interval=1');
    const flushes = new Flushes(plug());
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 4; j++) await flushes.add();
      await qmp((client) => client.execute('pmem-mark', { text: `process ${i}` }));
      await takeOver();
      expect(await recordingOf()).toMatchObject({ file: 'run.vpmrec', marks: i + 1 });
    }
    await flushes.add();
    expect(daemon.stderr).not.toMatch(/warning/);
    guest.cutPower();
    await daemons.at(-1)?.end();
    // What it ends with, the device's own flush, changes nothing.
    const { ending, problems, answers, images } = look('run.vpmrec');
    expect([ending, problems, new Set(answers), answers.length]).toEqual(['end', [], new Set(['ok']), flushes.images.length + 1]);
    expect(images).toEqual([...flushes.images, flushes.images.at(-1)]);
  });

  it('of -record too, also where the second is told the same; another is refused, and so is one that was not there', async () => {
    await serve('', '-record', 'all');
    const flushes = new Flushes(plug());
    await flushes.add();
    await takeOver();
    await flushes.add();
    const words = ['-object', `memory-backend-file,id=mem0,share=on,mem-path=mem0.img,size=${SIZE}`, '-device', 'virtio-pmem-pci,memdev=mem0,id=nv0,socket=nv0.sock', '-name', 'guest=one'];
    await takeOver(...words, '-record', 'all');
    await flushes.add();
    await expect(takeOver(...words, '-record', 'other')).rejects.toThrow(/-takeover one: object 'mem0' has record=.*all\/nv0\.vpmrec in what runs, and record=other\/nv0\.vpmrec here/);
    await expect(takeOver('-record', 'other')).rejects.toThrow(/-record other: .*pmem-record/);
    await flushes.add();
    expect(readdirSync(folder)).not.toContain('other');
    guest.cutPower();
    await daemons.at(-1)?.end();
    expect(look('all/nv0.vpmrec')).toMatchObject({ ending: 'end', problems: [], images: [...flushes.images, flushes.images.at(-1)] });
  });

  it('what was stored and not flushed, in either process, is lost with the power, and nothing else', async () => {
    await serve(',power-failure=on');
    const disk = plug();
    disk.write(0, Buffer.from('flushed by the first'));
    await disk.fsync();
    disk.write(4096, Buffer.from('stored under the first'));
    await takeOver();
    expect(await exposed()).toBe(22);
    disk.write(8192, Buffer.from('flushed with it'));
    await disk.fsync();
    expect(file().subarray(4096, 4096 + 22).toString()).toBe('stored under the first');
    disk.write(4096, Buffer.from('nothing of this'));
    await takeOver();
    disk.write(12_288, Buffer.from('nor of this'));
    const kept = file();
    const lost = volatile(disk);
    expect(await exposed()).toBe(lost);
    expect(await qmp((client) => client.execute('power-cut', { id: 'nv0', survivors: 'none' }))).toMatchObject({ cut: { 'lost-bytes': lost } });
    expect(file().equals(kept)).toBe(true);
    guest.cutPower();
    guest = new Guest();
    expect(Buffer.from(plug().read(0, SIZE)).equals(kept)).toBe(true);
  });
});

describe('after a kill -9 under a keeper', () => {
  const servant = (): number => Number(readFileSync(`/proc/${daemons[0]?.pid}/task/${daemons[0]?.pid}/children`, 'utf8').trim().split(' ')[0]);
  const listed = (): string[] => readdirSync(path('vpmem')).filter((name) => name.endsWith('.json'));
  async function kill(): Promise<void> {
    const pid = servant();
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => [servant() > 0 && servant() !== pid, listed()]).toEqual([true, [`vpmemd-${servant()}.json`]]);
  }

  it.each([['record=', ',record=run.vpmrec', [], 'run.vpmrec'], ['-record', '', ['-record', 'all'], 'all/nv0.vpmrec']] as const)('the recording of %s ends where it was, and says so; what was not flushed is there, and not durable', async (_, backend, more, recorded) => {
    await serve(backend, '-keep', '-run-with', 'restart-burst=1000', ...more);
    const disk = plug();
    const flushes = new Flushes(disk);
    for (let i = 0; i < 4; i++) await flushes.add();
    // With it all before it is in the file.
    await qmp((client) => client.execute('pmem-mark', { text: 'four' }));
    disk.write(0, Buffer.from('stored before'));
    await kill();
    // It was no power cut.
    expect(Buffer.from(disk.read(0, 13)).toString()).toBe('stored before');
    expect(digest(file())).toBe(flushes.images[3]);
    expect(await exposed()).toBe(volatile(disk));
    const ended = { file: recorded, flushes: 4, marks: 1, incomplete: expect.any(String) as string };
    await expect.poll(recordingOf).toMatchObject(ended);
    await disk.fsync();
    expect(file().subarray(0, 13).toString()).toBe('stored before');
    await flushes.add();
    // An upgrade does not make it begin again, nor does another death.
    await kill();
    await flushes.add();
    expect(look(recorded)).toMatchObject({ ending: 'incomplete', problems: [], images: flushes.images.slice(0, 4) });
    expect(await recordingOf()).toMatchObject(ended);
    // Asked for, it is one.
    disk.write(0, Buffer.from('lost by the cut'));
    await qmp((client) => client.execute('power-cut', { id: 'nv0', survivors: 'none' }));
    expect(digest(file())).toBe(flushes.images.at(-1));
  });
});

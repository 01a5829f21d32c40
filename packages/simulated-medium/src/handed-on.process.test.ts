// One medium after the other with the same memory, file and recording, as one vpmemd goes on for another.
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { closeBackend, openBackend, type BackendDescription, type FileBackendOptions } from '@vpmem/memory-backend';
import { Mapping } from '@vpmem/native';
import { Recording } from '@vpmem/recording';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MediumState } from './medium-state.ts';
import type { RecordingState } from './medium-status.ts';
import type { PowerCutReport } from './power-cut.ts';
import { SimulatedMedium } from './simulated-medium.ts';
import { TRACKERS, withTracker } from './testing.ts';

const PAGE = 4096;
const PAGES = 6;
const SIZE = PAGES * PAGE;
let folder: string;
let failed: RecordingState[];
let planned: (PowerCutReport | Error)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-handed-'));
  failed = [];
  planned = [];
});
afterEach(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);
const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** A backend, its client, and whichever medium has it now. */
class Disk {
  readonly #mapping: Mapping;
  readonly #observer = {
    powerLost: () => undefined,
    powerBack: () => undefined,
    planned: (outcome: PowerCutReport | Error) => planned.push(outcome),
    recordingFailed: (recording: RecordingState) => failed.push(recording),
  };
  readonly description: BackendDescription;
  medium: SimulatedMedium;

  private constructor(description: BackendDescription) {
    this.description = description;
    this.medium = new SimulatedMedium(description, this.#observer);
    this.#mapping = Mapping.ofFile(description.fd, { length: SIZE });
    this.medium.client('came', process.pid);
  }

  static async open(options: Partial<FileBackendOptions> = {}): Promise<Disk> {
    const disk = new Disk(await openBackend({ type: 'memory-backend-file', id: 'mem1', memPath: path('disk.img'), size: SIZE, share: true, powerFailure: true, pageTracker: 'compare', ...options }));
    // A mark waits until the base is written, before which it cannot be handed on.
    if (options.record !== undefined) await disk.mark('begun');
    return disk;
  }

  /** Through the client's mapping. */
  store(at: number, text: string): void {
    new Uint8Array(this.#mapping.window(at, text.length)).set(Buffer.from(text));
  }

  get memory(): Buffer {
    return Buffer.from(this.#mapping.window(0, SIZE).slice(0));
  }

  get file(): Buffer {
    return readFileSync(path('disk.img'));
  }

  flush(): Promise<Error | undefined> {
    return new Promise((resolve) => this.medium.start(resolve));
  }

  mark(text: string): Promise<boolean | Error> {
    return new Promise((resolve) => this.medium.mark(text, resolve));
  }

  measure(): Promise<number | undefined> {
    return new Promise((resolve) => this.medium.measure(({ bytes }) => resolve(bytes)));
  }

  end(): Promise<RecordingState | Error> {
    return new Promise((resolve) => this.medium.endRecording(resolve));
  }

  hold(): Promise<string | undefined> {
    return new Promise((resolve) => this.medium.hold(resolve));
  }

  letGo(medium = this.medium): Promise<void> {
    return new Promise((resolve) => medium.letGo(resolve));
  }

  /** Another medium that goes on from there. */
  another(state: MediumState): SimulatedMedium {
    return new SimulatedMedium(this.description, this.#observer, undefined, JSON.parse(JSON.stringify(state)) as MediumState);
  }

  async handOn(): Promise<void> {
    expect(await this.hold()).toBeUndefined();
    const next = this.another(this.medium.save());
    await this.letGo();
    this.medium = next;
  }

  /** The process dies: what it had is as it was at any moment before. */
  async die(): Promise<void> {
    const state = this.medium.save();
    await this.letGo();
    this.medium = this.another(state);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.medium.close(resolve));
    this.#mapping.unmap();
    closeBackend(this.description);
  }
}

type Step = { readonly type: 'store'; readonly page: number; readonly text: string } | { readonly type: 'flush' | 'mark' | 'hand on' | 'proceed' | 'measure' };
const script = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ type: fc.constant('store' as const), page: fc.nat(PAGES - 1), text: fc.constantFrom('\0\0\0', 'one', 'two') }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('flush' as const, 'mark' as const, 'hand on' as const, 'hand on' as const, 'proceed' as const, 'measure' as const) }) },
  ),
  { minLength: 12, maxLength: 20, size: 'max' },
);

describe.each(TRACKERS)('at random moments', (tracker) => {
  it.skipIf(tracker.obstacle !== undefined)(
    `the file holds what memory did at each flush, and the recording is one${withTracker(tracker)}`,
    { timeout: 300_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(script, async (steps: Step[]) => {
          const disk = await Disk.open({ pageTracker: tracker.kind, record: path('run.vpmrec') });
          const files: Buffer[] = [];
          try {
            for (const step of [...steps, { type: 'hand on' }, { type: 'mark' }] as Step[]) {
              if (step.type === 'store') disk.store(step.page * PAGE + 8 * step.page, step.text);
              else if (step.type === 'mark') expect(await disk.mark('mark')).toBe(true);
              else if (step.type === 'hand on') await disk.handOn();
              else if (step.type === 'measure') await disk.measure();
              else if (step.type === 'proceed') {
                await disk.hold();
                disk.medium.proceed();
              } else {
                expect(await disk.flush()).toBeUndefined();
                files.push(disk.file);
                expect(disk.file.equals(disk.memory)).toBe(true);
              }
            }
            const held = disk.memory;
            const marks = 2 + steps.filter(({ type }) => type === 'mark').length;
            expect(await disk.end()).toMatchObject({ flushes: files.length, marks, bytes: statSync(path('run.vpmrec')).size, incomplete: undefined });
            const recording = Recording.open(path('run.vpmrec'));
            expect([recording.complete, recording.verify().problems]).toEqual([true, []]);
            const image = (state: string): Buffer => {
              recording.writeImage(state, path('state.img'));
              const bytes = readFileSync(path('state.img'));
              rmSync(path('state.img'));
              return bytes;
            };
            files.forEach((file, i) => expect(image(String(i + 1)).equals(file), `flush ${i + 1}`).toBe(true));
            expect(image('end').equals(held)).toBe(true);
            // The client came once, whoever goes on.
            expect([...recording.events()].filter(({ type }) => type === 'client')).toHaveLength(1);
            recording.close();
            expect(failed).toEqual([]);
          } finally {
            await disk.close();
            for (const name of ['disk.img', 'run.vpmrec', 'state.img']) rmSync(path(name), { force: true });
          }
        }),
        { numRuns: 3 },
      );
    },
  );
});

describe.each(TRACKERS)('what is volatile', (tracker) => {
  it.skipIf(tracker.obstacle !== undefined)(`is flushed and recorded by whoever comes after, also what was recorded and taken back${withTracker(tracker)}`, async () => {
    const disk = await Disk.open({ pageTracker: tracker.kind, record: path('run.vpmrec') });
    disk.store(0, 'one');
    disk.store(PAGE, 'not touched again');
    await disk.flush();
    disk.store(0, 'two');
    disk.store(2 * PAGE, 'never asked about');
    await disk.mark('two');
    disk.store(3 * PAGE, 'stored last');
    await disk.handOn();
    disk.store(0, 'one');
    await disk.mark('one again');
    await disk.handOn();
    const held = disk.memory;
    expect(await disk.flush()).toBeUndefined();
    expect(disk.file.equals(held)).toBe(true);
    await disk.end();
    const recording = Recording.open(path('run.vpmrec'));
    for (const state of ['2', 'end']) {
      recording.writeImage(state, path('state.img'));
      expect(readFileSync(path('state.img')).equals(held), state).toBe(true);
      rmSync(path('state.img'));
    }
    recording.close();
    await disk.close();
  });
});

describe('another goes on', () => {
  it('with flushes, plans and what is exposed counted on', async () => {
    const disk = await Disk.open();
    await disk.measure();
    const before = descriptors();
    disk.medium.plan({ atFlush: 3, phase: 'after-durable', options: { survivors: 'none', granularity: 'page', seed: 1 } });
    disk.store(0, 'first');
    await disk.flush();
    disk.store(PAGE, 'more');
    await disk.handOn();
    expect(await disk.measure()).toBe(4);
    await disk.flush();
    await disk.handOn();
    expect(await disk.measure()).toBe(0);
    disk.store(2 * PAGE, 'third');
    expect((await disk.flush())?.message).toBe('the power was cut');
    expect(planned).toMatchObject([{ flush: 3, lostBytes: 0 }]);
    expect(disk.file.subarray(2 * PAGE, 2 * PAGE + 5).toString()).toBe('third');
    expect(descriptors()).toBe(before);
    await disk.close();
  });

  it('of a recording that was begun by its name, and looks at what is volatile as often as before', async () => {
    const disk = await Disk.open();
    await new Promise((resolve) => disk.medium.beginRecording({ target: { path: path('run.vpmrec') }, interval: 20 }, resolve));
    await disk.mark('begun');
    await disk.handOn();
    disk.store(0, 'ticked');
    await expect.poll(() => [...Recording.open(path('run.vpmrec')).events()].at(-1)?.type).toBe('pages');
    expect(disk.medium.save().recording).toMatchObject({ interval: 20, given: false });
    await disk.close();
    expect(Recording.open(path('run.vpmrec')).complete).toBe(true);
  });

  it('of a recording into which nothing gets any more, and nobody is told again', async () => {
    const disk = await Disk.open({ record: path('run.vpmrec') });
    await disk.die();
    await expect.poll(() => failed.length).toBe(1);
    await disk.handOn();
    await disk.flush();
    expect(disk.medium.status?.recording?.incomplete).toBe('gap: the process that recorded has died');
    expect(await disk.end()).toMatchObject({ incomplete: 'gap: the process that recorded has died' });
    expect(await disk.end()).toMatchObject({ code: 'ENOENT' });
    expect(failed).toHaveLength(1);
    await disk.close();
  });

  it('who was held and went on has nothing to hand on until it is held again', async () => {
    const disk = await Disk.open({ record: path('run.vpmrec') });
    await disk.hold();
    expect(disk.medium.save().recording?.writer).toBeDefined();
    await disk.measure();
    expect(disk.medium.save().recording?.writer).toBeDefined();
    await disk.mark('after');
    expect(disk.medium.save().recording?.writer).toBeUndefined();
    await disk.close();
  });

  it('and is gone: whoever was before goes on, finds what it missed, and the recording says that it has a gap', async () => {
    const disk = await Disk.open({ record: path('run.vpmrec'), pageTracker: 'auto' });
    disk.store(0, 'before');
    await disk.flush();
    await disk.hold();
    const first = disk.medium;
    disk.medium = disk.another(first.save());
    disk.store(PAGE, 'seen by the other only');
    await disk.measure();
    disk.store(2 * PAGE, 'flushed by the other');
    await disk.flush();
    disk.store(3 * PAGE, 'never flushed by it');
    await disk.measure();
    await disk.letGo();
    disk.medium = first;
    first.proceed();
    expect(await disk.flush()).toBeUndefined();
    expect(disk.file.equals(disk.memory)).toBe(true);
    await expect.poll(() => failed).toMatchObject([{ incomplete: 'gap: another process went on with it, and is gone' }]);
    const recording = Recording.open(path('run.vpmrec'));
    expect(recording.ending).toMatchObject({ kind: 'incomplete', text: 'gap: another process went on with it, and is gone' });
    expect(recording.windows.map(({ number, status }) => [number, status])).toEqual([
      [1, 'ok'],
      [2, 'ok'],
      [0, 'open'],
    ]);
    recording.close();
    await disk.close();
  });

  it('not with a recording that does not end as it was left: nothing is written to it, and flushes go on', async () => {
    const disk = await Disk.open({ record: path('run.vpmrec') });
    await disk.hold();
    const state = disk.medium.save();
    await disk.letGo();
    appendFileSync(path('run.vpmrec'), 'x');
    const size = statSync(path('run.vpmrec')).size;
    disk.medium = disk.another(state);
    disk.store(0, 'goes on');
    expect(await disk.flush()).toBeUndefined();
    expect(disk.file.subarray(0, 7).toString()).toBe('goes on');
    await expect.poll(() => failed).toMatchObject([{ incomplete: expect.stringMatching(/does not end as it was left/) as string }]);
    await disk.close();
    expect(statSync(path('run.vpmrec')).size).toBe(size);
  });

  it.each([
    ['clients', { clients: 1 }],
    ['flushes', { flushes: -1 }],
    ['phase', { plan: { atFlush: 1, phase: 'never' } }],
    ['offset', { recording: { path: 'x', given: true, flushes: 0, marks: 0, bytes: 0, writer: { id: '' } } }],
  ])('not from a state whose %s is not what it has to be', async (name, wrong) => {
    const disk = await Disk.open();
    // Its thread has what it needs then.
    await disk.flush();
    const before = descriptors();
    expect(() => disk.another({ ...disk.medium.save(), ...wrong } as MediumState)).toThrow(new RegExp(`the saved medium of memory backend 'mem1'.*\\.${name} is `));
    expect(descriptors()).toBe(before);
    await disk.close();
  });
});

describe('the process has died', () => {
  it('what was not flushed is flushed next, and a flush that was half carried out is finished', async () => {
    const disk = await Disk.open();
    disk.store(0, 'durable');
    await disk.flush();
    disk.store(0, 'altered');
    disk.store(3 * PAGE, 'half');
    // So far it had come.
    writeSync(disk.description.medium?.fd ?? -1, 'al', 0);
    await disk.die();
    expect(await disk.measure()).toBe(9);
    expect(await disk.flush()).toBeUndefined();
    expect(disk.file.equals(disk.memory)).toBe(true);
    await disk.close();
  });

  it('its recording ends after the last whole moment, and says that there is a gap', async () => {
    const disk = await Disk.open({ record: path('run.vpmrec') });
    disk.store(0, 'recorded');
    await disk.flush();
    await disk.mark('recorded is promised');
    const state = disk.medium.save();
    await disk.letGo();
    // It had begun to write something.
    appendFileSync(path('run.vpmrec'), Buffer.of(4, 0x41, 0, 0, 9, 9));
    disk.medium = disk.another(state);
    disk.store(PAGE, 'not recorded');
    expect(await disk.flush()).toBeUndefined();
    expect(await disk.mark('nobody has this')).toBe(false);
    expect(failed).toMatchObject([{ path: path('run.vpmrec'), incomplete: 'gap: the process that recorded has died' }]);
    expect(await disk.end()).toMatchObject({ flushes: 1, marks: 2, bytes: statSync(path('run.vpmrec')).size });
    const recording = Recording.open(path('run.vpmrec'));
    expect(recording.ending).toMatchObject({ kind: 'incomplete', text: 'gap: the process that recorded has died' });
    expect([...recording.marks()].map(({ text }) => text)).toEqual(['begun', 'recorded is promised']);
    expect(recording.windows.map(({ number, status }) => [number, status])).toEqual([
      [1, 'ok'],
      [0, 'open'],
    ]);
    recording.close();
    // It can be recorded anew.
    await new Promise((resolve) => disk.medium.beginRecording({ target: { path: path('second.vpmrec') }, interval: undefined }, resolve));
    await disk.close();
    expect(Recording.open(path('second.vpmrec')).complete).toBe(true);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanUpAfterDead } from './place-folder.ts';
import { leftBelow, noMounts, NOTHING, recordSteps, testFolder } from './test-images.ts';

const reason = noMounts();
/** Where packages are found by their names, wherever these tests are run from. */
const cwd = join(import.meta.dirname, '..');
/** A program that opens a place, and checks until it is ended. */
const PROGRAM = `
  import { ImageBuilder, Recording } from '@vpmem/recording';
  import { openHostPlace, programChecker } from '@vpmem/check-places';
  const [path, end] = process.argv.slice(-2);
  const recording = Recording.open(path);
  const command = 'setsid sleep 9870 <"$1"/one & mkdir "$1"/m; mount -t tmpfs none "$1"/m; echo x >"$VPMEM_OUT"/begun; sleep 9870';
  const place = await openHostPlace({ size: recording.size, checker: programChecker({ command }), mount: 'ext4' });
  new ImageBuilder(recording, place.target).apply('1');
  const checking = place.check({ state: '1', window: '1', marks: [], watch: [] });
  process.on('SIGUSR1', () => { if (end === 'throw') throw new Error('in the middle'); process.exit(5); });
  await checking;
`;

/** One that does nothing but mount. */
const MOUNTING = `
  import { ImageBuilder, Recording } from '@vpmem/recording';
  import { openHostPlace, programChecker } from '@vpmem/check-places';
  const recording = Recording.open(process.argv.at(-1));
  const place = await openHostPlace({ size: recording.size, checker: programChecker({ command: 'true' }), mount: 'ext4' });
  new ImageBuilder(recording, place.target).apply('1');
  for (let i = 0; ; i++) {
    await place.check({ state: '1', window: '1', marks: [], watch: [] });
    if (i === 1) console.log('mounting');
  }
`;

describe.skipIf(reason !== undefined)(`a program that explores${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const folder = testFolder();
  const run = join(folder.path, 'run');
  const environment = { ...process.env, XDG_RUNTIME_DIR: run };
  let path: string;
  beforeAll(() => {
    const recording = recordSteps(folder.path, { size: 16 * 2 ** 20, mkfs: ['mkfs.ext4', '-q'], type: 'ext4', steps: [{ script: 'echo 1 >one', mark: 'acked 1' }] });
    recording.close();
    path = recording.path;
  });
  afterAll(() => folder.remove());

  const start = async (end: string): Promise<ReturnType<typeof spawn>> => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, path, end], { cwd, env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    await expect.poll(() => `${errors}${leftBelow(run).files.filter((name) => name.endsWith('/begun')).length}`).toBe('1');
    const left = leftBelow(run);
    expect(left.mounts).toHaveLength(3);
    expect(left.loops).toHaveLength(1);
    expect(left.processes.length).toBeGreaterThan(1);
    return child;
  };

  it('and is killed leaves what the next one removes', async () => {
    const child = await start('kill');
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    expect(leftBelow(run).mounts).toHaveLength(3);
    await cleanUpAfterDead(environment);
    expect(leftBelow(run)).toEqual(NOTHING);
  });

  it('and is killed at any moment ends at once, also while it waits for its own image', async () => {
    for (let round = 0; round < 12; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', MOUNTING, path], { cwd, env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
      await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => Promise.reject(new Error('it ended before it mounted anything')))]);
      // No event tells where in a mount it is: each round another moment, by the time that a mount takes.
      await new Promise((resolve) => setTimeout(resolve, 3 * round));
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await cleanUpAfterDead(environment);
    expect(leftBelow(run)).toEqual(NOTHING);
  });

  it.each([['exit', 5], ['throw', 1]])('and ends by %s leaves nothing, and does not wait for its thread', async (end, status) => {
    const child = await start(end);
    const ended = once(child, 'exit');
    child.kill('SIGUSR1');
    expect((await ended)[0]).toBe(status);
    // Killed they were; a process takes a moment to end.
    await expect.poll(() => leftBelow(run)).toEqual(NOTHING);
  });

  it('is left alone while it runs', async () => {
    const child = await start('kill');
    const before = leftBelow(run);
    await cleanUpAfterDead(environment);
    expect(leftBelow(run)).toEqual(before);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    await cleanUpAfterDead(environment);
  });

  it('keeps its folder out of the hands of others', async () => {
    const own = join(folder.path, 'other');
    mkdirSync(own);
    writeFileSync(join(own, `vpmem-places-${process.getuid?.() ?? 0}`), '');
    await expect(cleanUpAfterDead({ XDG_RUNTIME_DIR: own })).rejects.toThrow();
  });
});

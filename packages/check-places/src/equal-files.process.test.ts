import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckAnswer, CheckPlace, CheckQuestion } from '@vpmem/explorer';
import { ImageBuilder, type Recording } from '@vpmem/recording';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { programChecker } from './checker.ts';
import { EqualFiles } from './equal-files.ts';
import { openHostPlace } from './host-place.ts';
import { leftBelow, noMounts, NOTHING, recordSteps, testFolder } from './test-images.ts';

const reason = noMounts();

describe.skipIf(reason !== undefined)(`files that are equal${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const folder = testFolder();
  const run = join(folder.path, 'run');
  let recording: Recording;
  let place: CheckPlace | undefined;
  let builder: ImageBuilder;
  beforeAll(() => {
    process.env.XDG_RUNTIME_DIR = run;
    recording = recordSteps(folder.path, {
      size: 16 * 2 ** 20,
      mkfs: ['mkfs.ext4', '-q', '-b', '4096'],
      type: 'ext4',
      steps: [{ script: 'echo one >one; mkdir d; ln -s ../one d/link', mark: 'a' }, { script: 'touch -d 2001-01-01 one', mark: 'b' }, { script: 'echo two >one', mark: 'c' }],
    });
  });
  afterEach(async () => {
    await place?.close();
    expect(leftBelow(run)).toEqual(NOTHING);
  });
  afterAll(() => folder.remove());

  /** Tells how often it was run. */
  const counted = (name: string, command: string): string => `echo x >>'${join(folder.path, name)}'; ${command}`;
  const runs = (name: string): number => readFileSync(join(folder.path, name), 'utf8').length / 2;
  const open = async (command: string, equalFiles: EqualFiles | undefined, timeout = 20_000): Promise<void> => {
    place = await openHostPlace({ size: recording.size, checker: programChecker({ command, timeout }), mount: 'ext4', equalFiles });
    builder = new ImageBuilder(recording, place.target);
  };
  const question = (state: string, marks: readonly string[] = []): CheckQuestion => ({ state, window: state, marks, watch: [] });
  const check = async (state: string, more: Partial<CheckQuestion> = {}): Promise<CheckAnswer | undefined> => {
    builder.apply(state);
    return place?.check({ ...question(state), ...more });
  };

  it('are checked once, and the verdict is that of the first', async () => {
    await open(counted('once', 'cat "$1"/one; grep -q one "$1"/one'), new EqualFiles());
    const answers = [await check('1'), await check('2'), await check('3'), await check('1'), await check('3')];
    expect(answers.map((answer) => [answer?.verdict, answer?.signature, answer?.reusedFiles])).toEqual([
      ['kept', 'one', false], ['kept', 'one', true], ['violated', 'two', false], ['kept', 'one', true], ['violated', 'two', true],
    ]);
    expect(runs('once')).toBe(2);
  });

  it('are checked again if something else is promised, or the checker is to be traced', async () => {
    await open(counted('promised', 'true'), new EqualFiles());
    await check('1');
    expect((await check('1', { marks: ['a'] }))?.reusedFiles).toBe(false);
    expect((await check('1', { trace: true }))?.reusedFiles).toBeUndefined();
    expect((await check('1', { marks: ['a'] }))?.reusedFiles).toBe(true);
    expect(runs('promised')).toBe(3);
  });

  it('are shared by places, and by nobody unless that is wanted', async () => {
    const equal = new EqualFiles();
    await open(counted('shared', 'true'), equal);
    await check('1');
    await place?.close();
    await open(counted('shared', 'true'), equal);
    expect((await check('1'))?.reusedFiles).toBe(true);
    await place?.close();
    await open(counted('shared', 'true'), undefined);
    expect((await check('1'))?.reusedFiles).toBeUndefined();
    expect(runs('shared')).toBe(2);
  });

  it.each([['a hang', 'sleep 9870; :', 'hang'], ['a checker that is broken', 'exit 125;', 'broken']])('are checked again after %s', async (name, command, verdict) => {
    await open(counted(name, command), new EqualFiles(), 300);
    expect([(await check('1'))?.verdict, (await check('1'))?.verdict]).toEqual([verdict, verdict]);
    expect(runs(name)).toBe(2);
  });

  it('says of a disk that cannot be mounted what the kernel says, each time', async () => {
    await open('true', new EqualFiles());
    await check('1');
    place?.target.write(0, Buffer.alloc(4096, 7));
    for (let i = 0; i < 2; i++) expect(await place?.check(question('1'))).toMatchObject({ verdict: 'violated', step: 'mount' });
  });

  it('counts what was read for the digest as read', async () => {
    await open('true', new EqualFiles());
    const image = join(folder.path, 'read');
    recording.writeImage('1', image);
    const page = readFileSync(image).indexOf('one\n\0\0\0\0') / 4096;
    expect([...((await check('1', { watch: [page] }))?.reads ?? [])]).toEqual([page]);
  });

  it.each([
    ['more than 64 MiB', 'truncate -s 64M big; echo x >>big'],
    ['more than 10,000', 'mkdir many; cd many; seq 10001 | xargs touch'],
  ])('have no digest where they are %s, and are checked each time', async (name, script) => {
    const more = recordSteps(folder.path, { size: 32 * 2 ** 20, mkfs: ['mkfs.ext4', '-q', '-N', '12000'], type: 'ext4', steps: [{ script, mark: 'made' }] });
    place = await openHostPlace({ size: more.size, checker: programChecker({ command: counted(name, 'true') }), mount: 'ext4', equalFiles: new EqualFiles() });
    new ImageBuilder(more, place.target).apply('1');
    for (let i = 0; i < 2; i++) expect(await place.check(question('1'))).toMatchObject({ verdict: 'kept', reusedFiles: false });
    expect(runs(name)).toBe(2);
    more.close();
  });
});

describe('a digest of files', () => {
  const folder = testFolder();
  afterAll(() => folder.remove());
  const digest = async (script: string): Promise<string | undefined> => {
    const tree = testFolder();
    execFileSync('sh', ['-ec', script], { cwd: tree.path });
    const { key } = await new EqualFiles().look(tree.path, [], 10_000);
    tree.remove();
    return key;
  };
  const base = 'mkdir d; echo x >d/f; ln -s f d/l; mkfifo d/p';

  it('does not wait for what never comes, and is the same for the same', async () => {
    expect(await digest(base)).toMatch(/^[0-9a-f]{64}$/);
    expect(await digest(`${base}; touch -d 2001-01-01 d/f`)).toBe(await digest(base));
  });

  it.each([['a name', 'mv d/f d/g'], ['a byte', 'echo y >d/f'], ['a mode', 'chmod 600 d/f'], ['a target', 'ln -sf g d/l'], ['a type', 'rm d/p; : >d/p'], ['a size', 'truncate -s 9 d/f'], ['a place', 'mv d/f f'], ['a link', 'ln d/f e']])('differs with %s', async (_, script) => {
    expect(await digest(`${base}; chmod 644 d/f; ${script}`)).not.toBe(await digest(`${base}; chmod 644 d/f`));
  });
});

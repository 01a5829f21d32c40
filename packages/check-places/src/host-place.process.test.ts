import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckAnswer, CheckPlace, CheckQuestion } from '@vpmem/explorer';
import { ImageBuilder, type Recording } from '@vpmem/recording';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtInChecker } from './built-in-checkers.ts';
import { programChecker, type ProgramOptions } from './checker.ts';
import { openHostPlace } from './host-place.ts';
import { leftBelow, noMounts, NOTHING, recordSteps, testFolder } from './test-images.ts';
import { PAGE } from './fuse/touched-pages.ts';

const reason = noMounts();

describe.skipIf(reason !== undefined)(`a place on this host${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const folder = testFolder();
  const run = join(folder.path, 'run');
  let recording: Recording;
  let place: CheckPlace | undefined;
  /** A page that only one file has. */
  const pageOf = (text: string): number => readFileSync(join(folder.path, 'image')).indexOf(text) / PAGE;
  beforeAll(() => {
    process.env.XDG_RUNTIME_DIR = run;
    recording = recordSteps(folder.path, {
      size: 16 * 2 ** 20,
      mkfs: ['mkfs.ext4', '-q', '-b', '4096'],
      type: 'ext4',
      steps: [{ script: 'for f in one two; do yes $f.of.test | head -c 8192 >$f; done; seq 1 17 >log', mark: 'acked 17' }],
    });
    recording.writeImage('1', join(folder.path, 'image'));
  });
  afterEach(async () => {
    await place?.close();
    expect(leftBelow(run)).toEqual(NOTHING);
  });
  afterAll(() => folder.remove());

  const question: CheckQuestion = { state: '1', window: '1', marks: ['acked 17'], watch: Array.from({ length: 4096 }, (_, page) => page) };
  const open = async (options: ProgramOptions, more: { readonly mount?: string; readonly state?: string } = {}): Promise<CheckPlace> => {
    place = await openHostPlace({ size: recording.size, checker: programChecker(options), mount: more.mount ?? 'ext4' });
    new ImageBuilder(recording, place.target).apply(more.state ?? '1');
    return place;
  };
  const check = async (options: ProgramOptions): Promise<CheckAnswer> => (await open(options)).check(question);

  it('sees exactly what of a file is read', async () => {
    const one = pageOf('one.of.test');
    const two = pageOf('two.of.test');
    const { verdict, reads } = await check({ command: 'dd if="$1"/one bs=4096 count=1 status=none | grep -q one.of' });
    expect(verdict).toBe('kept');
    expect([one, one + 1, two, two + 1].map((page) => reads?.has(page))).toEqual([true, false, false, false]);
    const again = await place?.check({ ...question, watch: [one, two] });
    expect([...(again?.reads ?? [])]).toEqual([one]);
  });

  it('takes back what a check has written', async () => {
    await open({ command: '[ -e "$1"/new ] && exit 1; cp "$1"/one "$1"/new; sync -f "$1"; rm "$1"/two' });
    for (let i = 0; i < 3; i++) expect(await place?.check(question)).toMatchObject({ verdict: 'kept', step: 'check' });
  });

  it('checks what the image is now, and not what it was', async () => {
    const { target } = await open({ command: 'ls "$1"/one' });
    await place?.check(question);
    const page = pageOf('one.of.test');
    await place?.close();
    await open({ command: 'head -c 3 "$1"/one' });
    expect((await place?.check(question))?.signature).toBe('one');
    place?.target.write(page * PAGE, Buffer.alloc(PAGE, 'new'));
    expect((await place?.check(question))?.signature).toBe('new');
    expect(() => target.write(0, Buffer.alloc(PAGE))).toThrow('the place of this image is closed');
  });

  it.each([
    ['exit 0;', 'kept', ''],
    ['echo lost; exit 1', 'violated', 'lost'],
    ['echo a >/dev/stderr; exit 3', 'violated', 'a'],
    ['exit 77;', 'inapplicable', 'exit status 77'],
    ['exit 124;', 'hang', 'exit status 124'],
    ['exit 125;', 'broken', 'exit status 125'],
    ['kill -SEGV $$', 'violated', 'signal SIGSEGV'],
    ['no-such-program "$1"', 'broken', 'sh: 1: no-such-program: not found'],
  ])('says of %j: %s', async (command, verdict, signature) => {
    expect(await check({ command })).toMatchObject({ verdict, signature, step: 'check' });
  });

  it('tells a checker what it is about, and gives it a folder', async () => {
    const told = 'echo "$VPMEM_STATE,$VPMEM_FLUSH,$VPMEM_MARKS,$VPMEM_LAST_MARK,$VPMEM_ACKED"; [ "$VPMEM_MOUNT" = "$1" ] && [ -b "$VPMEM_IMAGE" ] && mkdir "$VPMEM_OUT"/x';
    await open({ command: told });
    for (let i = 0; i < 2; i++) expect(await place?.check(question)).toMatchObject({ verdict: 'kept', signature: '1,1,acked 17,acked 17,17' });
  });

  it('ends a checker that hangs, with all that it has started', async () => {
    const answer = await check({ command: 'sleep 9870 & sleep 9870; :', timeout: 300 });
    expect(answer).toMatchObject({ verdict: 'hang', signature: 'no answer in time' });
    expect(answer.milliseconds).toBeGreaterThan(299);
  });

  it.each([
    ['a process in the tree', 'cd "$1"; sleep 9870 & :'],
    ['one that has left its group', 'setsid sleep 9870 <"$1"/one >/dev/null 2>&1 & sleep 0.1; :'],
    ['one that keeps the output', 'setsid sleep 9870 & sleep 0.1; :'],
    ['a mount below', 'mkdir "$1"/m; mount -t tmpfs none "$1"/m'],
    ['a mount above', 'mount -t tmpfs none "$1"'],
    ['a mount elsewhere', 'mkdir "$VPMEM_OUT"/m; mount --bind "$1" "$VPMEM_OUT"/m; mount -t tmpfs none "$VPMEM_OUT"'],
    ['the device mounted elsewhere', 'mkdir -p "$VPMEM_OUT"/m; mount "$VPMEM_IMAGE" "$VPMEM_OUT"/m'],
  ])('gets rid of %s', async (_, command) => {
    await open({ command: `${command}; [ -e "$1"/one ] || mountpoint -q "$1"` });
    for (let i = 0; i < 2; i++) expect(await place?.check(question)).toMatchObject({ verdict: 'kept', step: 'check' });
    // While it is open: what is left to its closing would pile up.
    expect(leftBelow(run).processes).toEqual([]);
  });

  it('shows a checker an empty folder for a blank disk', async () => {
    await open({ command: 'ls -A "$1"; [ ! -e "$1"/one ]; echo $?; cmp -n 16777216 "$VPMEM_IMAGE" /dev/zero' });
    expect(await place?.checkBlank(question)).toMatchObject({ verdict: 'kept', output: '0\n' });
    expect(await place?.check(question)).toMatchObject({ output: expect.stringContaining('log\nlost+found\none\ntwo\n1\n') as string });
  });

  it('calls an image violated that cannot be mounted, in the words of the kernel', async () => {
    await open({ command: ':;' });
    place?.target.write(0, Buffer.alloc(PAGE, 7));
    const answer = await place?.check(question);
    expect(answer).toMatchObject({ verdict: 'violated', step: 'mount' });
    expect(answer?.signature).toMatch(/^mount: invalid argument \(EINVAL\): EXT4-fs: VFS: Can't find ext4 filesystem/i);
  });

  it('checks with what is built in', async () => {
    for (const name of ['acked:log', 'ext4']) {
      place = await openHostPlace({ size: recording.size, checker: builtInChecker(name), mount: 'ext4' });
      new ImageBuilder(recording, place.target).apply('1');
      expect(await place.check(question)).toMatchObject({ verdict: 'kept', step: 'check' });
      if (name !== 'ext4') expect(await place.check({ ...question, marks: ['18'] })).toMatchObject({ verdict: 'violated', signature: 'acknowledged and lost', output: '17 of 18\nacknowledged and lost\n' });
      expect((await place.checkBlank(question)).verdict).toBe('violated');
      await place.close();
    }
  });

  it('ends a check when it is closed', async () => {
    await open({ command: 'echo begun >"$VPMEM_OUT"/x; sleep 9870; :' });
    const checking = expect(place?.check(question)).rejects.toThrow('the place was closed while a check ran');
    await expect.poll(() => execFileSync('find', [run, '-name', 'x'], { encoding: 'utf8' })).not.toBe('');
    await place?.close();
    await checking;
    await expect(place?.check(question)).rejects.toThrow('the place is closed');
  });

  it('is refused where it cannot be, in one line', async () => {
    const options = { size: recording.size, checker: programChecker({ command: 'true' }) };
    await expect(openHostPlace(options)).rejects.toThrow('--where host mounts the image: --mount wants the name of a file system, such as --mount ext4');
    await open({ command: 'true' }, { mount: 'nosuchfs' });
    await expect(place?.check(question)).rejects.toThrow('--mount nosuchfs: this kernel has no such file system; --where guest brings a kernel of its own');
    const checker = builtInChecker('sqlite:x');
    await expect(openHostPlace({ ...options, checker: { ...checker, needs: ['no-such-program'] }, mount: 'ext4' })).rejects.toThrow(
      'checker sqlite:x wants the program no-such-program, which is not there; install it, or use another checker',
    );
  });
});

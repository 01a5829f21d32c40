import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckPlace, CheckQuestion } from '@vpmem/explorer';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtInChecker } from './built-in-checkers.ts';
import { programChecker, type ProgramOptions } from './checker.ts';
import { openImagePlace } from './image-place.ts';
import { leftBelow, NOTHING, testFolder } from './test-images.ts';
import { PAGE } from './fuse/touched-pages.ts';

const SIZE = 2 ** 20;

describe('a place that is an image', () => {
  const folder = testFolder();
  const run = join(folder.path, 'run');
  let place: CheckPlace | undefined;
  beforeAll(() => void (process.env.XDG_RUNTIME_DIR = run));
  afterEach(async () => {
    await place?.close();
    expect(leftBelow(run)).toEqual(NOTHING);
  });
  afterAll(() => folder.remove());

  const question: CheckQuestion = { state: '41:page:-3', window: '41', marks: ['begin', 'acked 7'], watch: [1] };
  const open = async (options: ProgramOptions, writable = false): Promise<CheckPlace> => {
    place = await openImagePlace({ size: SIZE, checker: programChecker(options), writable });
    place.target.write(8 * PAGE, Buffer.alloc(PAGE, 'x'));
    return place;
  };

  it('lets a checker read the image and not write it', async () => {
    await open({ command: 'test "$VPMEM_IMAGE" = "$1" && tail -c +32769 "$1" | head -c 3; echo; printf y | dd of="$1" conv=notrunc status=none 2>&1 | grep -c permitted; stat -Lc %s "$1"' });
    expect(await place?.check(question)).toMatchObject({ verdict: 'kept', step: 'check', output: `xxx\n1\n${SIZE}\n`, reads: undefined });
    place?.target.xorPage(8, new Int32Array(PAGE / 4).fill(1));
    expect((await place?.check(question))?.output).toContain('yxx');
  });

  it('takes back what a checker has written that may', async () => {
    await open({ command: 'cmp -s -n 32768 "$1" /dev/zero && tail -c +32769 "$1" | head -c 3; printf abc | dd of="$1" conv=notrunc bs=1 seek=5000 status=none; fallocate -p -o 32768 -l 4096 "$1"' }, true);
    for (let i = 0; i < 2; i++) expect(await place?.check(question)).toMatchObject({ verdict: 'kept', output: 'xxx' });
    place?.target.write(8 * PAGE, Buffer.alloc(PAGE, 'z'));
    expect((await place?.check(question))?.output).toBe('zzz');
  });

  it('shows a blank disk', async () => {
    await open({ command: 'cmp -n 1048576 "$1" /dev/zero' });
    expect((await place?.checkBlank(question))?.verdict).toBe('kept');
    expect((await place?.check(question))?.verdict).toBe('violated');
  });

  it('leaves nothing of a checker that runs when it is closed', async () => {
    await open({ command: 'setsid sleep 9870 & sleep 9870; :' });
    const checking = expect(place?.check(question)).rejects.toThrow('the place was closed while a check ran');
    await expect.poll(() => leftBelow(run).processes.length).toBeGreaterThan(1);
    await place?.close();
    await checking;
  });

  it('is refused for what has to be mounted', async () => {
    await expect(openImagePlace({ size: SIZE, checker: builtInChecker('acked:x') })).rejects.toThrow('checker acked:x looks at files: say what mounts the image, such as --mount ext4');
    const checker = { ...builtInChecker('xfs'), needs: [] };
    await expect(openImagePlace({ size: SIZE, checker })).rejects.toThrow('checker xfs wants its journal replayed, which only a mount does: --where host or --where guest');
  });

  describe('with a worker', () => {
    /** A program that is told what a line of it does by the state. */
    const worker = (name: string, body: string): string => {
      const path = join(folder.path, name);
      writeFileSync(path, `#!/bin/sh\necho started >&2\nwhile IFS= read -r line; do\n${body}\ndone\n`);
      chmodSync(path, 0o755);
      return path;
    };
    const ask = (state: string): Promise<{ readonly verdict: string; readonly signature: string; readonly output: string }> => {
      if (place === undefined) throw new Error('no place');
      return place.check({ ...question, state });
    };

    it('starts it once and asks it for each', async () => {
      mkdirSync(folder.path, { recursive: true });
      const body = `n=$((n + 1)); case $line in
        *'"state":"kept"'*) echo '{"verdict":"kept","output":"'$n'"}';;
        *'"state":"status"'*) echo '{"status":77}';;
        *) printf '%s' "$line" | sed 's/"/\\\\"/g; s/.*/{"verdict":"violated","signature":"lost","output":"&"}/'; echo;;
      esac`;
      await open({ command: worker('good', body), worker: true });
      // What it writes to stderr may be heard later than its answer.
      expect((await ask('kept')).output).toMatch(/^(started\n)?1$/);
      expect((await ask('kept')).output).toMatch(/^(started\n)?2$/);
      expect(await ask('status')).toMatchObject({ verdict: 'inapplicable' });
      const { verdict, signature, output } = await ask('1:page:-1');
      expect([verdict, signature]).toEqual(['violated', 'lost']);
      expect(JSON.parse(output)).toMatchObject({ mount: null, state: '1:page:-1', flush: '41', marks: ['begin', 'acked 7'], lastMark: 'acked 7', acked: '7' });
    });

    it.each([
      ['echo nonsense', 'broken', 'the worker wrote something that is no answer: nonsense'],
      [`echo '{"verdict":"fine"}'`, 'broken', 'the worker wrote something that is no answer: {"verdict":"fine"}'],
      [`printf '{"verdict":"kept"}\\n{"verdict":"kept"}\\n'`, 'broken', 'the worker wrote something that is no answer'],
      ['exit 3', 'broken', 'the worker ended with exit status 3'],
      ['kill -9 $$', 'broken', 'the worker ended by signal SIGKILL'],
      ['sleep 9870', 'hang', 'no answer in time'],
    ])('that does %j is %s', async (body, verdict, signature) => {
      await open({ command: worker('bad', `case $line in *'"state":"bad"'*) ${body};; *) echo '{"verdict":"kept","signature":"'$((n += 1))'"}';; esac`), worker: true, timeout: verdict === 'hang' ? 500 : 60_000 });
      const answer = await ask('bad');
      expect(answer.verdict).toBe(verdict);
      expect(answer.signature).toContain(signature);
      // It is begun anew.
      expect(await ask('good')).toMatchObject({ verdict: 'kept', signature: '1' });
      expect(await ask('good')).toMatchObject({ verdict: 'kept', signature: '2' });
    });
  });
});

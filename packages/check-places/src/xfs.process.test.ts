import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckPlace, CheckQuestion } from '@vpmem/explorer';
import { ImageBuilder, type Recording } from '@vpmem/recording';
import { requireTestbed } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtInChecker } from './built-in-checkers.ts';
import { quote, type Checker } from './checker.ts';
import { openHostPlace } from './host-place.ts';
import { leftBelow, noMounts, NOTHING, recordSteps, testFolder } from './test-images.ts';
import { PAGE } from './fuse/touched-pages.ts';

const { testbed, reason = noMounts() } = await requireTestbed();

describe.skipIf(reason !== undefined)(`the states of an XFS${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const folder = testFolder();
  const run = join(folder.path, 'run');
  const environment = { ...process.env, PATH: `${join(folder.path, 'bin')}:${process.env.PATH ?? ''}` };
  let recording: Recording;
  beforeAll(() => {
    process.env.XDG_RUNTIME_DIR = run;
    mkdirSync(join(folder.path, 'bin'));
    for (const name of ['mkfs.xfs', 'xfs_repair']) {
      const path = join(folder.path, 'bin', name);
      writeFileSync(path, `#!/bin/sh\nexec ${(testbed?.tools.command(`usr/sbin/${name}`) ?? []).map(quote).join(' ')} "$@"\n`);
      chmodSync(path, 0o755);
    }
    recording = recordSteps(folder.path, {
      size: 320 * 2 ** 20,
      mkfs: [join(folder.path, 'bin/mkfs.xfs'), '-q'],
      type: 'xfs',
      steps: [{ script: 'seq 1 5 >log', mark: 'acked 5' }, { script: 'seq 6 9 >>log; mkdir d; mv log d', mark: 'acked 9' }],
    });
  });
  afterAll(() => {
    recording.close();
    folder.remove();
  });

  const question = (state: string, marks: readonly string[]): CheckQuestion => ({ state, window: '2', marks, watch: [0] });
  const open = async (checker: Checker): Promise<{ readonly place: CheckPlace; readonly builder: ImageBuilder }> => {
    const place = await openHostPlace({ size: recording.size, checker, mount: 'xfs', environment });
    return { place, builder: new ImageBuilder(recording, place.target) };
  };

  it('are replayed, repaired by nobody, and mounted in two places at once', async () => {
    const [repair, acked] = await Promise.all([open(builtInChecker('xfs')), open(builtInChecker('acked:d/log'))]);
    try {
      for (const [state, verdict] of [['1', 'violated'], ['2', 'kept']] as const) {
        for (const { builder } of [repair, acked]) builder.apply(state);
        const answers = await Promise.all([repair.place.check(question(state, [])), acked.place.check(question(state, ['acked 9']))]);
        expect(answers.map((answer) => [answer.verdict, answer.step])).toEqual([['kept', 'check'], [verdict, 'check']]);
        expect(answers.map(({ reads }) => reads?.has(0))).toEqual([true, true]);
      }
      repair.place.target.write(0, Buffer.alloc(PAGE));
      expect(await repair.place.check(question('2', []))).toMatchObject({ verdict: 'violated', step: 'mount' });
      expect(await repair.place.checkBlank(question('2', []))).toMatchObject({ verdict: 'violated', step: 'mount' });
    } finally {
      await Promise.all([repair, acked].map(({ place }) => place.close()));
    }
    expect(leftBelow(run)).toEqual(NOTHING);
  });
});

import { join } from 'node:path';
import type { CheckPlace } from '@vpmem/explorer';
import { ImageBuilder, type Recording } from '@vpmem/recording';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtInChecker } from './built-in-checkers.ts';
import { openHostPlace } from './host-place.ts';
import { openImagePlace } from './image-place.ts';
import { leftBelow, noMounts, NOTHING, recordSteps, testFolder } from './test-images.ts';

const reason = noMounts();

describe.skipIf(reason !== undefined)(`the states of an ext4${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const folder = testFolder();
  const places: CheckPlace[] = [];
  let recording: Recording;
  beforeAll(async () => {
    process.env.XDG_RUNTIME_DIR = join(folder.path, 'run');
    recording = recordSteps(folder.path, {
      size: 16 * 2 ** 20,
      mkfs: ['mkfs.ext4', '-q', '-b', '4096'],
      type: 'ext4',
      steps: [
        { script: 'mkdir a; echo one >a/one', mark: 'acked 1' },
        { script: 'rm a/one; for i in 1 2 3 4 5 6; do echo $i >a/$i; ln a/$i b$i; done', mark: 'acked 2' },
        { script: 'dd if=/dev/zero of=big bs=4096 count=300 status=none; mv a c', mark: 'acked 3' },
      ],
    });
    const options = { size: recording.size, checker: builtInChecker('ext4') };
    places.push(await openImagePlace(options), await openHostPlace(options));
  });
  afterAll(async () => {
    await Promise.all(places.map((place) => place.close()));
    expect(leftBelow(join(folder.path, 'run'))).toEqual(NOTHING);
    folder.remove();
  });

  it('get the same verdict as an image and mounted', async () => {
    const builders = places.map((place) => new ImageBuilder(recording, place.target));
    const verdicts = new Map<string | undefined, number>();
    for (const { number } of recording.windows.filter(({ kind }) => kind === 'flush')) {
      const pages = recording.contents(recording.window({ kind: 'flush', number })).pages.length;
      const some = Array.from({ length: pages }, (_, i) => i + 1).filter((i) => i <= 20 || i % 50 === 0);
      const choices = ['none', 'all', ...some.flatMap((i) => [`page:-${i}`, `page:+${i}`]), 'sector:-1.1', ...[1, 2, 3, 4].map((seed) => `random:page:${seed}`)];
      for (const choice of choices) {
        const question = { state: `${number}:${choice}`, window: `${number}`, marks: [], watch: [] };
        const answers = [];
        for (const [i, place] of places.entries()) {
          builders[i]?.apply(question.state);
          const { verdict, step } = await place.check(question);
          answers.push({ state: question.state, verdict, step });
        }
        expect(answers[0]).toEqual(answers[1]);
        verdicts.set(answers[0]?.verdict, (verdicts.get(answers[0]?.verdict) ?? 0) + 1);
      }
    }
    // Several flushes of ext4 are one of the recording here, so there is something to tell apart.
    expect([...verdicts.keys()].sort()).toEqual(['kept', 'violated']);
    expect(Math.min(...verdicts.values())).toBeGreaterThan(10);
  });

  it('that is blank is violated in both', async () => {
    const question = { state: 'blank', window: '3', marks: [], watch: [] };
    for (const place of places) expect(await place.checkBlank(question)).toMatchObject({ verdict: 'violated', step: 'mount' });
  });
});

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
    process.env.XDG_RUNTIME_DIR = folder.path;
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
    folder.remove();
  });

  it('get the same verdict as an image and mounted', async () => {
    const builders = places.map((place) => new ImageBuilder(recording, place.target));
    const told = new Map<string, number>();
    for (const window of recording.windows.filter(({ kind }) => kind === 'flush')) {
      const pages = recording.contents(window).pages.length;
      const some = Array.from({ length: pages }, (_, i) => i + 1).filter((i) => i <= 20 || i % 50 === 0);
      const choices = ['none', 'all', ...some.flatMap((i) => [`page:-${i}`, `page:+${i}`]), 'sector:-1.1', ...[1, 2, 3, 4].map((seed) => `random:page:${seed}`)];
      for (const choice of choices) {
        const name = window.kind === 'flush' ? `${window.number}` : window.kind === 'cut' ? `cut${window.number}` : 'end';
        const question = { state: `${name}:${choice}`, window: name, marks: [], watch: [] };
        const answers = [];
        for (const [i, place] of places.entries()) {
          builders[i]?.apply(question.state);
          const { verdict, step, signature } = await place.check(question);
          answers.push({ verdict, step, signature });
        }
        const [image, host] = answers;
        told.set(`${image?.verdict}`, (told.get(`${image?.verdict}`) ?? 0) + 1);
        if (image?.verdict !== host?.verdict) console.log(question.state, image, host);
      }
    }
    console.log(told);
  });
});

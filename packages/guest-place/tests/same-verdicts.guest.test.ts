import { openHostPlace, programChecker } from '@vpmem/check-places';
import type { CheckAnswer, CheckPlace } from '@vpmem/explorer';
import { requireTestbed } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GuestPlace } from '../src/index.ts';
import { ext4Image, fill } from './disk-images.ts';

const { testbed, reason } = await requireTestbed();
const isRoot = process.getuid?.() === 0;
const why = reason ?? (isRoot ? undefined : 'to mount on this host takes root');
const SIZE = 16 * 2 ** 20;
const PAGE = 4096;

/** Wrong bytes on a disk: where, and which. */
const DAMAGE: readonly (readonly [what: string, at: (image: Buffer) => number, bytes: Buffer])[] = [
  ['nothing', () => 0, Buffer.alloc(0)],
  ['the magic number', () => 1024 + 0x38, Buffer.alloc(2)],
  ["the superblock's checksum", () => 1024 + 0x3fc, Buffer.from('torn')],
  ['a group descriptor', () => PAGE + 8, Buffer.alloc(4, 0x33)],
  ['all of the superblock', () => 0, Buffer.alloc(PAGE)],
  ['an inode', (image) => inodeOf(image), Buffer.alloc(128, 0x77)],
  ['the content of a file', (image) => image.indexOf('right'), Buffer.from('wrong')],
];

/** The root's: the first that is a folder of mode 755. */
function inodeOf(image: Buffer): number {
  for (let at = 0; at < image.length; at += 256) if (image.readUInt16LE(at) === 0o40755) return at;
  throw new Error('no inode of a folder');
}

describe.skipIf(why !== undefined)(`the same verdicts on the host and in a guest${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  const places: CheckPlace[] = [];
  let image: Buffer;
  beforeAll(async () => {
    image = ext4Image(testbed!, SIZE, { file: 'right', other: 'x'.repeat(9000) });
    const checker = programChecker({ command: 'eval "$VPMEM_LAST_MARK" #$1' });
    places.push(await openHostPlace({ size: SIZE, checker, mount: 'ext4' }), await GuestPlace.open({ testbed: testbed!, size: SIZE, fileSystem: 'ext4', checker }));
    for (const { target } of places) fill(target, image);
  });
  afterAll(async () => {
    for (const place of places) await place.close();
  });

  const outcome = ({ verdict, step, signature, reads }: CheckAnswer) => ({
    verdict,
    step,
    // Two kernels, of which each names its own line and who has asked.
    signature: signature.replace(/:\d+: /, ': ').replace(/comm \w+/, 'comm'),
    reads: [...(reads ?? [])].sort((a, b) => a - b),
  });

  it.each(DAMAGE)('with %s damaged', async (_, where, bytes) => {
    const at = where(image);
    const first = Math.floor(at / PAGE) * PAGE;
    const pages = Buffer.from(image.subarray(first, first + 2 * PAGE));
    bytes.copy(pages, at - first);
    const watch = [0, 1, 2, Math.floor(image.indexOf('right') / PAGE), Math.floor(image.indexOf('x'.repeat(PAGE)) / PAGE)];
    for (const script of ['[ "$(cat "$1/file")" = right ] || { echo lost; exit 1; }', 'cat "$1/other" | wc -c; exit 77']) {
      const answers: CheckAnswer[] = [];
      for (const place of places) {
        place.target.write(first, pages);
        answers.push(await place.check({ state: '1', window: '1', marks: ['acked 3', script], watch }));
        place.target.write(first, image.subarray(first, first + 2 * PAGE));
      }
      const [host, guest] = answers.map(outcome);
      expect(guest).toEqual(host);
      expect(guest?.reads).toContain(0);
    }
  });
});

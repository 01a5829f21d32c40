import { expect, it } from 'vitest';
import { MemoryPlace } from './memory-place.ts';

const question = { state: '1:all', window: '1', marks: [], watch: [0, 2, 3] };

it('reads what was put into it, zeroes behind its end, and tells which watched pages were read', async () => {
  let seen = '';
  const place = new MemoryPlace(4 * 4096, (image) => {
    seen = Buffer.concat([image.read(4094, 4), image.read(3 * 4096 - 1, 2), image.read(4 * 4096 - 1, 3), image.read(5 * 4096, 1)]).toString('hex');
    return { verdict: 'kept', signature: 'good' };
  });
  place.target.write(0, new Uint8Array(4 * 4096).fill(0xaa));
  place.target.xorPage(1, new Int32Array(1024).fill(-1));
  expect(await place.check(question)).toMatchObject({ verdict: 'kept', step: 'check', signature: 'good', output: 'good', reads: new Set([0, 2, 3]) });
  expect(seen).toBe('aaaa5555' + 'aaaa' + 'aa0000' + '00');
  await place.close();
});

it('what is read is the reader\'s own', async () => {
  const place = new MemoryPlace(4096, (image) => {
    const bytes = image.read(0, 8);
    bytes.fill(9);
    return { verdict: image.read(0, 1)[0] === 0 ? 'kept' : 'violated' };
  });
  expect((await place.check(question)).verdict).toBe('kept');
});

it('a blank disk is zeroes, and the image stays', async () => {
  const place = new MemoryPlace(4096, (image) => ({ verdict: image.read(0, 4096).every((byte) => byte === 0) ? 'violated' : 'kept' }));
  place.target.write(0, new Uint8Array(4096).fill(1));
  expect((await place.checkBlank(question)).verdict).toBe('violated');
  expect((await place.check(question)).verdict).toBe('kept');
});

it('a function that throws is a broken checker', async () => {
  const place = new MemoryPlace(4096, () => Promise.reject(new Error('no such table')));
  expect(await place.check(question)).toMatchObject({ verdict: 'broken', signature: 'no such table' });
});

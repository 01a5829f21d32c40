import { describe, expect, it } from 'vitest';
import { Processor } from './processor.ts';

describe('Processor', () => {
  it('works while it runs, and does what waited in order when it goes on', async () => {
    const processor = new Processor();
    const done: number[] = [];
    processor.run(() => done.push(1));
    await processor.whenRunning();
    processor.stop();
    processor.run(() => done.push(2));
    const waited = processor.whenRunning().then(() => done.push(4));
    processor.run(() => done.push(3));
    expect([done, processor.running]).toEqual([[1], false]);
    processor.cont();
    await waited;
    expect(done).toEqual([1, 2, 3, 4]);
  });

  it('a reset forgets what waits, and tells who asked', async () => {
    const processor = new Processor();
    processor.stop();
    let done = false;
    processor.run(() => (done = true));
    const waited = processor.whenRunning();
    processor.reset(new Error('reset'));
    await expect(waited).rejects.toThrow('reset');
    processor.cont();
    expect(done).toBe(false);
  });
});

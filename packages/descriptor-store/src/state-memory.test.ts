import { openSync, readFileSync, writeSync } from 'node:fs';
import { createMemfd } from '@vpmem/native';
import { afterEach, describe, expect, it } from 'vitest';
import { StateMemory, type WriteAt } from './state-memory.ts';

const opened: StateMemory[] = [];
const kept = (memory: StateMemory): StateMemory => {
  opened.push(memory);
  return memory;
};
afterEach(() => {
  for (const memory of opened.splice(0)) memory.close();
});

/** What the process after this one finds: nothing but the file. */
const next = (memory: StateMemory): StateMemory => kept(StateMemory.open(openSync(`/proc/self/fd/${memory.fd}`, 'r+')));

class Death extends Error {}

/** Writes byte after byte, and dies after `life` of them. */
function mortal(life: number): WriteAt {
  let left = life;
  return (fd, bytes, at) => {
    if (left-- === 0) throw new Death();
    return writeSync(fd, bytes, 0, 1, at);
  };
}

describe('StateMemory', () => {
  it('holds nothing at first, then what was written last', () => {
    const memory = kept(StateMemory.create('state'));
    expect(next(memory).read()).toBeUndefined();
    for (const state of [{ a: 1 }, { a: 'ä', b: [1, 2, 3] }, {}, { long: 'x'.repeat(100_000) }, { short: true }]) {
      memory.write(state);
      expect(memory.read()).toEqual(state);
      expect(next(memory).read()).toEqual(state);
    }
  });

  it('goes on where the process before has left off', () => {
    const first = kept(StateMemory.create('state'));
    first.write({ written: 1 });
    const second = next(first);
    second.write({ written: 2 });
    second.write({ written: 3 });
    expect(next(second).read()).toEqual({ written: 3 });
  });

  it('leaves the state before or the one after, whichever byte the process dies at, with states that grow and shrink', () => {
    const states = [{ n: 1 }, { n: 2, more: 'y'.repeat(90) }, { n: 3 }, { n: 4, more: 'z'.repeat(40) }, { n: 5, more: 'q'.repeat(200) }];
    let [older, newer] = [0, 0];
    for (let life = 0, over = false; !over; life++) {
      const memory = kept(StateMemory.create('state', { writeAt: mortal(life) }));
      let begun = -1;
      try {
        for (const state of states) {
          begun += 1;
          memory.write(state);
        }
        over = true;
      } catch (error) {
        if (!(error instanceof Death)) throw error;
      }
      const after = next(memory);
      const found = after.read();
      // A header whose last bytes are the same as those that stood there is whole before the last of them is written.
      expect([states[begun - 1], states[begun]]).toContainEqual(found);
      if (found === undefined || (found as { n: number }).n <= begun) older += 1;
      else newer += 1;
      // And it is of use to the next.
      after.write({ next: life });
      expect(next(after).read()).toEqual({ next: life });
      memory.close();
    }
    expect(older).toBeGreaterThan(500);
    expect(newer).toBeGreaterThan(0);
  });

  it('takes no more memory with every state', () => {
    const memory = kept(StateMemory.create('state'));
    const size = (): number => readFileSync(`/proc/self/fd/${memory.fd}`).length;
    const state = { bytes: 'x'.repeat(1000) };
    for (let i = 0; i < 4; i++) memory.write(state);
    const settled = size();
    for (let i = 0; i < 1000; i++) memory.write(state);
    expect(size()).toBe(settled);
  });

  it('says so when it is damaged, wherever', () => {
    const memory = kept(StateMemory.create('state'));
    for (const n of [1, 2, 3]) memory.write({ n });
    const bytes = readFileSync(`/proc/self/fd/${memory.fd}`);
    // The state of 3, which stands where that of 1 did: data at 128.
    writeSync(memory.fd, Buffer.from('9'), 0, 1, 128 + '{"n":'.length);
    expect(() => next(memory)).toThrow(/the state that was kept is damaged/);
    writeSync(memory.fd, bytes, 0, bytes.length, 0);
    for (const at of [16, 80]) writeSync(memory.fd, Buffer.from([0xff]), 0, 1, at);
    expect(() => next(memory)).toThrow(/the state that was kept is damaged, or no state/);
  });

  it('closes what it cannot use', () => {
    const fd = createMemfd('other', 0, { seal: false });
    writeSync(fd, Buffer.alloc(300, 1));
    expect(() => StateMemory.open(fd)).toThrow(/no state/);
    expect(() => readFileSync(fd)).toThrow(/EBADF/);
    expect(() => StateMemory.open(openSync('/proc/self', 'r'))).toThrow(/is no file/);
  });

  it('keeps the state before where there is no room for the next, or no words', () => {
    let full = false;
    const memory = kept(
      StateMemory.create('state', {
        writeAt: (fd, bytes, at) => {
          if (full) throw new Error('ENOSPC');
          return writeSync(fd, bytes, 0, bytes.length, at);
        },
      }),
    );
    memory.write({ n: 1 });
    full = true;
    expect(() => memory.write({ n: 2 })).toThrow('ENOSPC');
    expect(() => memory.write({ toJSON: () => undefined })).toThrow(RangeError);
    full = false;
    expect(next(memory).read()).toEqual({ n: 1 });
    memory.write({ n: 3 });
    expect(next(memory).read()).toEqual({ n: 3 });
  });
});

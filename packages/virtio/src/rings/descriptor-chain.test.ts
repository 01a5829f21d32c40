import { bufferBacking, GuestMemory } from '@vpmem/guest-memory';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DescriptorChain } from './descriptor-chain.ts';

const memory = new GuestMemory();
const ram = Uint8Array.from({ length: 4096 }, (_, i) => i & 0xff);
memory.add({ start: 0, size: 4096, writable: true, backing: bufferBacking(ram.buffer) });

function chainOf(readable: [number, number][], writable: [number, number][]): DescriptorChain {
  const chain = new DescriptorChain(readable.length + writable.length);
  for (const [address, length] of readable) chain.append(address, length, false);
  for (const [address, length] of writable) chain.append(address, length, true);
  return chain;
}

it('SPL-02 gathers a request however it is cut into elements', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 12 }), (lengths) => {
      let at = 100;
      const chain = chainOf(lengths.map((length) => [(at += length) - length, length]), []);
      const target = new Uint8Array(4);
      const total = lengths.reduce((sum, length) => sum + length, 0);
      expect(chain.gather(memory, target)).toBe(total >= 4);
      if (total >= 4) expect([...target]).toEqual([100, 101, 102, 103]);
    }),
  );
});

it('SPL-02 finds where a response goes however it is cut', () => {
  const chain = chainOf([[0, 4]], [[200, 1], [0, 0], [300, 2], [400, 9]]);
  expect(chain.writablePrefix(4)).toEqual([{ address: 200, length: 1 }, { address: 300, length: 2 }, { address: 400, length: 1 }]);
  expect(chain.writablePrefix(12)).toHaveLength(3);
  expect(chain.writablePrefix(13)).toBeUndefined();
});

it('does not gather from where there is no RAM', () => {
  expect(chainOf([[4094, 4]], []).gather(memory, new Uint8Array(4))).toBe(false);
});

it('refuses a readable element after a writable one', () => {
  const chain = chainOf([], [[0, 1]]);
  expect(chain.append(0, 1, false)).toBe(false);
});

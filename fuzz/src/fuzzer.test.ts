import { describe, expect, it } from 'vitest';
import { Fuzzer } from './fuzzer.ts';
import { distil, shorten } from './minimise.ts';
import { planted } from './planted.ts';
import type { Target } from './target.ts';
import { tryInput } from './trial.ts';

const MAZE = `if (input[0] === 70) { if (input[1] === 85) { if (input[2] > 200) { if (input[3] === 90) throw new Error('the bottom of ' + input.length); } } }`;

async function fuzz(target: Target, seed: number, executions: number): Promise<Fuzzer> {
  const fuzzer = new Fuzzer(target, { seed, mostFindings: 8 });
  await fuzzer.begin([]);
  await fuzzer.run((progress) => progress.executions >= executions);
  return fuzzer;
}

describe('Fuzzer', () => {
  it('finds its way by what it has reached', async () => {
    const { findings } = await fuzz(planted(MAZE), 1, 20_000);
    expect(findings.map(({ error }) => error.message)).toEqual([expect.stringMatching(/^the bottom/)]);
  });

  it('counts one mistake once, whatever the numbers in its message', async () => {
    const { findings } = await fuzz(planted(`if (input.length > 3) throw new Error('has ' + input.length);`), 1, 2000);
    expect(findings).toHaveLength(1);
  });

  it('does the same for the same seed, and other things for another', async () => {
    const target = planted('let sum = 0; for (const byte of input) { if (byte > 100) sum++; } if (sum > 3) { input[0] ? 1 : 2; }');
    const [first, again, other] = [await fuzz(target, 7, 3000), await fuzz(target, 7, 3000), await fuzz(target, 8, 3000)];
    expect(again.digest).toBe(first.digest);
    expect(other.digest).not.toBe(first.digest);
  });

  it('ends a loop that does not, by counting', async () => {
    const { findings } = await fuzz(planted('while (input[0] === 1) {}'), 1, 3000);
    expect(findings[0]?.error.message).toBe('more than 10000 steps');
  });

  it('sees a limit that the code itself has caught', async () => {
    const finding = await tryInput(planted('try { for (;;) {} } catch {}'), new Uint8Array(0));
    expect(finding?.error.message).toBe('more than 10000 steps');
  });

  it('sees how much is allocated in all', async () => {
    const small = planted('for (let i = 0; i < input[0]; i++) new Uint8Array(8192)');
    expect(await tryInput(small, Uint8Array.of(128))).toBeUndefined();
    expect((await tryInput(small, Uint8Array.of(129)))?.error.message).toBe(`more than ${2 ** 20} bytes allocated`);
  });

  it('counts a buffer once, however many views there are', async () => {
    const views = planted('const all = new ArrayBuffer(600000); new Uint8Array(all); new Uint8Array(all, 4)');
    expect(await tryInput(views, new Uint8Array(0))).toBeUndefined();
  });
});

describe('shorten', () => {
  it('leaves what the finding needs', async () => {
    const target = planted(`if (input.includes(7) && input.includes(9)) throw new Error('both')`);
    const found = async (input: Uint8Array): Promise<boolean> => (await tryInput(target, input)) !== undefined;
    expect([...(await shorten(Uint8Array.from({ length: 60 }, (_, i) => i), found))]).toEqual([7, 9]);
  });
});

describe('distil', () => {
  it('keeps, of inputs that show something, what it takes for that', async () => {
    const target = planted(`if (input.includes(7)) { input[0]; } if (input.includes(9)) { input[1]; }`);
    const inputs = [[1, 2, 3, 7, 4, 5], [7, 7, 7, 7, 7, 7, 7], [2, 9, 2, 2, 2, 2, 2, 2, 2]].map((bytes) => Uint8Array.from(bytes));
    expect((await distil(target, inputs)).map((input) => [...input])).toEqual([[7], [9]]);
  });
});

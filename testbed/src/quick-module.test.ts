import { expect, it } from 'vitest';
import { quickModule } from './quick-module.ts';

const TRACED = ['__mcount_loc', '_ftrace_events', '_ftrace_eval_map'];
const NAMES = ['', '.text', '.rela.text', ...TRACED, '.symtab', '.strtab', '.shstrtab'];
const CALLS = [0xe8, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0];

/** A module with a call of what traces and one of something else, by symbols 1 and 2. */
function makeModule(code: readonly number[] = CALLS): Buffer {
  const words = (...values: readonly (number | bigint)[]): Buffer => {
    const bytes = Buffer.alloc(values.length * 8);
    values.forEach((value, i) => bytes.writeBigUInt64LE(BigInt(value), i * 8));
    return bytes;
  };
  const relocation = (offset: number, symbol: number): Buffer => words(offset, (BigInt(symbol) << 32n) | 4n, 2n ** 64n - 4n);
  const strings = Buffer.from('\0__fentry__\0printk\0');
  const symbol = (name: number): Buffer => words(name, 0, 0);
  const names = Buffer.from(NAMES.map((name) => `${name}\0`).join(''));
  const contents = [Buffer.alloc(0), Buffer.from(code), Buffer.concat([relocation(1, 1), relocation(6, 2)]), ...TRACED.map((name) => Buffer.from(name)), Buffer.concat([symbol(0), symbol(1), symbol(12)]), strings, names];
  const header = Buffer.alloc(64);
  header.write('\x7fELF', 'latin1');
  header.writeBigUInt64LE(BigInt(64 + contents.reduce((sum, { length }) => sum + length, 0)), 0x28);
  header.writeUInt16LE(NAMES.length, 0x3c);
  header.writeUInt16LE(NAMES.length - 1, 0x3e);
  let offset = 64;
  const headers = contents.map(({ length }, i) => {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32LE(NAMES.slice(0, i).join('\0').length + (i === 0 ? 0 : 1), 0);
    bytes.writeUInt32LE(NAMES[i] === '.symtab' ? 2 : NAMES[i] === '.rela.text' ? 4 : 1, 4);
    bytes.writeBigUInt64LE(BigInt(offset), 0x18);
    bytes.writeBigUInt64LE(BigInt(length), 0x20);
    bytes.writeUInt32LE(NAMES[i] === '.rela.text' ? 1 : 0, 0x2c);
    offset += length;
    return bytes;
  });
  return Buffer.concat([header, ...contents, ...headers]);
}

/** As the kernel's build signs it. */
function signed(module: Buffer): Buffer {
  const info = Buffer.alloc(12);
  info.writeUInt32BE(9, 8);
  return Buffer.concat([module, Buffer.from('signature'), info, Buffer.from('~Module signature appended~\n')]);
}

it('has what the kernel would make of a place for a trace, and every other call as it was', () => {
  const module = makeModule();
  const quick = quickModule(module);
  expect([...quick.subarray(64, 74)]).toEqual([0x0f, 0x1f, 0x44, 0, 0, 0xe8, 0, 0, 0, 0]);
  expect([quick.readUInt32LE(74 + 8), quick.readUInt32LE(74 + 24 + 8)]).toEqual([0, 4]);
  expect([...module.subarray(64, 74)]).toEqual(CALLS);
});

it('has nothing by the names of what the kernel would look through for tracing', () => {
  const text = quickModule(makeModule()).toString('latin1');
  for (const name of TRACED) expect(text).not.toContain(`\0${name}\0`);
  for (const name of ['.text', '.rela.text', '.symtab']) expect(text).toContain(`\0${name}\0`);
});

it('changes no byte of a place that is no call', () => {
  const code = [0x90, ...CALLS.slice(1)];
  expect([...quickModule(makeModule(code)).subarray(64, 74)]).toEqual(code);
});

it('has no signature, also where it is nothing that could be looked into', () => {
  expect(quickModule(signed(makeModule()))).toEqual(quickModule(makeModule()));
  expect(quickModule(signed(Buffer.from('no module'))).toString()).toBe('no module');
  expect(quickModule(Buffer.from('~Module signature appended~\n')).toString()).toBe('~Module signature appended~\n');
  expect(quickModule(Buffer.alloc(0))).toEqual(Buffer.alloc(0));
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AcpiNamespace, type AcpiPlatform } from './acpi-namespace.ts';
import { makeTable } from './acpi-table.ts';
import { aml, buffer, dword, integer, nameString, packageOf, string, type Aml } from '../aml/aml-encoding.ts';
import { add, arg, call, concatenate, createDwordField, derefOf, device, equal, field, giveBack, index, less, local, loop, method, mid, name, not, notify, objectType, operationRegion, or, otherwise, scope, sizeOf, store, subtract, SYSTEM_MEMORY, when } from '../aml/aml-terms.ts';
import type { AmlValue } from '../aml/aml-value.ts';
import { makeSsdt } from './ssdt.ts';

const memory = new Uint8Array(64);
const platform: AcpiPlatform = {
  readMemory: (address, length) => memory.slice(address, address + length),
  writeMemory: (address, bytes) => memory.set(bytes, address),
  readPort: () => 0,
  writePort: () => undefined,
};
const load = (...terms: readonly Aml[]): AcpiNamespace => new AcpiNamespace([makeTable({ signature: 'SSDT', revision: 1, oemTableId: 'TEST' }, aml(...terms))], platform);
/** What a method of these statements returns. */
const run = (...terms: readonly Aml[]): AmlValue => load(method('TEST', 2, ...terms)).evaluate('\\TEST', 7, Uint8Array.of(1, 2, 3));

describe('AcpiNamespace', () => {
  it.each<[string, Aml[], AmlValue]>([
    ['nothing', [], 0],
    ['an argument', [giveBack(arg(0))], 7],
    ['constants of every size', [giveBack(packageOf(integer(0), integer(1), integer(255), integer(65_535), integer(2 ** 32 - 1), dword(5), string('ab'), buffer([1])))], [0, 1, 255, 65_535, 2 ** 32 - 1, 5, 'ab', Uint8Array.of(1)]],
    ['sums that wrap', [giveBack(packageOf(add(dword(0xffff_ffff), integer(2)), subtract(integer(0), integer(1))))], [1, 0xffff_ffff]],
    ['comparisons', [giveBack(packageOf(equal(integer(1), integer(1)), less(integer(2), integer(1)), not(integer(0)), or(integer(0), integer(1)), equal(arg(1), buffer([1, 2, 3])), equal(arg(1), buffer([1, 2]))))], [0xffff_ffff, 0, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0]],
    ['a target of its own', [add(integer(1), integer(2), local(3)), giveBack(local(3))], 3],
    ['pieces of buffers', [giveBack(concatenate(mid(arg(1), integer(1), integer(9)), integer(1)))], Uint8Array.of(2, 3, 1, 0, 0, 0)],
    ['kinds and sizes', [giveBack(packageOf(objectType(arg(0)), objectType(arg(1)), objectType(packageOf()), objectType(string('')), sizeOf(arg(1)), sizeOf(packageOf(integer(0)))))], [1, 3, 4, 2, 3, 1]],
    ['an element of a package, which is a copy', [store(packageOf(integer(0)), local(0)), store(arg(1), index(local(0), integer(0))), store(derefOf(index(local(0), integer(0))), local(1)), createDwordField(buffer([9, 9, 9, 9]), integer(0), 'NAME'), giveBack(local(1))], Uint8Array.of(1, 2, 3)],
    ['a field of a buffer', [store(buffer([1, 2, 3, 4, 5]), local(0)), createDwordField(local(0), integer(1), 'NAME'), store(integer(0x0a), nameString('NAME')), giveBack(local(0))], Uint8Array.of(1, 0x0a, 0, 0, 0)],
    ['a copy of a buffer, which is one', [store(buffer([1, 2, 3, 4]), local(0)), store(local(0), local(1)), createDwordField(local(1), integer(0), 'NAME'), store(integer(0), nameString('NAME')), giveBack(local(0))], Uint8Array.of(1, 2, 3, 4)],
    ['one branch', [when(integer(0), giveBack(integer(1))), otherwise(giveBack(integer(2)))], 2],
    ['the other branch', [when(integer(1), store(integer(1), local(0))), otherwise(store(integer(2), local(0))), giveBack(local(0))], 1],
    ['the last of several rounds', [store(integer(0), local(0)), loop(less(local(0), integer(5)), add(local(0), integer(1), local(0)), when(equal(local(0), integer(4)), giveBack(string('four')))), giveBack(local(0))], 'four'],
  ])('runs %s', (_, terms, value) => {
    expect(run(...terms)).toEqual(value);
  });

  it('keeps what a name was given, and finds names in the scopes around', () => {
    const namespace = load(name('\\TOP', integer(1)), scope('\\_SB', device('DEV', name('MINE', integer(2)), device('SUB', method('SUM', 0, giveBack(add(nameString('TOP'), nameString('MINE'))))), method('SET', 1, store(arg(0), nameString('\\TOP'))))));
    expect(namespace.evaluate('\\_SB_.DEV_.SUB_.SUM_')).toBe(3);
    namespace.evaluate('\\_SB_.DEV_.SET_', 10);
    expect(namespace.evaluate('\\TOP_')).toBe(10);
    expect(namespace.evaluate('\\_SB_.DEV_.SUB_.SUM_')).toBe(12);
    expect(namespace.devices).toEqual(['\\_SB_.DEV_', '\\_SB_.DEV_.SUB_']);
  });

  it('gives each call locals, arguments and names of its own', () => {
    const terms = [
      method('DOWN', 2, store(buffer([0, 0, 0, 0]), local(0)), createDwordField(local(0), integer(0), 'NAME'), store(arg(0), nameString('NAME')), store(integer(9), arg(1)), giveBack(local(0))),
      method('UP', 0, store(integer(5), local(0)), store(call('DOWN', integer(1), local(0)), local(1)), giveBack(packageOf(local(0), local(1), call('DOWN', integer(2), integer(0))))),
    ];
    expect(load(...terms).evaluate('\\UP__')).toEqual([5, Uint8Array.of(1, 0, 0, 0), Uint8Array.of(2, 0, 0, 0)]);
  });

  it('reads and writes memory through fields', () => {
    memory.fill(0xee);
    const fields = [operationRegion('AREA', SYSTEM_MEMORY, integer(8), 24), field('AREA', [['FRST', 32], ['REST', 160]])];
    const namespace = load(...fields, method('SET', 2, store(arg(0), nameString('FRST')), store(arg(1), nameString('REST'))));
    namespace.evaluate('\\SET_', 0x0403_0201, Uint8Array.of(5));
    expect([...memory.subarray(6, 34)]).toEqual([0xee, 0xee, 1, 2, 3, 4, 5, ...new Array<number>(19).fill(0), 0xee, 0xee]);
    expect(namespace.evaluate('\\FRST')).toBe(0x0403_0201);
    expect(namespace.evaluate('\\REST')).toHaveLength(20);
  });

  it('tells of notifications by the full path', () => {
    const told: unknown[] = [];
    const table = makeTable({ signature: 'SSDT', revision: 1, oemTableId: 'TEST' }, aml(scope('\\_SB', device('DEV'), method('TELL', 0, notify(nameString('^DEV'), 5)))));
    new AcpiNamespace([table], { ...platform, notify: (...all) => told.push(all) }).evaluate('\\_SB_.TELL');
    expect(told).toEqual([['\\_SB_.DEV_', 5]]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['what is not there', () => load().evaluate('\\NONE'), /there is no \\NONE/],
    ['a device for a value', () => load(device('DEV')).evaluate('\\DEV_'), /\\DEV_ is a device, which has no value/],
    ['a name that is nowhere', () => run(giveBack(nameString('NONE'))), /NONE is not to be found from TEST/],
    ['a method for a place', () => run(store(integer(1), nameString('TEST'))), /TEST is a method, no place/],
    ['a constant for a place', () => run(store(integer(1), integer(1))), /opcode 0x1 .* is no place/],
    ['a name of other characters', () => run(aml(0x41, 0x0a, 0x41, 0x41)), /the four bytes at \d+ are no name/],
    ['an opcode it does not know', () => run(aml(0xcc)), /opcode 0xcc/],
    ['a definition it does not know', () => load(aml(0xcc)), /opcode 0xcc at 36 defines nothing/],
    ['an extended one', () => load(aml(0x5b, 0x01)), /opcode 0x5b1 at 36/],
    ['a name twice', () => load(name('\\ONE', integer(1)), name('\\ONE', integer(1))), /\\ONE_ is there twice/],
    ['a field of no region', () => load(field('NONE', [['UNIT', 32]])), /of no region/],
    ['a field that is not whole', () => load(operationRegion('AREA', SYSTEM_MEMORY, integer(0), 8), field('AREA', [['UNIT', 7]])), /UNIT has 7 bits/],
    ['another address space', () => load(operationRegion('AREA', 9, integer(0), 8), field('AREA', [['UNIT', 32]])), /address space 9/],
    ['a field beyond its buffer', () => run(createDwordField(arg(1), integer(0), 'NAME')), /goes beyond a buffer of 3 bytes/],
    ['a buffer for a package', () => run(index(arg(1), integer(0))), /a buffer is no package/],
    ['a package for an integer', () => run(giveBack(add(packageOf(), integer(1)))), /a package is no integer/],
    ['an integer with a size', () => run(giveBack(sizeOf(integer(1)))), /an integer has no size/],
    ['a text for a buffer', () => run(giveBack(mid(string('ab'), integer(0), integer(1)))), /'ab' is no buffer/],
    ['a loop without end', () => run(loop(integer(1), store(integer(1), local(0)))), /has not ended after 1000 rounds/],
    [
      'loops within loops',
      () => run(loop(integer(1), store(integer(0), local(0)), loop(less(local(0), integer(999)), add(local(0), integer(1), local(0)), store(integer(0), local(1)), loop(less(local(1), integer(999)), add(local(1), integer(1), local(1)))))),
      /does not come to an end/,
    ],
    ['a buffer of all memory', () => run(giveBack(aml(0x11, 0x06, dword(0xffff_ffff)))), /does not come to an end/],
    ['a buffer that doubles for ever', () => run(store(buffer([1, 2, 3, 4]), local(0)), loop(integer(1), concatenate(local(0), local(0), local(0)))), /does not come to an end/],
    ['a package that doubles for ever', () => run(store(packageOf(integer(0)), local(0)), loop(integer(1), store(packageOf(local(0), local(0)), local(0)))), /does not come to an end/],
    ['a field as long as all memory', () => load(operationRegion('AREA', SYSTEM_MEMORY, integer(0), 8), field('AREA', [['UNIT', 2 ** 27]])).evaluate('\\UNIT'), /does not come to an end/],
    ['a method that calls itself', () => load(method('SELF', 0, call('SELF'))).evaluate('\\SELF'), /nested too deeply/],
    ['a name that calls itself', () => load(method('SELF', 0, call('SELF')), name('NAME', call('SELF'))), /nested too deeply/],
    ['byte code that ends early', () => load(aml(0x08)), /ends at 37|go beyond/],
    ['a package that ends outside', () => load(aml(0x10, 0x3f)), /ends at .* outside/],
  ])('refuses %s', (_, act, message) => {
    expect(act).toThrow(expect.objectContaining({ name: 'AmlError', message: expect.stringMatching(message) as string }));
  });

  it('loads a damaged table or refuses it, and comes to an end', () => {
    const table = makeSsdt({ slots: 1 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 36, max: table.length - 1 }), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
        const damaged = table.slice();
        for (const [at, byte] of changes) damaged[at] = byte;
        try {
          expect(new AcpiNamespace([damaged], platform).devices.length).toBeLessThan(5);
        } catch (error) {
          expect((error as Error).name).toBe('AmlError');
        }
      }),
      { numRuns: 300 },
    );
  });
});

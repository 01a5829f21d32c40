import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { OptionError } from './option-error.ts';
import { parseOption, type OptionSyntax } from './parse-option.ts';
import { property } from './property.ts';
import { defineProperties, describeProperties, noEffectWarnings, readProperties } from './schema.ts';

const QEMUOPTS: OptionSyntax = { grammar: 'qemuopts', impliedKey: 'qom-type' };
const KEYVAL: OptionSyntax = { grammar: 'keyval', impliedKey: 'qom-type', bareFlags: true };

const File = defineProperties({
  'qom-type': property.oneOf(['memory-backend-file'], { required: true }),
  id: property.identifier({ required: true, description: 'name of the backend' }),
  size: property.size({ required: true, description: 'bytes, a multiple of 2M' }),
  'mem-path': property.string({ required: true, description: 'file or directory' }),
  share: property.bool({ default: false, description: 'writes reach the file' }),
  rom: property.oneOf(['auto', 'on', 'off'], { default: 'auto' }),
  align: property.size(),
  'host-nodes': property.intList({ max: 127, default: [] }),
  policy: property.oneOf(['default', 'preferred', 'bind', 'interleave'], { default: 'default', description: 'NUMA policy' }),
  'prealloc-threads': property.int({ min: 1, max: 256, description: 'threads that touch pages' }),
  memaddr: property.uint64({ default: 0n }),
  pmem: property.refused('it needs libpmem, and every backend here syncs its file'),
});
const GIVEN = { 'qom-type': 'memory-backend-file', id: 'mem1', size: 2 ** 32, 'mem-path': './a,b.img' };
const REST = {
  share: false, rom: 'auto', align: undefined, 'host-nodes': [], policy: 'default', 'prealloc-threads': undefined, memaddr: 0n,
};

describe('readProperties', () => {
  it('reads the same values from every form', () => {
    const expected = { ...GIVEN, ...REST, share: true, 'host-nodes': [0, 1], 'prealloc-threads': 8, memaddr: 0x1_4000_0000n };
    const common = 'memory-backend-file,id=mem1,size=4G,mem-path=./a,,b.img,share,prealloc-threads=010,memaddr=0x140000000';
    const json = { ...GIVEN, share: true, 'host-nodes': [0, 1], 'prealloc-threads': 8, memaddr: 0x1_4000_0000 };
    for (const [text, syntax] of [
      [`${common},host-nodes=0-1`, QEMUOPTS],
      [`${common},host-nodes.0=0,host-nodes.1=1`, KEYVAL],
      [JSON.stringify(json), KEYVAL],
    ] as const) {
      expect(readProperties(File, parseOption(text, syntax))).toEqual(expected);
    }
    expect(readProperties(File, { form: 'json', properties: json })).toEqual(expected);
  });

  it('fills in defaults and undefined, and leaves out what is refused', () => {
    const values = readProperties(File, { form: 'json', properties: GIVEN });
    expect(values).toStrictEqual({ ...GIVEN, ...REST });
    expect(Object.keys(values)).not.toContain('pmem');
  });

  it('has the types of the schema', () => {
    expectTypeOf(readProperties(File, { form: 'json', properties: GIVEN })).toEqualTypeOf<{
      'qom-type': 'memory-backend-file';
      id: string;
      size: number;
      'mem-path': string;
      share: boolean;
      rom: 'auto' | 'on' | 'off';
      align: number | undefined;
      'host-nodes': readonly number[];
      policy: 'default' | 'preferred' | 'bind' | 'interleave';
      'prealloc-threads': number | undefined;
      memaddr: bigint;
    }>();
  });

  it.each([
    ['sise=4G', 'sise', "Invalid parameter 'sise': did you mean 'size'?", 'Parameters are align, host-nodes, id, mem-path, memaddr,'],
    ['mem_path=x', 'mem_path', "Invalid parameter 'mem_path': did you mean 'mem-path'?", 'Parameters are'],
    ['id=mem1, size=4G', ' size', "Invalid parameter ' size': did you mean 'size'?", "Blanks belong to the key: write 'size'."],
    ['foo=1', 'foo', "Invalid parameter 'foo'", 'Parameters are'],
    ['pmen=on', 'pmen', "Invalid parameter 'pmen'", 'Parameters are'],
    ['constructor=1', 'constructor', "Invalid parameter 'constructor'", 'Parameters are'],
    ['__proto__=1', '__proto__', "Invalid parameter '__proto__'", 'Parameters are'],
  ])('%s has an unknown parameter', (text, parameter, message, hint) => {
    expect(() => readProperties(File, parseOption(text, QEMUOPTS))).toThrow(
      expect.objectContaining({ code: 'unknown-parameter', parameter, message, hint: expect.stringContaining(hint) as string }),
    );
  });

  it('knows nothing in an empty schema', () => {
    expect(readProperties({}, { form: 'text', properties: {} })).toEqual({});
    expect(() => readProperties({}, { form: 'text', properties: { a: '1' } })).toThrow(
      expect.objectContaining({ code: 'unknown-parameter', hint: 'There are no parameters here.' }),
    );
  });

  it('gives the reason for a refusal', () => {
    expect(() => readProperties(File, { form: 'json', properties: { ...GIVEN, pmem: true } })).toThrow(
      expect.objectContaining({
        code: 'refused-parameter',
        parameter: 'pmem',
        message: "Parameter 'pmem' is not supported: it needs libpmem, and every backend here syncs its file",
      }),
    );
  });

  it.each(['qom-type', 'id', 'size', 'mem-path'])('misses %s', (name) => {
    const properties = Object.fromEntries(Object.entries(GIVEN).filter(([key]) => key !== name));
    expect(() => readProperties(File, { form: 'json', properties })).toThrow(
      expect.objectContaining({ code: 'missing-parameter', parameter: name, message: `Parameter '${name}' is missing` }),
    );
  });

  it('throws nothing but OptionError', () => {
    const names = fc.constantFrom(...Object.keys(File), 'foo');
    const values = fc.oneof(fc.string(), fc.constantFrom('on', '4G', '1', '0-3', '1-', 'x'));
    const element = fc.tuple(names, values).map(([name, value]) => `${name}=${value.replaceAll(',', ',,')}`);
    const text = fc.array(element).map((elements) => `memory-backend-file,id=a,size=1,mem-path=x,${elements.join(',')}`);
    fc.assert(
      fc.property(text, fc.constantFrom(QEMUOPTS, KEYVAL), (input, syntax) => {
        try {
          expect(readProperties(File, parseOption(input, syntax)).size).toBeTypeOf('number');
        } catch (error) {
          expect(error).toBeInstanceOf(OptionError);
        }
      }),
    );
    fc.assert(
      fc.property(fc.dictionary(names, fc.jsonValue()), (properties) => {
        try {
          readProperties(File, parseOption(JSON.stringify({ ...GIVEN, ...properties }), KEYVAL));
        } catch (error) {
          expect(error).toBeInstanceOf(OptionError);
        }
      }),
    );
  });
});

describe('noEffectWarnings', () => {
  const schema = defineProperties({
    merge: property.noEffect(property.bool(), { because: 'it is shared', anyway: false }),
    threads: property.noEffect(property.int(), { because: 'there are none' }),
    share: property.bool({ default: false }),
    pmem: property.refused('no'),
  });
  const warnings = (text: string): string[] => noEffectWarnings(schema, parseOption(text, QEMUOPTS)).map(({ message }) => message);

  it('warns of what was given in vain, and of nothing else', () => {
    expect(warnings('merge=on,threads=4,share=on')).toEqual(['merge has no effect: it is shared', 'threads has no effect: there are none']);
    expect(warnings('merge=off,share=on')).toEqual([]);
    expect(noEffectWarnings(schema, { form: 'json', properties: { threads: 4 } })).toEqual([
      { code: 'no-effect', parameter: 'threads', message: 'threads has no effect: there are none' },
    ]);
  });
});

describe('describeProperties', () => {
  it('writes sorted lines in the columns of -device X,help', () => {
    expect(describeProperties(File)).toEqual([
      '  align=<size>',
      '  host-nodes=<int list>  - (default: )',
      '  id=<string>            - name of the backend',
      '  mem-path=<string>      - file or directory',
      '  memaddr=<uint64>       - (default: 0)',
      '  policy=<default|preferred|bind|interleave> - NUMA policy (default: default)',
      '  prealloc-threads=<int> - threads that touch pages',
      '  qom-type=<memory-backend-file>',
      '  rom=<auto|on|off>      - (default: auto)',
      '  share=<bool>           - writes reach the file (default: off)',
      '  size=<size>            - bytes, a multiple of 2M',
    ]);
  });
});

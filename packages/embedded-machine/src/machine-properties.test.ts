import { MachineError } from '@vpmem/machine';
import { OptionError } from '@vpmem/options';
import { describe, expect, it } from 'vitest';
import { readMachine } from './machine-properties.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const memory = (...texts: string[]) => readMachine([], texts).memory;
const refusal = (act: () => unknown): MachineError | OptionError => {
  try {
    act();
  } catch (error) {
    if (error instanceof MachineError || error instanceof OptionError) return error;
    throw error;
  }
  throw new Error('accepted');
};

describe('-m', () => {
  it.each<[string[], [size: number, maxmem: number, slots: number]]>([
    [[], [128 * MIB, 128 * MIB, 0]],
    [['0'], [128 * MIB, 128 * MIB, 0]],
    [['512'], [512 * MIB, 512 * MIB, 0]],
    [['1.5G'], [1.5 * GIB, 1.5 * GIB, 0]],
    [['100k'], [106_496, 106_496, 0]],
    [['1G,maxmem=4G'], [GIB, 4 * GIB, 0]],
    [['1G,slots=2,maxmem=4G'], [GIB, 4 * GIB, 2]],
    [['size=1G,maxmem=1G,slots=0'], [GIB, GIB, 0]],
    [['slots=2,maxmem=4G'], [128 * MIB, 4 * GIB, 2]],
    [['1G', 'slots=1,maxmem=2G', '512M'], [512 * MIB, 2 * GIB, 1]],
    [['1G,maxmem=2G,slots=256'], [GIB, 2 * GIB, 256]],
    [['1G,maxmem=1073745920'], [GIB, GIB + 4096, 0]],
  ])('%j', (texts, [size, maxmem, slots]) => {
    expect(memory(...texts)).toEqual({ size, maxmem, slots });
  });

  it.each([
    ['1G,slots=2', 'slots', /slots=2 needs maxmem, more than the 1073741824 bytes of RAM/],
    ['1G,slots=0', 'slots', /slots=0 needs maxmem/],
    ['1G,maxmem=1G,slots=1', 'maxmem', /maxmem=1073741824 leaves nothing for 1 slots.*has to be larger/],
    ['1G,maxmem=512M', 'maxmem', /maxmem=536870912 is less than the 1073741824 bytes of RAM/],
    ['100k,maxmem=100k', 'maxmem', /maxmem=102400 is less than the 106496/],
    ['1G,maxmem=8192', 'maxmem', /less than/],
    ['1G,maxmem=1073741825', 'maxmem', /maxmem=1073741825 is no multiple of 4096; 1073741824 or 1073745920 would be/],
    ['1G,maxmem=2G,slots=257', 'slots', /slots=257 is more than the 256/],
  ])('%s is refused, with the numbers', (text, property, message) => {
    const error = refusal(() => memory(text));
    expect(error).toMatchObject({ code: 'machine-option', property });
    expect(error.message).toMatch(message);
  });

  it.each([
    ['1G,maxmem=2G,foo=1', 'unknown-parameter'],
    ['1G,id=x', 'unknown-parameter'],
    ['1G,slots=x', 'invalid-value'],
    ['1G,maxmem=2G,slots=-1', 'out-of-range'],
    ['0.5', 'invalid-value'],
    ['x', 'invalid-value'],
  ])('%s is no memory: %s', (text, code) => {
    const error = refusal(() => memory(text));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(`-m ${text}: `);
  });
});

describe('-machine', () => {
  it.each([
    [[], 'pc', 'pc-i440fx-11.1'],
    [['pc'], 'pc', 'pc-i440fx-11.1'],
    [['q35'], 'q35', 'pc-q35-11.1'],
    [['pc-i440fx-9.0'], 'pc', 'pc-i440fx-9.0'],
    [['type=pc-q35-8.2'], 'q35', 'pc-q35-8.2'],
    [['q35', 'nvdimm=on'], 'q35', 'pc-q35-11.1'],
    [['q35', 'pc'], 'pc', 'pc-i440fx-11.1'],
    [['q35,accel=kvm:tcg,usb=off,kernel_irqchip=split,vmport=auto,acpi=on'], 'q35', 'pc-q35-11.1'],
  ])('%j', (texts, family, type) => {
    expect(readMachine(texts, [])).toMatchObject({ family, type });
  });

  it('stores what nvdimm will need', () => {
    expect(readMachine(['pc,nvdimm=on,nvdimm_persistence=mem-ctrl'], [])).toMatchObject({ nvdimm: true, nvdimmPersistence: 'mem-ctrl' });
    expect(readMachine([], [])).toMatchObject({ nvdimm: false, nvdimmPersistence: undefined });
  });

  it('memory.* is the same as -m, which goes before it', () => {
    const machine = ['q35,memory.size=1G,memory.max-size=4G', 'memory.slots=2'];
    expect(readMachine(machine, []).memory).toEqual({ size: GIB, maxmem: 4 * GIB, slots: 2 });
    expect(readMachine(machine, ['2G']).memory).toEqual({ size: 2 * GIB, maxmem: 4 * GIB, slots: 2 });
    expect(readMachine(['memory.size=2097152'], []).memory.size).toBe(2 * MIB);
  });

  it.each([
    ['none', 'machine-option', /no machine 'none' here, only pc and q35/],
    ['pc-i440fx-2.0', 'machine-option', /from 5\.2 to 11\.1/],
    ['nvdimm', 'machine-option', /no machine 'nvdimm'/],
    ['pc,nvdimm', 'missing-equals', /nvdimm=on/],
    ['nvdimm=x', 'invalid-value', /expects 'on' or 'off'/],
    ['nvdimm-persistence=x', 'invalid-value', /'cpu' or 'mem-ctrl'/],
    ['nvdimm_persistence=cpu,nvdimm-persistence=cpu', 'inconsistent-keys', /the same parameter/],
    ['usb=maybe', 'invalid-value', /expects 'on' or 'off'/],
    ['acpi=off', 'invalid-value', /'auto' or 'on'/],
    ['foo=1', 'unknown-parameter', /foo/],
    ['memory-backend=mem1', 'refused-parameter', /memory of this process/],
    ['kernel=vmlinuz', 'refused-parameter', /no kernel to load/],
    ['smp.cpus=4', 'refused-parameter', /one processor/],
    ['memory=1G', 'wrong-type', /has members/],
    ['memory.size=x', 'invalid-value', /memory\.size/],
    ['memory.foo=1', 'unknown-parameter', /memory\.foo/],
    ['memory.max_size=2G', 'unknown-parameter', /memory\.max_size/],
    ['memory.slots=2', 'machine-option', /needs maxmem/],
    ['{"type":"pc"}', 'invalid-key', /no JSON form/],
  ])('%s is refused: %s', (text, code, message) => {
    const error = refusal(() => readMachine([text], []));
    expect(error.code).toBe(code);
    expect(`${error.message} ${'hint' in error ? (error.hint ?? '') : ''}`).toMatch(message);
  });
});

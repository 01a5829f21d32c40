import { describe, expect, it } from 'vitest';
import { splitCommandLine } from './command-line.ts';
import { hotPlugRoom, parseRootPorts, type RootPorts } from './hot-plug-room.ts';

const GIB = 2 ** 30;
const BRIDGE = ['-device', 'pci-bridge,id=vpmem-bridge,bus=pci.0,chassis_nr=200,pref64-reserve=32G'];

describe('parseRootPorts', () => {
  it.each([
    ['4', { count: 4, reserve: 16 * GIB }],
    ['2,pref64-reserve=1G', { count: 2, reserve: GIB }],
    ['count=1,pref64-reserve=64G', { count: 1, reserve: 64 * GIB }],
  ])('reads %s', (text, ports) => {
    expect(parseRootPorts(text)).toEqual(ports);
  });

  it.each([
    ['2,pref64-reserve=3G', /3G is not a power of two.*write 4G/],
    ['2,pref64-reserve=1M', /1M is not.*at least 2M.*write 2M/],
    ['2,pref64-reserve=0', /write 2M/],
    ['0', /count/],
    ['25', /count/],
    ['many', /count/],
    ['2,reserve=1G', /pref64-reserve/],
  ])('refuses %s', (text, message) => {
    const explain = (error: unknown): string => `${(error as Error).message} ${String((error as { hint?: string }).hint)}`;
    let said = '';
    try {
      parseRootPorts(text);
    } catch (error) {
      said = explain(error);
    }
    expect(said).toMatch(message);
  });
});

describe('hotPlugRoom', () => {
  const room = (args: readonly string[], ports?: RootPorts): string[] => hotPlugRoom(splitCommandLine(args), ports);

  it('makes root ports on a q35, each with a window as big, 16G together at least', () => {
    expect(room(['-M', 'q35'], { count: 2, reserve: 64 * GIB })).toEqual([
      ...['-device', 'pcie-root-port,id=vpmem-port0,bus=pcie.0,chassis=200,pref64-reserve=64G'],
      ...['-device', 'pcie-root-port,id=vpmem-port1,bus=pcie.0,chassis=201,pref64-reserve=64G'],
    ]);
    const reserves = (count: number): string[] => room(['-M', 'q35'], { count, reserve: GIB }).filter((word) => word !== '-device').map((word) => word.replace(/.*=/, ''));
    expect(reserves(1)).toEqual(['16G']);
    expect(reserves(3)).toEqual(['8G', '8G', '8G']);
    expect(reserves(16).at(-1)).toBe('1G');
  });

  it.each([[[]], [['-machine', 'pc,usb=on']], [['-M', 'type=pc-i440fx-10.1']], [['-machine', 'pc', '-machine', 'memory-backend=ram']]])('gives a pc a bridge: %j', (args) => {
    expect(room(args)).toEqual(BRIDGE);
  });

  it.each([[['-M', 'q35']], [['-M', 'pc-q35-11.1']], [['-M', 'microvm']], [['-device', 'pci-bridge,id=b,chassis_nr=1,pref64-reserve=8G']]])('leaves others as they are: %j', (args) => {
    expect(room(args)).toEqual([]);
  });

  it.each([[['-M', 'pc'], /takes devices without/], [['-M', 'microvm'], /write -machine q35/]])('has no root ports to give elsewhere: %j', (args, message) => {
    expect(() => room(args, { count: 1, reserve: GIB })).toThrow(expect.objectContaining({ code: 'not-supported', message: expect.stringMatching(message) as string }) as Error);
  });
});

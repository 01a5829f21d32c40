import { describe, expect, it } from 'vitest';
import { parseMtree, parseQtree } from './monitor-text.ts';

describe('parseQtree', () => {
  it('reads buses, devices and properties', () => {
    const text = [
      'bus: main-system-bus', '  type System', '  dev: hpet, id ""', '    gpio-in "" 2', '    timers = 3 (0x3)', '    mmio 00000000fed00000/0000000000000400',
      '  dev: i440FX-pcihost, id ""', '    bus: pci.0', '      type PCI', '      dev: vfio-user-pci, id "nv1"', '        socket = "a = b"', '        class Class 00ff, addr 00:04.0',
      '  dev: last, id "x"', '',
    ].join('\r\n');
    expect(parseQtree(text)).toEqual({
      name: 'main-system-bus',
      type: 'System',
      devices: [
        { type: 'hpet', id: undefined, properties: [['timers', '3 (0x3)']], buses: [] },
        {
          type: 'i440FX-pcihost',
          id: undefined,
          properties: [],
          buses: [{ name: 'pci.0', type: 'PCI', devices: [{ type: 'vfio-user-pci', id: 'nv1', properties: [['socket', '"a = b"']], buses: [] }] }],
        },
        { type: 'last', id: 'x', properties: [], buses: [] },
      ],
    });
  });

  it('makes an empty bus of nothing', () => {
    expect(parseQtree('')).toEqual({ name: 'main-system-bus', type: 'System', devices: [] });
  });
});

describe('parseMtree', () => {
  it('reads address spaces, those that share a tree too', () => {
    const text = [
      'address-space: I/O', '  0000000000000000-000000000000ffff (prio 0, i/o): io', '',
      'address-space: cpu-memory-0', 'address-space: memory', '  0000000000000000-ffffffffffffffff (prio 0, container): system',
      '    0000000000000000-000000000fffffff (prio 0, ram): alias ram @pc.ram', '    00000000e0000000-00000000e01fffff (prio -1, ramd): BAR 2', '      00000000e0000000-00000000e0000fff (prio 0, romd): x', '',
      'memory-region: pci', '  0000000000000000-ffffffffffffffff (prio -1, i/o): pci', '',
    ].join('\r\n');
    const spaces = parseMtree(text);
    expect(spaces.map(({ name, root }) => [name, root.name])).toEqual([['memory', 'system'], ['I/O', 'io'], ['cpu-memory-0', 'system']]);
    expect(spaces[0]?.root).toEqual({
      ...{ name: 'system', start: 0n, size: 2n ** 64n, type: 'container' },
      children: [
        { name: 'alias ram @pc.ram', start: 0n, size: 2n ** 28n, type: 'ram', children: [] },
        { name: 'BAR 2', start: 0xe000_0000n, size: 2n ** 21n, type: 'ram', children: [{ name: 'x', start: 0xe000_0000n, size: 4096n, type: 'rom', children: [] }] },
      ],
    });
  });
});

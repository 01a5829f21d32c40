import { parseOption, type PropertySource } from '@vpmem/options';
import { describe, expect, it } from 'vitest';
import { parseUnplug, unplugPolicy, withUnplug } from './msix-unplug.ts';

describe('--unplug', () => {
  it.each([
    ['auto', '11.1.3', true, true],
    ['auto', '12.0.0', true, true],
    ['auto', '10.2.2', false, false],
    ['auto', '11.0.9', false, false],
    ['on', '11.1.0', true, true],
    ['off', '11.1.3', true, false],
    ['off', '10.1.0', false, false],
  ] as const)('%s with QEMU %s', (choice, version, able, byDefault) => {
    expect(unplugPolicy(choice, version)).toEqual({ able, byDefault });
  });

  it('is refused where it cannot be had, or is something else', () => {
    expect(() => unplugPolicy('on', '10.2.2')).toThrow(/^--unplug on: QEMU 10\.2\.2 cannot deliver.*11\.1 can.*vectors=0$/);
    expect(() => parseUnplug('yes')).toThrow('--unplug yes: it is on, off or auto');
  });
});

describe('a device', () => {
  const source = (form: 'json' | 'text', unplug?: string): PropertySource => {
    const json = { driver: 'virtio-pmem-pci', memdev: 'm', ...(unplug !== undefined && { unplug: unplug === 'on' }) };
    return parseOption(form === 'json' ? JSON.stringify(json) : `virtio-pmem-pci,memdev=m${unplug === undefined ? '' : `,unplug=${unplug}`}`, { grammar: 'qemuopts', impliedKey: 'driver' });
  };
  const on = { able: true, byDefault: true };

  it('can be unplugged by default, and as it says if it does', () => {
    expect(withUnplug(source('text'), on).properties.unplug).toBe('on');
    expect(withUnplug(source('json'), on).properties.unplug).toBe(true);
    expect(withUnplug(source('text', 'off'), on).properties.unplug).toBe('off');
    expect(withUnplug(source('text'), { able: true, byDefault: false }).properties.unplug).toBeUndefined();
    expect(withUnplug(source('text', 'on'), { able: true, byDefault: false }).properties.unplug).toBe('on');
  });

  it('that asks for it of a QEMU that cannot is refused', () => {
    const none = { able: false, byDefault: false };
    expect(() => withUnplug(source('text', 'on'), none)).toThrow(expect.objectContaining({ code: 'not-supported', message: expect.stringMatching(/^unplug=on: .*vectors=0$/) as string }) as Error);
    expect(() => withUnplug(source('json', 'on'), none)).toThrow(/^unplug=on/);
    expect(withUnplug(source('text', 'off'), none).properties.unplug).toBe('off');
  });
});

import { describe, expect, it } from 'vitest';
import { chooseKernelPackages, compareVersions } from './kernel-package.ts';

describe('chooseKernelPackages', () => {
  it('takes the newest of the series by number', () => {
    const names = ['linux-image-6.1.0-9-cloud-amd64', 'linux-image-6.1.0-50-cloud-amd64', 'linux-image-6.12.94+deb13-cloud-amd64'];
    expect(chooseKernelPackages('6.1', names)).toEqual(['linux-image-6.1.0-50-cloud-amd64']);
  });

  it('takes neither debug symbols nor unsigned images nor other flavours', () => {
    const names = ['cloud-amd64', 'cloud-amd64-dbg', 'cloud-amd64-unsigned', 'rt-amd64', 'amd64'].map((end) => `linux-image-6.12.107+deb13-${end}`);
    expect(chooseKernelPackages('6.12', names)).toEqual(['linux-image-6.12.107+deb13-cloud-amd64']);
  });

  it('takes all parts of a split kernel, of the same version only', () => {
    const parts = ['image', 'binary', 'modules', 'base', 'headers'].map((part) => `linux-${part}-7.2.12+deb13-cloud-amd64`);
    const older = ['image', 'binary'].map((part) => `linux-${part}-7.2.9+deb13-cloud-amd64`);
    expect(chooseKernelPackages('7.2', [...older, ...parts])).toEqual(parts.slice(0, 4));
  });

  it('takes nothing where the series is missing', () => {
    expect(chooseKernelPackages('7.2', ['linux-image-7.20.1+deb13-cloud-amd64', 'linux-image-cloud-amd64'])).toEqual([]);
  });
});

describe('compareVersions', () => {
  it.each([
    ['6.1.0-9', '6.1.0-50'],
    ['6.12.94+deb13', '6.12.107+deb13'],
    ['10.1', '10.1.0'],
    ['9.2.0', '10.1'],
  ])('%s is older than %s', (older, newer) => {
    expect(compareVersions(older, newer)).toBeLessThan(0);
    expect(compareVersions(newer, older)).toBeGreaterThan(0);
    expect(compareVersions(newer, newer)).toBe(0);
  });
});

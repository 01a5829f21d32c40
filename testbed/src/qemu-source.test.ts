import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findInstalledQemu, parseQemuVersion } from './qemu-source.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-qemu-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function qemu(version: string): string {
  const path = join(folder, 'qemu-system-x86_64');
  writeFileSync(path, `#!/bin/sh\necho 'QEMU emulator version ${version} (Debian)'\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('findInstalledQemu', () => {
  it('takes the one that VPMEM_QEMU names', async () => {
    const path = qemu('10.1.0');
    expect(await findInstalledQemu({ VPMEM_QEMU: path, PATH: '' })).toEqual({ path, version: '10.1.0' });
  });

  it('takes none instead of the one that VPMEM_QEMU names', async () => {
    const path = qemu('10.0.13');
    await expect(findInstalledQemu({ VPMEM_QEMU: path, PATH: folder })).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('too old') as string });
    await expect(findInstalledQemu({ VPMEM_QEMU: join(folder, 'none') })).rejects.toMatchObject({ message: expect.stringContaining('not a QEMU') as string });
  });

  it('takes the one on the path if it is new enough', async () => {
    const path = qemu('11.1.3');
    expect(await findInstalledQemu({ PATH: `/nowhere:${folder}` })).toEqual({ path, version: '11.1.3' });
    qemu('7.2.22');
    expect(await findInstalledQemu({ PATH: folder })).toBeUndefined();
    expect(await findInstalledQemu({ PATH: '/nowhere' })).toBeUndefined();
  });
});

it('parseQemuVersion finds the version in what QEMU says', () => {
  expect(parseQemuVersion('warning\nQEMU emulator version 11.1.3 (Debian 1:11.1.3+ds-1)\nCopyright')).toBe('11.1.3');
  expect(parseQemuVersion('something else')).toBeUndefined();
});

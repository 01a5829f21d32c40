import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planSources, SUITES } from './apt-configuration.ts';
import { cacheFolder, requireTestbed } from './testbed.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-testbed-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('cacheFolder follows the environment', () => {
  expect(cacheFolder({ VPMEM_TESTBED_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/vpmem/testbed');
  expect(cacheFolder({})).toBe(join(homedir(), '.cache/vpmem/testbed'));
});

it('planSources asks for our suites, and takes nothing unsigned from a mirror that was only named', async () => {
  const plans = await planSources({ VPMEM_TESTBED_MIRROR: 'http://mirror.example/debian' });
  expect(plans.length).toBeGreaterThan(0);
  for (const plan of plans) {
    expect(plan.map(({ suite }) => suite)).toEqual(Object.values(SUITES));
    expect(plan.every(({ uri, trusted }) => uri === 'http://mirror.example/debian' && !trusted)).toBe(true);
  }
});

describe('requireTestbed', () => {
  const options = (environment: NodeJS.ProcessEnv) => ({ environment: { VPMEM_TESTBED_CACHE: join(folder, 'cache'), ...environment }, say: () => undefined });

  it('gives the reason why there is none', async () => {
    const { testbed, reason } = await requireTestbed(options({ VPMEM_QEMU: join(folder, 'none') }));
    expect(testbed).toBeUndefined();
    expect(reason).toContain('VPMEM_QEMU');
  });

  it('fails where nothing may be skipped', async () => {
    await expect(requireTestbed(options({ VPMEM_QEMU: join(folder, 'none'), CI: 'true' }))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('gives the reason when the mirror cannot be read, and leaves nothing half-made', async () => {
    const qemu = join(folder, 'qemu');
    writeFileSync(qemu, "#!/bin/sh\necho 'QEMU emulator version 10.1.0'\n");
    chmodSync(qemu, 0o755);
    // An archive that is not there needs no network to fail.
    const environment = { VPMEM_QEMU: qemu, VPMEM_TESTBED_MIRROR: `file://${folder}/no-mirror` };
    const { reason } = await requireTestbed(options(environment));
    expect(reason).toContain('apt cannot read the lists of packages');
    expect(readdirSync(join(folder, 'cache')).sort()).toEqual(['apt', 'apt.lock', 'lock']);
  });
});

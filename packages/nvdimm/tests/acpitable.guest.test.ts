import { requireTestbed, startGuest, type Guest } from '@vpmem/testbed';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fitStructures, makeSsdt, nfitTable } from '../src/index.ts';

const { testbed, reason } = await requireTestbed();

const MIB = 2 ** 20;
const SIZE = 128 * MIB;
/** Ranges of ordinary RAM that the guest is told to keep off. */
const [ARMED, UNARMED] = [0x3000_0000, 0x3800_0000];

describe.skipIf(testbed === undefined)(`our tables in an unmodified QEMU and Linux${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let guest: Guest;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-acpitable-'));
    const devices = [
      { slot: 1, node: 0, address: ARMED, size: SIZE, unarmed: false },
      { slot: 2, node: 0, address: UNARMED, size: SIZE, unarmed: true },
    ];
    const tables = { nfit: nfitTable(fitStructures(devices, 'cpu')), ssdt: makeSsdt({ slots: 3, staticFit: true }) };
    const qemuArgs = Object.entries(tables).flatMap(([name, table]) => {
      const path = join(folder, name);
      writeFileSync(path, table);
      return ['-acpitable', `file=${path}`];
    });
    guest = await startGuest({ testbed: testbed!, memory: '1G', tools: ['ndctl'], append: `memmap=${(2 * SIZE) / MIB}M$0x${ARMED.toString(16)}`, qemuArgs });
    await guest.sh('wait-for /dev/pmem0 && wait-for /dev/pmem1');
  });
  afterAll(async () => {
    await guest.stop();
    rmSync(folder, { recursive: true });
  });

  it('show Linux an NVDIMM, a region and a namespace', async () => {
    const { sh } = bind(guest);
    const { dimms, regions } = JSON.parse(await sh('ndctl list -RND')) as { readonly dimms: { readonly dev: string }[]; readonly regions: { readonly dev: string }[] };
    expect([dimms.length, regions.length]).toEqual([2, 2]);
    expect(dimms.find(({ dev }) => dev === 'nmem0')).toMatchObject({ dev: 'nmem0', id: '8680-57341200', handle: 2, phys_id: 0 });
    expect(regions.find(({ dev }) => dev === 'region0')).toMatchObject({
      dev: 'region0',
      size: SIZE,
      type: 'pmem',
      persistence_domain: 'cpu_cache',
      mappings: [{ dimm: 'nmem0', offset: 0, length: SIZE, position: 0 }],
      namespaces: [{ dev: 'namespace0.0', mode: 'raw', size: SIZE, blockdev: 'pmem0' }],
    });
    expect(await sh('cat /sys/bus/nd/devices/region0/resource /sys/bus/nd/devices/nmem0/commands')).toMatch(/^0x30000000$/m);
    // Of the other one it says what we want it to know.
    expect(await sh("dmesg | grep -aE 'AE_|ACPI.*[Ee]rror' | grep -v 'NVDIMM nmem1 flags: not_armed' || echo none")).toBe('none');
    expect(await sh('cat /sys/bus/nd/devices/nmem0/nfit/flags /sys/block/pmem0/ro')).toBe('\n0');
    await sh('echo it is memory | dd of=/dev/pmem0 bs=4096 seek=10 conv=sync,fsync 2>&1');
    const stored = (await guest.qmp('human-monitor-command', { 'command-line': `xp/12cb 0x${(ARMED + 40_960).toString(16)}` })) as string;
    expect([...stored.matchAll(/'(.)'/g)].map(([, letter]) => letter).join('')).toBe('it is memory');
  });

  it('tell Linux of a device that is not armed, whose blocks it then does not write', async () => {
    const { sh, run } = bind(guest);
    expect(await sh('cat /sys/bus/nd/devices/nmem1/nfit/flags')).toBe('not_armed ');
    expect(await sh('cat /sys/block/pmem1/ro')).toBe('1');
    expect((await run('echo x > /dev/pmem1')).output).toMatch(/not permitted|Read-only|denied/);
  });
});

function bind(guest: Guest): Pick<Guest, 'sh' | 'run'> {
  return { sh: (script, options) => guest.sh(script, options), run: (script, options) => guest.run(script, options) };
}

import { requireTestbed, startGuest, type Guest } from '@vpmem/testbed';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fitStructures, makeSsdt, nfitTable } from '../src/index.ts';

const { testbed, reason } = await requireTestbed();

const MIB = 2 ** 20;
/** A range of ordinary RAM that the guest is told to keep off. */
const [ADDRESS, SIZE] = [0x3000_0000, 128 * MIB];

describe.skipIf(testbed === undefined)(`our tables in an unmodified QEMU and Linux${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let guest: Guest | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-acpitable-'));
  });
  afterEach(async () => {
    await guest?.stop();
    rmSync(folder, { recursive: true });
  });

  async function start(unarmed: boolean): Promise<Guest> {
    const tables = { nfit: nfitTable(fitStructures([{ slot: 1, node: 0, address: ADDRESS, size: SIZE, unarmed }], 'cpu')), ssdt: makeSsdt({ slots: 2, staticFit: true }) };
    const qemuArgs = Object.entries(tables).flatMap(([name, table]) => {
      const path = join(folder, name);
      writeFileSync(path, table);
      return ['-acpitable', `file=${path}`];
    });
    return (guest = await startGuest({ testbed: testbed!, memory: '1G', tools: ['ndctl'], append: `memmap=${SIZE / MIB}M$0x${ADDRESS.toString(16)}`, qemuArgs }));
  }

  it('show Linux an NVDIMM, a region and a namespace', async () => {
    const { sh } = bind(await start(false));
    await sh('wait-for /dev/pmem0');
    const seen = JSON.parse(await sh('ndctl list -RND')) as unknown;
    expect(seen).toMatchObject({
      dimms: [{ dev: 'nmem0', id: '8680-57341200', handle: 2, phys_id: 0 }],
      regions: [
        {
          dev: 'region0',
          size: SIZE,
          type: 'pmem',
          persistence_domain: 'cpu_cache',
          mappings: [{ dimm: 'nmem0', offset: 0, length: SIZE, position: 0 }],
          namespaces: [{ dev: 'namespace0.0', mode: 'raw', size: SIZE, blockdev: 'pmem0' }],
        },
      ],
    });
    expect(await sh('cat /sys/bus/nd/devices/region0/resource /sys/bus/nd/devices/nmem0/commands')).toMatch(/^0x30000000$/m);
    expect(await sh("dmesg | grep -aE 'AE_|ACPI.*[Ee]rror' || echo none")).toBe('none');
    await sh('echo it is memory | dd of=/dev/pmem0 bs=4096 seek=10 conv=sync,fsync 2>&1');
    const stored = (await guest!.qmp('human-monitor-command', { 'command-line': `xp/12cb 0x${(ADDRESS + 40_960).toString(16)}` })) as string;
    expect([...stored.matchAll(/'(.)'/g)].map(([, letter]) => letter).join('')).toBe('it is memory');
  });

  it('tell Linux of a device that is not armed, whose blocks it then does not write', async () => {
    const { sh, run } = bind(await start(true));
    await sh('wait-for /dev/pmem0');
    expect(await sh('cat /sys/bus/nd/devices/nmem0/nfit/flags')).toBe('not_armed ');
    expect(await sh('cat /sys/block/pmem0/ro')).toBe('1');
    expect((await run('echo x > /dev/pmem0')).output).toMatch(/not permitted|Read-only|denied/);
  });
});

function bind(guest: Guest): Pick<Guest, 'sh' | 'run'> {
  return { sh: (script, options) => guest.sh(script, options), run: (script, options) => guest.run(script, options) };
}

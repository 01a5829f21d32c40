import { requireTestbed, startGuest, type Guest } from '@vpmem/testbed';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackendLabelArea, makeSsdt, NamespaceLabels } from '../src/index.ts';

const { testbed, reason } = await requireTestbed();

const MIB = 2 ** 20;
const [LABEL_SIZE, SIZE] = [128 * 1024, 64 * MIB + 128 * 1024];

/** One file in the form the kernel wants its initramfs in, for tables that shall replace those of the firmware. */
function cpio(path: string, bytes: Uint8Array): Buffer {
  const record = (name: string, mode: number, content: Uint8Array): Buffer => {
    const fields = [1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0].map((field) => field.toString(16).padStart(8, '0')).join('');
    const pad = (buffer: Buffer): Buffer => Buffer.concat([buffer, Buffer.alloc(-buffer.length & 3)]);
    return Buffer.concat([pad(Buffer.from(`070701${fields}${name}\0`)), pad(Buffer.from(content))]);
  };
  const folders = path.split('/').slice(0, -1).map((_, i, all) => record(all.slice(0, i + 1).join('/'), 0o040755, new Uint8Array(0)));
  return Buffer.concat([...folders, record(path, 0o100644, bytes), record('TRAILER!!!', 0, new Uint8Array(0))]);
}

describe.skipIf(testbed === undefined)(`our SSDT between Linux and QEMU's own NVDIMM${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let guest: Guest | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-ssdt-'));
  });
  afterEach(async () => {
    await guest?.stop();
    rmSync(folder, { recursive: true });
  });

  /** @param more kernel archive before the guest's own */
  async function start(more: Buffer, until: 'ready' | 'running' = 'ready'): Promise<Guest> {
    const replaceInitrd = (line: string[]): string[] => {
      const at = line.indexOf('-initrd') + 1;
      const path = join(folder, 'initrd');
      writeFileSync(path, Buffer.concat([more, readFileSync(line[at] ?? '')]));
      return line.with(at, path);
    };
    const backend = (id: string): string[] => ['-object', `memory-backend-file,id=${id},mem-path=${join(folder, id)},size=${SIZE},share=on`];
    const qemuArgs = [...backend('mem1'), ...backend('mem2'), '-device', `nvdimm,id=nv1,memdev=mem1,label-size=${LABEL_SIZE},slot=0`];
    return (guest = await startGuest({ testbed: testbed!, machine: 'pc,nvdimm=on', memory: '512M,slots=2,maxmem=1G', tools: ['ndctl'], qemuArgs, command: replaceInitrd, until, append: 'loglevel=7' }));
  }

  it('carries the FIT, labels both ways, and a device that is plugged in while Linux runs', async () => {
    // Where the firmware has put the page stands at the end of QEMU's SSDT, and is the same at the next start.
    const first = await start(Buffer.alloc(0), 'running');
    // At this level the kernel says where it has found the table, and it is still there.
    const [, address = '', length = ''] = await first.waitForConsole(/ACPI: SSDT 0x([0-9A-F]+) ([0-9A-F]{6}) .*NVDIMM.*\n/);
    const dumped = join(folder, 'theirs');
    await first.qmp('pmemsave', { val: parseInt(address, 16), size: parseInt(length, 16), filename: dumped });
    const theirs = readFileSync(dumped);
    await first.stop();
    const page = theirs.readUInt32LE(theirs.length - 4);
    // Linux replaces a table by a newer one of the very same name.
    const ours = makeSsdt({ slots: 2, page, oemId: theirs.toString('latin1', 10, 16), oemTableId: theirs.toString('latin1', 16, 24), oemRevision: 2 });

    const { sh, qmp } = bind(await start(cpio('kernel/firmware/acpi/ssdt.aml', ours)));
    expect(Buffer.from((await sh('base64 /sys/firmware/acpi/tables/SSDT')).replaceAll('\n', ''), 'base64').equals(ours)).toBe(true);
    await sh('wait-for /dev/pmem0');
    expect(JSON.parse(await sh('ndctl list -RD'))).toMatchObject({ dimms: [{ dev: 'nmem0', handle: 1 }], regions: [{ dev: 'region0', size: 64 * MIB }] });

    // Linux takes _DSM for labels where there are both ways, so once with it, and once with _LSI, _LSR and _LSW alone.
    const fd = openSync(join(folder, 'mem1'), 'r');
    try {
      const area = new BackendLabelArea({ fd, offset: 0 }, { start: SIZE - LABEL_SIZE, size: LABEL_SIZE, writable: false });
      for (const { name, allowed, functions } of [
        { name: 'by-dsm', allowed: 0, functions: '0x70' },
        { name: 'by-label-methods', allowed: 1, functions: '0x0' },
      ]) {
        await sh(`ndctl disable-region all; ndctl disable-dimm nmem0; rmmod nfit && insmod /modules/nfit.ko override_dsm_mask=${allowed} && wait-for /sys/bus/nd/devices/nmem0`);
        expect(await sh('cat /sys/bus/nd/devices/nmem0/nfit/dsm_mask')).toBe(functions);
        await sh('ndctl disable-region all; ndctl disable-dimm nmem0; ndctl init-labels -f --label-version=1.2 nmem0; ndctl enable-dimm nmem0; ndctl enable-region all');
        await sh(`ndctl create-namespace -m raw -s 32M -n ${name}`);
        expect(NamespaceLabels.open(area)?.labels).toMatchObject([{ name, rawSize: 32 * MIB }]);
        const read = await sh('ndctl read-labels -o /tmp/labels nmem0 2>&1 && gzip -c /tmp/labels | base64');
        expect(gunzipSync(Buffer.from(read.split('\n').slice(1).join(''), 'base64')).equals(Buffer.from(area.read(0, LABEL_SIZE)))).toBe(true);
      }
    } finally {
      closeSync(fd);
    }

    await qmp('device_add', { driver: 'nvdimm', id: 'nv2', memdev: 'mem2', 'label-size': LABEL_SIZE });
    await sh('wait-for /sys/bus/nd/devices/nmem1');
    expect(JSON.parse(await sh('ndctl list -D'))).toMatchObject([expect.objectContaining({ handle: 2 }), expect.objectContaining({ handle: 1 })]);
    expect(await sh("dmesg | grep -aE 'AE_|ACPI.*[Ee]rror' || echo none")).toBe('none');
  });
});

function bind(guest: Guest): Pick<Guest, 'sh' | 'qmp'> {
  return { sh: (script, options) => guest.sh(script, options), qmp: (command, args, options) => guest.qmp(command, args, options) };
}

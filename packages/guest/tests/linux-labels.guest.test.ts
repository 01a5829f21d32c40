import { nvdimmMachine, requireTestbed, resumeGuest, type Guest as LinuxGuest } from '@vpmem/testbed';
import { mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Guest } from '../src/guest.ts';
import { NvdimmPlatform } from '../src/nvdimm-platform.ts';

const { testbed, reason } = await requireTestbed();

const MIB = 2 ** 20;
const LABEL_SIZE = 128 * 1024;
const SIZE = 64 * MIB + LABEL_SIZE;
const UUID = '6a1ecb18-9d36-4c53-8a37-11c8d6a52e01';

describe.skipIf(testbed === undefined)(`namespaces on one file${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let file: string;
  let linux: LinuxGuest | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-namespaces-'));
    file = join(folder, 'store');
    writeFileSync(file, '');
    truncateSync(file, SIZE);
  });
  afterEach(async () => {
    await linux?.stop();
    rmSync(folder, { recursive: true });
  });

  /** The embedded guest, on a machine with an NVDIMM of the file. */
  async function embedded<Result>(use: (guest: Guest) => Result): Promise<Result> {
    const platform = new NvdimmPlatform();
    try {
      platform.plug(0, { size: SIZE, labelSize: LABEL_SIZE, fd: openSync(file, 'r+') });
      platform.putTables();
      const result = use(platform.start());
      expect(platform.said).toEqual([]);
      return result;
    } finally {
      await platform.close();
    }
  }

  it('of the embedded guest are those of Linux on an NVDIMM of QEMU, and those of ndctl are disks of the embedded guest', async () => {
    await embedded((guest) => {
      const nvdimm = guest.nvdimms[0]!;
      nvdimm.initialiseLabels();
      const gone = nvdimm.createNamespace({ name: 'gone', size: 16 * MIB });
      const ours = nvdimm.createNamespace({ name: 'ours', size: 32 * MIB, uuid: UUID });
      nvdimm.destroyNamespace(gone.uuid!);
      ours.disk!.write(4096, Buffer.from('from the embedded guest'));
    });

    const backend = `memory-backend-file,id=mem1,mem-path=${file},size=${SIZE},share=on`;
    const plug = [JSON.stringify({ driver: 'nvdimm', id: 'nv1', memdev: 'mem1', 'label-size': LABEL_SIZE })];
    linux = await resumeGuest({ testbed: testbed!, ...nvdimmMachine(), qemuArgs: ['-object', backend], plug });
    await linux.sh('wait-for /dev/pmem0');
    expect(JSON.parse(await linux.sh('ndctl list -N'))).toMatchObject([{ mode: 'raw', size: 32 * MIB, uuid: UUID, name: 'ours' }]);
    expect(await linux.sh('dd if=/dev/pmem0 bs=4096 skip=1 count=1 2>/dev/null | head -c 23')).toBe('from the embedded guest');
    const theirs = JSON.parse(await linux.sh('ndctl create-namespace -m raw -s 16M -n theirs')) as { readonly uuid: string; readonly blockdev: string };
    await linux.sh(`printf 'from Linux' | dd of=/dev/${theirs.blockdev} bs=4096 seek=2 conv=fsync 2>/dev/null`);
    await linux.stop();

    await embedded((guest) => {
      expect(guest.nvdimms[0]).toMatchObject({
        labelVersion: '1.2',
        namespaces: [
          { name: 'theirs', uuid: theirs.uuid, dpa: 0, size: 16 * MIB },
          { name: 'ours', uuid: UUID, dpa: 16 * MIB, size: 32 * MIB },
        ],
      });
      expect(guest.disks.map((disk, i) => Buffer.from(disk.read(i === 0 ? 8192 : 4096, 10)).toString())).toEqual(['from Linux', 'from the e']);
    });
  });
});

import { nvdimmMachine, requireTestbed, resumeGuest, type Guest } from '@vpmem/testbed';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackendLabelArea, interleaveSetCookie, layOutNvdimm, NamespaceLabels, serialNumber, VENDOR_ID, type LabelVersion } from '../src/index.ts';

const { testbed, reason } = await requireTestbed();

const MIB = 2 ** 20;
const LABEL_SIZE = 128 * 1024;
const SIZE = 64 * MIB + LABEL_SIZE;
/** Each way with one version, and with the other in the long form: the cases in `namespace-labels.test.ts` have both. */
const versions = (usual: LabelVersion): readonly LabelVersion[] => (process.env.VPMEM_ALL === '1' ? ['1.1', '1.2'] : [usual]);
const UUID = '6a1ecb18-9d36-4c53-8a37-11c8d6a52e01';

/** What `ndctl list -N` says of a namespace. */
interface Listed {
  readonly mode: string;
  readonly size: number;
  readonly uuid: string;
  readonly name: string;
}

describe.skipIf(testbed === undefined)(`labels on the file of an NVDIMM of QEMU${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let fd: number;
  let area: BackendLabelArea;
  let guest: Guest | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-labels-'));
    fd = openSync(join(folder, 'store'), 'w+');
    ftruncateSync(fd, SIZE);
    const { labelOffset, labelSize } = layOutNvdimm({ id: 'mem1', size: SIZE, align: 4096, readonly: false }, { labelSize: LABEL_SIZE });
    area = new BackendLabelArea({ fd, offset: 0 }, { start: labelOffset, size: labelSize, writable: true });
  });
  afterEach(async () => {
    await guest?.stop();
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  async function start(): Promise<(script: string) => Promise<string>> {
    const backend = `memory-backend-file,id=mem1,mem-path=${join(folder, 'store')},size=${SIZE},share=on`;
    const plug = [JSON.stringify({ driver: 'nvdimm', id: 'nv1', memdev: 'mem1', 'label-size': LABEL_SIZE })];
    const started = await resumeGuest({ testbed: testbed!, ...nvdimmMachine(), qemuArgs: ['-object', backend], plug });
    await started.sh('wait-for /sys/bus/nd/devices/nmem0');
    guest = started;
    return (script) => started.sh(script);
  }
  const list = async (sh: (script: string) => Promise<string>): Promise<Listed[]> => (JSON.parse((await sh('ndctl list -N')) || '[]') as Listed[]).sort((a, b) => a.name.localeCompare(b.name));
  const setCookie = (version: LabelVersion): bigint => interleaveSetCookie({ serialNumber: serialNumber(0), vendorId: VENDOR_ID }, version);

  it.each(versions('1.2'))('of version %s that we wrote are those of a namespace in Linux, and Linux adds to them', async (version) => {
    const ours = NamespaceLabels.initialise(area, version);
    ours.create({ uuid: '6a1ecb18-9d36-4c53-8a37-11c8d6a52eff', name: 'gone', size: 2 * MIB, capacity: 64 * MIB, setCookie: setCookie(version) });
    ours.create({ uuid: UUID, name: 'ours', size: 32 * MIB, dpa: 16 * MIB, capacity: 64 * MIB, setCookie: setCookie(version) });
    ours.remove('6a1ecb18-9d36-4c53-8a37-11c8d6a52eff');
    const sh = await start();
    await sh('wait-for /dev/pmem0');
    expect(await list(sh)).toMatchObject([{ mode: 'raw', size: 32 * MIB, uuid: UUID, name: 'ours' }]);
    expect(BigInt(await sh('cat /sys/bus/nd/devices/region0/set_cookie'))).toBe(setCookie(version));
    await sh('ndctl create-namespace -m raw -s 16M -n theirs');
    const listed = await list(sh);
    expect(listed.map(({ name }) => name)).toEqual(['ours', 'theirs']);

    const labels = NamespaceLabels.open(area)?.labels.sort((a, b) => a.name.localeCompare(b.name));
    expect(labels).toMatchObject([
      { uuid: UUID, name: 'ours', dpa: 16 * MIB, rawSize: 32 * MIB },
      { uuid: listed[1]?.uuid, name: 'theirs', rawSize: 16 * MIB, setCookie: setCookie(version) },
    ]);
  });

  it.each(versions('1.1'))('of version %s that ndctl wrote are read and changed by us', async (version) => {
    const sh = await start();
    await sh(`wait-for /dev/pmem0; ndctl disable-region all; ndctl disable-dimm nmem0; ndctl init-labels -f --label-version=${version} nmem0; ndctl enable-dimm nmem0; ndctl enable-region all`);
    for (const [name, size] of [['a', 16], ['b', 32]]) await sh(`ndctl create-namespace -m raw -s ${size}M -n ${name}`);
    const listed = await list(sh);
    await guest?.stop();

    const labels = NamespaceLabels.open(area);
    expect(labels).toMatchObject({ version, slots: version === '1.1' ? 1020 : 510 });
    expect(labels?.labels.map(({ name, uuid, rawSize, setCookie: cookie }) => ({ name, uuid, size: rawSize, cookie }))).toEqual(
      listed.map(({ name, uuid, size }) => ({ name, uuid, size, cookie: setCookie(version) })),
    );
    expect(labels?.remove(listed[0]?.uuid ?? '')).toBe(true);
    const again = await start();
    await again('wait-for /dev/pmem0');
    expect(await list(again)).toMatchObject([{ name: 'b', size: 32 * MIB, uuid: listed[1]?.uuid }]);
  });
});

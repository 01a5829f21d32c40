import { requireTestbed, startQtest, type Qtest } from '@vpmem/testbed';
import fc from 'fast-check';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DSM_PAGE_SIZE, DSM_PORT, Nvdimm, NvdimmRoot } from '../src/index.ts';

const { testbed, reason } = await requireTestbed();

const MIB = 2 ** 20;
const KIB = 1024;
const PAGE = 0x10_0000;
/** What `query-memory-devices` says of one. */
interface Listed {
  readonly data: { readonly id: string; readonly addr: number; readonly size: number; readonly slot: number; readonly node: number };
}
const DEVICES: Record<string, { readonly size: number; readonly labelSize: number; readonly unarmed: boolean; readonly options: string }> = {
  a: { size: 16 * MIB + 128 * KIB, labelSize: 128 * KIB, unarmed: false, options: 'label-size=128K,slot=2' },
  b: { size: 16 * MIB, labelSize: 0, unarmed: true, options: 'unarmed=on,slot=0' },
  c: { size: 16 * MIB + 204 * KIB, labelSize: 160 * KIB + 1, unarmed: false, options: `label-size=${160 * KIB + 1},slot=5` },
};

describe.skipIf(testbed === undefined)(`_DSM, asked of QEMU and of us alike${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let qemu: Qtest;
  let root: NvdimmRoot;
  const fds: number[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-dsm-'));
    const qemuArgs = Object.entries(DEVICES).flatMap(([id, { size, options }]) => [
      ...['-object', `memory-backend-file,id=m${id},mem-path=${join(folder, `theirs-${id}`)},size=${size},share=on`],
      ...['-device', `nvdimm,id=${id},memdev=m${id},${options}`],
    ]);
    qemu = await startQtest({ testbed: testbed!, machine: 'pc,nvdimm=on,nvdimm-persistence=mem-ctrl', memory: '128M,slots=8,maxmem=1G', qemuArgs });
    root = new NvdimmRoot({ persistence: 'mem-ctrl' });
    for (const { data } of (await qemu.qmp('query-memory-devices')) as Listed[]) {
      const { size, labelSize, unarmed } = DEVICES[data.id]!;
      const fd = openSync(join(folder, `ours-${data.id}`), 'w+');
      fds.push(fd);
      ftruncateSync(fd, size);
      const backend = { id: `m${data.id}`, size, fd, offset: 0, read: () => 0, write: () => undefined };
      const device = new Nvdimm(backend, { id: data.id, slot: data.slot, address: data.addr, node: data.node, align: 4096, labelSize, unarmed });
      expect(device.size).toBe(data.size);
      root.plug(device);
    }
  });
  afterAll(async () => {
    await qemu.stop();
    for (const fd of fds) closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  const makePage = (...words: readonly number[]): Uint8Array => {
    const page = Uint8Array.from({ length: DSM_PAGE_SIZE }, (_, i) => i * 7);
    page.set(new Uint8Array(Uint32Array.from(words).buffer));
    return page;
  };
  async function askBoth(page: Uint8Array): Promise<{ theirs: string; ours: string }> {
    await qemu.write(PAGE, page);
    await qemu.outl(DSM_PORT, PAGE);
    const theirs = await qemu.read(PAGE, DSM_PAGE_SIZE);
    const ours = page.slice();
    root.answer(ours);
    return { theirs: theirs.toString('hex'), ours: Buffer.from(ours).toString('hex') };
  }

  it('gives the same FIT, but for the order of devices, which QEMU leaves to chance', async () => {
    const { theirs, ours } = await askBoth(makePage(0x1_0000, 1, 1, 0));
    const STRUCTURES = 184 * 2;
    const split = (answer: string): string[] => (answer.slice(16, 16 + 3 * STRUCTURES).match(new RegExp(`.{${STRUCTURES}}`, 'g')) ?? []).sort();
    expect(split(ours)).toEqual(split(theirs));
    expect(ours.slice(0, 16)).toBe(theirs.slice(0, 16));
    expect(ours.slice(16 + 3 * STRUCTURES)).toBe(theirs.slice(16 + 3 * STRUCTURES));
    expect(root.fit.length).toBe(3 * 184 + 16);
  });

  it('says the same to every handle, revision and function', async () => {
    for (const handle of [0, 1, 2, 3, 4, 6, 8, 9, 256, 257, 0x1_0000, 0x1_0001, 0xffff_ffff]) {
      for (const revision of [0, 1, 2]) {
        for (const fn of [0, 1, 2, 3, 4, 5, 6, 7, 31]) {
          // 9999 is beyond the FIT, so that its order does not count.
          const { theirs, ours } = await askBoth(makePage(handle, revision, fn, 9999, 16));
          expect({ handle, revision, fn, answer: ours }).toEqual({ handle, revision, fn, answer: theirs });
        }
      }
    }
  });

  it('reads, writes and refuses the same ranges of labels', async () => {
    const borders = [0, 1, 4075, 4076, 4077, 128 * KIB - 4076, 128 * KIB - 1, 128 * KIB, 160 * KIB, 160 * KIB + 1, 160 * KIB + 2, 0x7fff_ffff, 0xffff_ffff];
    const offsets = fc.oneof(fc.constantFrom(...borders), fc.nat(170 * KIB));
    // QEMU 11.1.3 aborts over a transfer of no bytes.
    const lengths = fc.oneof(fc.constantFrom(...borders.slice(1)), fc.integer({ min: 1, max: 4100 }));
    let written = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(1, 3, 6), fc.constantFrom(5, 6), offsets, lengths, async (handle, fn, offset, length) => {
        const { theirs, ours } = await askBoth(makePage(handle, 1, fn, offset, length));
        expect(ours).toBe(theirs);
        if (fn === 6 && ours.startsWith('0800000000000000')) written++;
      }),
      { numRuns: 500 },
    );
    expect(written).toBeGreaterThan(20);
    for (const id of Object.keys(DEVICES)) expect(readFileSync(join(folder, `ours-${id}`)).equals(readFileSync(join(folder, `theirs-${id}`)))).toBe(true);
  });

  it('reads the port as 0, and takes nothing from it but a whole address', async () => {
    expect([await qemu.inb(DSM_PORT), await qemu.inw(DSM_PORT), await qemu.inl(DSM_PORT)]).toEqual([0, 0, 0]);
    const page = makePage(0, 1, 0);
    await qemu.write(PAGE, page);
    await qemu.outw(DSM_PORT, PAGE & 0xffff);
    await qemu.outb(DSM_PORT, PAGE & 0xff);
    expect((await qemu.read(PAGE, DSM_PAGE_SIZE)).equals(page)).toBe(true);
  });
});

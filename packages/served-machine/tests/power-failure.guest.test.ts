// Real guests, an unmodified Linux in an unmodified QEMU, that lose their power.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineEvent } from '@vpmem/machine';
import { parseOption } from '@vpmem/options';
import { nvdimmMachine, requireTestbed, resumeGuest, type Guest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { Machine } from '../src/machine.ts';
import type { Device } from '../src/served-devices.ts';

const { testbed, reason } = await requireTestbed();

/** What a guest wrote to files and has been told is durable: a checksum for each. */
type Acknowledged = string[];

const MOUNT = 'mkdir -p /mnt && mount -t ext4 -o dax=always';
/** Cuts that leave an image each, all of which have been looked at with fifty; each kind of survivors comes with each phase in twenty. */
const IMAGES = process.env.VPMEM_ALL === '1' ? 50 : 20;
/** Of which a guest looks at so many. */
const DISKS = 25;
/** Stores that nobody flushes, as fast as the guest can. */
const NOISE = '(while :; do dd if=/dev/urandom of=/mnt/noise bs=16k count=8 conv=notrunc 2>/dev/null; done) >/dev/null 2>&1 &';

describe.skipIf(testbed === undefined)(`a real guest without power${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let machine: Machine;
  let events: MachineEvent[];
  let guests: Guest[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-power-'));
    const failed = (error: Error): never => {
      throw error;
    };
    machine = new Machine({ warning: () => undefined, failed }, { socketFolder: folder });
    events = [];
    guests = [];
    machine.onEvent((event) => events.push(event));
    onTestFailed(() => {
      for (const guest of guests) console.error(guest.console.slice(-3000));
    });
  });
  afterEach(async () => {
    for (const guest of guests) await guest.stop();
    await machine.close();
    rmSync(folder, { recursive: true });
  });

  const path = (id: string): string => join(folder, `${id}.img`);
  const device = async (id: string, rest = ''): Promise<Device> => {
    await machine.addObject(parseOption(`memory-backend-file,id=${id},mem-path=${path(id)},size=64M,share=on${rest}`, { grammar: 'keyval', impliedKey: 'qom-type' }));
    return machine.addDevice(parseOption(`virtio-pmem-pci,memdev=${id},id=${id}`, { grammar: 'qemuopts', impliedKey: 'driver' }));
  };
  const start = async (...devices: readonly Device[]): Promise<Guest> => {
    const guest = await resumeGuest({ testbed: testbed!, plug: devices.map(({ plug }) => JSON.stringify(plug)) });
    guests.push(guest);
    return guest;
  };
  /** A VM that was killed is not gone at once. */
  const unplug = (id: string): Promise<unknown> => expect.poll(() => machine.deleteDevice(id).then(() => 'gone', String)).toBe('gone');
  /** Writes a file and has it made durable. */
  const writeFile = async (guest: Guest, acknowledged: Acknowledged): Promise<void> => {
    const file = `/mnt/file${acknowledged.length}`;
    // Guests that were one draw the same random numbers.
    const sum = await guest.sh(`(echo ${randomUUID()}; dd if=/dev/urandom bs=1000 count=40 2>/dev/null) | head -c 40000 > ${file} && sync ${file} && sha256sum < ${file}`);
    acknowledged.push(sum);
  };
  /** Mounts what is left, which replays the journal, and looks at everything that was acknowledged. */
  const check = async (guest: Guest, disk: string, acknowledged: Acknowledged): Promise<void> => {
    await guest.sh(`${MOUNT} ${disk} /mnt`);
    // By one program: to start one takes longer under TCG than its work.
    const sums = await guest.sh(`sha256sum ${acknowledged.map((_, i) => `/mnt/file${i}`).join(' ')}`);
    expect(sums.split('\n')).toEqual(acknowledged.map((sum, i) => sum.replace('-', `/mnt/file${i}`)));
  };

  it('finds every file it has fsynced after cuts in the middle of its work, and a whole file system', async () => {
    const nv0 = await device('nv0', ',power-failure=on');
    const acknowledged: Acknowledged = [];
    let lost = 0;
    for (let round = 0; round < 4; round++) {
      const guest = await start(nv0);
      await guest.sh('wait-for /dev/pmem0');
      if (round === 0) await guest.sh(`mkfs.ext4 -q -b 4096 /dev/pmem0 && ${MOUNT} /dev/pmem0 /mnt`);
      else await check(guest, '/dev/pmem0', acknowledged);
      await guest.sh(NOISE);
      for (let i = 0; i < 3; i++) await writeFile(guest, acknowledged);
      const report = await machine.failures.powerCut('nv0', { survivors: round === 0 ? 'none' : 'random', granularity: 'line', seed: round });
      lost += report?.lostBytes ?? 0;
      await guest.kill();
    }
    expect(lost).toBeGreaterThan(0);
    const guest = await start(nv0);
    await guest.sh('wait-for /dev/pmem0');
    await check(guest, '/dev/pmem0', acknowledged);
    await guest.sh('umount /mnt && e2fsck -f -n /dev/pmem0');
    expect(acknowledged).toHaveLength(12);
  });

  it('would find the same after any of many cuts, of which there are images', async () => {
    const nv0 = await device('nv0', ',power-failure=on');
    const acknowledged: Acknowledged = [];
    const guest = await start(nv0);
    await guest.sh(`wait-for /dev/pmem0 && mkfs.ext4 -q -b 4096 /dev/pmem0 && ${MOUNT} /dev/pmem0 /mnt`);
    // What nobody made durable may be gone: the file system itself is what the first file stands on.
    await writeFile(guest, acknowledged);
    await guest.sh(NOISE);
    const images: { readonly id: string; readonly promised: Acknowledged }[] = [];
    const made = (): number => events.filter(({ name }) => name === 'PMEM_POWER_CUT').length;
    for (let seed = 0; seed < IMAGES; seed++) {
      const id = `image${seed}`;
      images.push({ id, promised: [...acknowledged] });
      const survivors = (['random', 'none', 'random', 'all'] as const)[seed % 4];
      const granularity = (['page', 'sector', 'line', 'word'] as const)[(seed >> 2) % 4];
      const phase = (['before', 'during', 'after-durable', undefined] as const)[seed % 4];
      const planned = phase === undefined ? {} : { phase, atFlush: 1 + (seed % 3) };
      await machine.failures.powerCut('nv0', { survivors, granularity, seed, image: path(id), ...planned });
      if (acknowledged.length < 20) await writeFile(guest, acknowledged);
      while (made() <= seed) await guest.sh('sync /mnt/file0');
    }
    await guest.kill();
    await unplug('nv0');
    const cuts = events.flatMap(({ name, data }) => (name === 'PMEM_POWER_CUT' ? [data] : []));
    expect(cuts.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(cuts.filter((cut) => cut['lost-bytes'] > 0).length).toBeGreaterThan(IMAGES / 5);
    for (let first = 0; first < images.length; first += DISKS) {
      const batch = images.slice(first, first + DISKS);
      const devices: Device[] = [];
      for (const { id } of batch) devices.push(await device(id));
      const checker = await start(...devices);
      for (const [i, { promised }] of batch.entries()) {
        // Slots in order are names in order, as Linux probes them.
        const disk = `/dev/pmem${i}`;
        await checker.sh(`wait-for ${disk}`);
        await check(checker, disk, promised);
        await checker.sh(`umount /mnt && e2fsck -f -n ${disk}`);
      }
      await checker.kill();
      for (const { id } of devices) {
        await unplug(id);
        await machine.deleteObject(id);
      }
    }
  });

  it("on QEMU's own nvdimm, given our memory as its file, loses what it believes durable", async () => {
    await device('nv0', ',power-failure=on');
    const [info] = await machine.pmem();
    const plug = [JSON.stringify({ driver: 'nvdimm', id: 'nvdimm', memdev: 'nvm' })];
    const machineOptions = { testbed: testbed!, ...nvdimmMachine(), qemuArgs: ['-object', `memory-backend-file,id=nvm,mem-path=${info?.memoryPath},size=64M,share=on`], plug };
    const guest = await resumeGuest(machineOptions);
    guests.push(guest);
    const acknowledged: Acknowledged = [];
    await guest.sh(`wait-for /dev/pmem0 && ndctl create-namespace -f -e namespace0.0 -m fsdax -M mem >/dev/null && wait-for /dev/pmem0`);
    await guest.sh(`mkfs.ext4 -q -b 4096 /dev/pmem0 && ${MOUNT} /dev/pmem0 /mnt`);
    await writeFile(guest, acknowledged);
    expect(acknowledged).toHaveLength(1);
    const report = await machine.failures.powerCut('nv0', { survivors: 'none' });
    expect(report?.lostBytes).toBeGreaterThan(40_000);
    expect(readFileSync(path('nv0')).equals(Buffer.alloc(64 * 2 ** 20))).toBe(true);
    // QEMU has opened the memory itself, so its guest goes on. The next finds what is left.
    expect(await guest.sh('cat /mnt/file0 | wc -c')).toBe('40000');
    await guest.kill();
    // All of it by the host, and the beginning by a guest, which under TCG takes a tenth of a second for each MiB.
    expect(readFileSync(info?.memoryPath ?? '').equals(Buffer.alloc(64 * 2 ** 20))).toBe(true);
    const next = await resumeGuest(machineOptions);
    guests.push(next);
    await next.sh('wait-for /dev/pmem0 && cmp -n 4000000 /dev/pmem0 /dev/zero');
  });
});

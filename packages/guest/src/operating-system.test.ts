import { closeSync, constants, openSync, readdirSync } from 'node:fs';
import { MemoryBackend, type Syncer } from '@vpmem/memory-backend';
import { ManualSyncer } from '@vpmem/memory-backend/testing';
import { NO_RESERVE, RootPort } from '@vpmem/pci';
import { TestDisk } from '@vpmem/simulated-medium/testing';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Guest } from './guest.ts';
import { GuestMachine } from './guest-machine.ts';
import type { PciLocation } from './hotplug.ts';

const SIZE = 6 * 2 ** 20;
let storage: TestDisk;
beforeEach(async () => {
  storage = await TestDisk.open(SIZE);
});
afterEach(() => storage.close());

function pmemFunction(options: { syncer?: Syncer; vectors?: number; memory?: number } = {}): VirtioPciFunction {
  const { description } = storage;
  const backend = new MemoryBackend({ ...description, fd: options.memory ?? description.fd }, options.syncer ?? storage.syncer());
  return new VirtioPciFunction(new VirtioPmem(backend), { vectors: options.vectors ?? 2 });
}

/** A guest on a machine with a port in slot 2, and what it says to the platform. */
function withPort(options: { reserve?: bigint; vectors?: number } = {}) {
  const machine = new GuestMachine();
  const port = new RootPort({ pref64Reserve: options.reserve ?? NO_RESERVE });
  machine.plug(port, 2);
  const said: string[] = [];
  const tell = (what: string) => ({ port: at, slot }: PciLocation, why?: string) => said.push(`${what} ${at}/${slot}${why === undefined ? '' : `: ${why}`}`);
  machine.hotplug.connectPlatform({ ejected: tell('ejected'), refused: tell('refused') });
  const guest = new Guest({ machine, problem: (text) => said.push(text) });
  return { machine, port, guest, said };
}
const behindPort: PciLocation = { port: 2, slot: 0 };

describe('a root port', () => {
  it.each([2, 0])('a device behind it is found at start and driven, %d vectors', async (vectors) => {
    const machine = new GuestMachine();
    const port = new RootPort();
    machine.plug(port, 2);
    machine.plug(pmemFunction({ vectors }), undefined, port.bus);
    const guest = new Guest({ machine });
    expect(guest.disks).toMatchObject([{ bus: 1, slot: 0, size: SIZE }]);
    await guest.disks[0]?.fsync();
    await guest.close();
  });

  it('takes a device while the guest runs, if what it reserved is enough, and gives it back', async () => {
    const { machine, port, guest, said } = withPort({ reserve: 8n * 2n ** 20n });
    for (let round = 0; round < 5; round++) {
      machine.plug(pmemFunction(), undefined, port.bus);
      machine.hotplug.inserted(behindPort);
      const disk = guest.diskAt(behindPort);
      await disk?.fsync();
      expect(disk?.address).toBe(0x40_0000_0000n);
      machine.hotplug.ejectRequested(behindPort);
      await expect.poll(() => said).toHaveLength(round + 1);
      port.bus.unplug(0);
    }
    expect(new Set(said)).toEqual(new Set(['ejected 2/0']));
    expect(guest.disks).toEqual([]);
    await guest.close();
  });

  it('that reserved too little is said to, and the device stays unused until the next start', async () => {
    const { machine, port, guest, said } = withPort();
    machine.plug(pmemFunction(), undefined, port.bus);
    machine.hotplug.inserted(behindPort);
    expect(said).toEqual([`the guest cannot use the device in slot 0 of bus 1: there is no room for BAR 2 of ${8 * 2 ** 20} bytes on bus 1`]);
    machine.bus.reset();
    guest.reset();
    expect([guest.disks.length, said.length]).toEqual([1, 1]);
    await guest.disks[0]?.fsync();
    await guest.close();
  });
});

describe('hot plug', () => {
  it('a disk in use is not given up, until it is free', async () => {
    const { machine, guest, said } = withPort();
    const disk = guest.plug(pmemFunction());
    const location: PciLocation = { port: undefined, slot: disk.slot };
    disk.inUse = true;
    machine.hotplug.ejectRequested(location);
    expect(said).toEqual(['refused undefined/0: the disk is in use']);
    await disk.fsync();
    disk.inUse = false;
    machine.hotplug.ejectRequested(location);
    await expect.poll(() => said.at(-1)).toBe('ejected undefined/0');
    expect(() => disk.read(0, 1)).toThrow('taken out of service');
    await expect(disk.fsync()).rejects.toThrow('taken out of service');
    await guest.close();
  });

  it('a flush in flight is answered before its disk goes', async () => {
    const syncer = new ManualSyncer();
    const { machine, guest, said } = withPort();
    const disk = guest.plug(pmemFunction({ syncer }));
    const flushed = disk.fsync();
    machine.hotplug.ejectRequested({ port: undefined, slot: 0 });
    syncer.begin();
    await new Promise(setImmediate);
    expect(said).toEqual([]);
    syncer.finish();
    await flushed;
    await expect.poll(() => said).toEqual(['ejected undefined/0']);
    await guest.close();
  });

  it('a hundred rounds take no more of anything', async () => {
    // RAM for seven queues, so that a hundred have to share it.
    const machine = new GuestMachine({ ram: [{ start: 0, size: 0x1_0000 }] });
    const guest = new Guest({ machine });
    const taken = () => {
      const { data } = machine.allocateMessage(() => undefined);
      machine.freeMessage(data);
      return { descriptors: readdirSync('/proc/self/fd').length, nextMessage: data };
    };
    let seen: unknown;
    for (let i = 0; i < 100; i++) {
      const disk = guest.plug(pmemFunction());
      await disk.fsync();
      seen ??= { address: disk.address, ...taken() };
      expect({ address: disk.address, ...taken() }).toEqual(seen);
      await guest.unplug(disk);
    }
    await guest.close();
  });
});

describe('a stopped processor', () => {
  it('does nothing until it goes on: neither start, nor hot plug, nor an interrupt', async () => {
    const machine = new GuestMachine();
    machine.processor.stop();
    machine.plug(pmemFunction());
    const guest = new Guest({ machine });
    expect(guest.disks).toEqual([]);
    machine.processor.cont();
    expect(guest.disks).toHaveLength(1);
    machine.processor.stop();
    machine.plug(pmemFunction());
    machine.hotplug.inserted({ port: undefined, slot: 1 });
    let flushed = false;
    const flushing = guest.disks[0]!.fsync().then(() => (flushed = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([guest.disks.length, flushed]).toEqual([1, false]);
    machine.processor.cont();
    expect(guest.disks).toHaveLength(2);
    await flushing;
    await guest.close();
  });
});

describe('a reset', () => {
  it('ends what was under way and finds the disks anew, their contents as they were', async () => {
    const { machine, guest } = withPort();
    const syncer = new ManualSyncer();
    const disk = guest.plug(pmemFunction({ syncer }));
    disk.write(77, Buffer.from('kept'));
    const flushing = disk.fsync();
    machine.bus.reset();
    guest.reset();
    await expect(flushing).rejects.toThrow('the guest was reset');
    syncer.begin();
    syncer.finish();
    expect(guest.disks).toHaveLength(1);
    const again = guest.disks[0]!;
    expect(again).not.toBe(disk);
    expect(Buffer.from(again.read(77, 4)).toString()).toBe('kept');
    const flushed = again.fsync();
    syncer.begin();
    syncer.finish();
    await flushed;
    await guest.close();
  });

  it('while a disk is being taken out leaves the system that follows alone', async () => {
    const syncer = new ManualSyncer();
    const { machine, guest, said } = withPort();
    const flushing = guest.plug(pmemFunction({ syncer })).fsync();
    flushing.catch(() => undefined);
    machine.hotplug.ejectRequested({ port: undefined, slot: 0 });
    syncer.begin();
    machine.bus.reset();
    guest.reset();
    syncer.finish();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(said).toEqual([]);
    const flushed = guest.disks[0]!.fsync();
    syncer.begin();
    syncer.finish();
    await flushed;
    await guest.close();
  });

  it('whose memory cannot be mapped is said to as well', async () => {
    const unreadable = openSync(`/proc/self/fd/${storage.description.fd}`, constants.O_WRONLY);
    try {
      const { machine, port, guest, said } = withPort({ reserve: 2n ** 30n });
      machine.plug(pmemFunction({ memory: unreadable }), undefined, port.bus);
      machine.hotplug.inserted(behindPort);
      expect(said).toEqual([expect.stringMatching(/^the guest cannot use the device in slot 0 of bus 1: its memory cannot be mapped: mmap .*EACCES/)]);
      expect(guest.disks).toEqual([]);
      await guest.close();
    } finally {
      closeSync(unreadable);
    }
  });
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { everything, MachineBench } from '../tests/machine-bench.ts';

const MIB = 2 ** 20;
const benches: MachineBench[] = [];
const bench = (options: ConstructorParameters<typeof MachineBench>[0] = {}): MachineBench => {
  const made = new MachineBench(options);
  benches.push(made);
  return made;
};
afterEach(async () => {
  for (const made of benches.splice(0)) await made.close();
});

/** The families, the placements of memory, and interrupts: all of them do the same. */
const KINDS = [
  { machine: 'pc', placement: 'window', vectors: 2, bus: '' },
  { machine: 'pc', placement: 'bar', vectors: 0, bus: '' },
  { machine: 'q35', placement: 'window', vectors: 0, bus: ',bus=rp0' },
  { machine: 'q35', placement: 'bar', vectors: 2, bus: ',bus=rp0' },
] as const;

describe.each(KINDS)('a device on $machine, its memory in a $placement, $vectors vectors', ({ machine, placement, vectors, bus }) => {
  const options = `placement=${placement},vectors=${vectors}`;
  const set = async (): Promise<MachineBench> => {
    const made = bench({ machine: [machine] });
    if (machine === 'q35') await made.device('pcie-root-port,id=rp0,chassis=1,pref64-reserve=8M');
    await made.files(['mem1', 'mem2']);
    return made;
  };

  it('is there from the start, or comes later, and keeps what the guest stores', async () => {
    const b = await set();
    const vm = b.machine;
    await b.device(`virtio-pmem-pci,id=cold,memdev=mem1,${options}`);
    await vm.start();
    await b.device(`virtio-pmem-pci,id=hot,memdev=mem2,${options}${bus}`);
    for (const [id, text] of [['cold', 'from the start'], ['hot', 'came later']] as const) {
      await vm.guest.write(id, 4 * MIB - 20, Buffer.from(text));
      await vm.guest.fsync(id);
      expect(Buffer.from(await vm.guest.read(id, 4 * MIB - 20, text.length)).toString()).toBe(text);
    }
    expect(readFileSync(b.path('mem1')).subarray(4 * MIB - 20, 4 * MIB - 6).toString()).toBe('from the start');
    expect(readFileSync(b.path('mem2')).subarray(4 * MIB - 20, 4 * MIB - 10).toString()).toBe('came later');
    expect((await vm.pmem()).map(({ driver, flushes }) => [driver, flushes.asked, flushes.synced, flushes.inFlight])).toEqual([
      ['ready', 1, 1, 0],
      ['ready', 1, 1, 0],
    ]);
    const found = await vm.memoryDevices();
    expect(found.map(({ memaddr }) => memaddr)).toEqual(vm.guest.disks().map(({ address }) => address));
    if (placement === 'window') expect(found.map(({ memaddr }) => memaddr)).toEqual([0x1_0000_0000n, 0x1_0040_0000n]);
    expect(b.warnings).toEqual([]);
  });

  it('goes with the guest\'s help and comes again, five rounds, and nothing is left', async () => {
    const b = await set();
    await b.machine.start();
    const before = await everything(b.machine);
    const descriptors = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 5; round++) {
      const added = await b.device(`virtio-pmem-pci,id=nv1,memdev=mem1,${options}${bus}`);
      expect(added).toEqual({ id: 'nv1', path: '/machine/peripheral/nv1', plug: undefined });
      if (round > 0) expect(Buffer.from(await b.machine.guest.read('nv1', 0, 7)).toString()).toBe(`round ${round - 1}`);
      await b.machine.guest.write('nv1', 0, Buffer.from(`round ${round}`));
      await b.machine.guest.fsync('nv1');
      b.events.length = 0;
      await b.machine.deleteDevice('nv1');
      expect(b.events).toEqual([]);
      await expect.poll(() => b.events).toEqual([
        { name: 'DEVICE_DELETED', data: { path: '/machine/peripheral/nv1/virtio-backend' } },
        { name: 'DEVICE_DELETED', data: { device: 'nv1', path: '/machine/peripheral/nv1' } },
      ]);
      expect(await everything(b.machine)).toEqual(before);
    }
    expect(readdirSync('/proc/self/fd').length).toBe(descriptors);
    await b.machine.deleteObject('mem1');
    expect(b.openFiles()).toEqual([b.path('mem2')]);
  });

  it('a reset finds it anew, contents as they were', async () => {
    const b = await set();
    await b.device(`virtio-pmem-pci,id=nv1,memdev=mem1,${options}${bus}`);
    await b.machine.start();
    const [address] = b.machine.guest.disks().map((disk) => disk.address);
    await b.machine.guest.write('nv1', 9, Buffer.from('kept'));
    const flushing = b.machine.guest.fsync('nv1').catch((error: unknown) => (error as Error).message);
    await b.machine.guest.setInUse('nv1', true);
    await b.machine.reset();
    expect(['the guest was reset', undefined]).toContain(await flushing);
    expect(b.happened).toEqual(['RESET']);
    expect(b.machine.guest.disks()).toEqual([{ name: 'pmem0', id: 'nv1', address, size: 4 * MIB, inUse: false }]);
    expect(Buffer.from(await b.machine.guest.read('nv1', 9, 4)).toString()).toBe('kept');
    await b.machine.guest.fsync('nv1');
  });
});

describe('device_del', () => {
  const running = async (options: ConstructorParameters<typeof MachineBench>[0] = {}): Promise<MachineBench> => {
    const b = bench(options);
    await b.files(['mem1', 'mem2']);
    await b.device('virtio-pmem-pci,id=nv1,memdev=mem1');
    await b.machine.start();
    return b;
  };

  it('of a disk in use: the guest refuses, the device stays, and may be asked for again', async () => {
    const b = await running();
    await b.machine.guest.setInUse('nv1', true);
    await b.machine.deleteDevice('nv1');
    await expect.poll(() => b.events).toEqual([{ name: 'DEVICE_UNPLUG_GUEST_ERROR', data: { device: 'nv1', path: '/machine/peripheral/nv1' } }]);
    await b.machine.guest.fsync('nv1');
    await expect(b.machine.deleteObject('mem1')).rejects.toMatchObject({ code: 'object-busy' });
    await b.machine.guest.setInUse('nv1', false);
    await b.machine.deleteDevice('/machine/peripheral/nv1');
    await expect.poll(() => b.happened).toEqual(['DEVICE_UNPLUG_GUEST_ERROR', 'DEVICE_DELETED', 'DEVICE_DELETED']);
    await b.machine.deleteObject('mem1');
  });

  it('takes the memory from the guest: what comes to that address is what it says it is', async () => {
    const b = bench();
    await b.files(['large'], '8M');
    await b.files(['small'], '2M');
    await b.machine.start();
    await b.device('virtio-pmem-pci,id=nv1,memdev=large');
    await b.machine.deleteDevice('nv1');
    await expect.poll(() => b.happened).toHaveLength(2);
    await b.device('virtio-pmem-pci,id=nv2,memdev=small,memaddr=0x100400000');
    await b.machine.guest.write('nv2', 0, Buffer.from('small'));
    expect(readFileSync(b.path('small')).subarray(0, 5).toString()).toBe('small');
    expect(readFileSync(b.path('large')).every((byte) => byte === 0)).toBe(true);
  });

  it('waits while the machine is stopped, and cannot be asked for twice', async () => {
    const b = await running();
    await b.machine.stop();
    await b.machine.deleteDevice('nv1');
    await expect(b.machine.deleteDevice('nv1')).rejects.toMatchObject({ code: 'unplug-pending', message: expect.stringMatching('already in the process of unplug') as string });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(b.happened).toEqual(['STOP']);
    await b.machine.cont();
    await expect.poll(() => b.happened).toEqual(['STOP', 'RESUME', 'DEVICE_DELETED', 'DEVICE_DELETED']);
  });

  it('while it waits a reset carries it out, as in QEMU', async () => {
    const b = await running();
    await b.machine.stop();
    await b.machine.deleteDevice('nv1');
    await b.machine.reset();
    expect(b.happened).toEqual(['STOP', 'DEVICE_DELETED', 'DEVICE_DELETED', 'RESET']);
    expect(b.machine.runState()).toBe('prelaunch');
    await b.device('virtio-pmem-pci,id=nv1,memdev=mem1');
    await b.machine.cont();
    await b.machine.guest.fsync('nv1');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(b.machine.guest.disks()).toHaveLength(1);
    expect((await b.machine.pciBuses())[0]?.functions.map(({ slot, id }) => [slot, id])).toEqual([[0, undefined], [1, undefined], [2, 'nv1']]);
  });

  it('before the start takes the device out at once', async () => {
    const b = bench({ machine: ['q35'] });
    await b.files(['mem1']);
    await b.device('virtio-pmem-pci,memdev=mem1');
    await b.machine.deleteDevice('/machine/peripheral-anon/device[0]');
    expect(b.events.at(-1)).toEqual({ name: 'DEVICE_DELETED', data: { path: '/machine/peripheral-anon/device[0]' } });
    await b.machine.deleteObject('mem1');
  });

  it('of what is not there, or cannot go', async () => {
    const b = bench({ machine: ['q35'] });
    await b.files(['mem1']);
    await b.device('pcie-root-port,id=rp0');
    await b.device('virtio-pmem-pci,id=nv1,memdev=mem1');
    await b.machine.start();
    await expect(b.machine.deleteDevice('x')).rejects.toMatchObject({ code: 'device-missing', message: "Device 'x' not found; there is 'rp0', 'nv1'" });
    await expect(b.machine.deleteDevice('rp0')).rejects.toMatchObject({ code: 'bus-no-hotplug' });
    await expect(b.machine.deleteDevice('nv1')).rejects.toMatchObject({ code: 'bus-no-hotplug', message: expect.stringMatching("bus 'pcie.0' lets no device go") as string });
    await b.machine.guest.fsync('nv1');
  });
});

describe('running and standing still', () => {
  it('starts when it is told to, stops and goes on, and says so once', async () => {
    const b = bench({ startPaused: true });
    await b.files(['mem1', 'mem2']);
    await b.device('virtio-pmem-pci,id=nv1,memdev=mem1');
    await expect(b.machine.cont()).rejects.toMatchObject({ code: 'machine-state' });
    await expect(b.machine.guest.fsync('nv1')).rejects.toThrow('has not started');
    expect(b.machine.runState()).toBe('prelaunch');
    await b.machine.start();
    await expect(b.machine.start()).rejects.toMatchObject({ code: 'machine-state' });
    await b.machine.stop();
    expect([b.machine.runState(), b.events, b.machine.guest.disks()]).toEqual(['prelaunch', [], []]);
    const flushed = b.machine.guest.fsync('nv1');
    await b.device('virtio-pmem-pci,id=nv2,memdev=mem2');
    await b.machine.cont();
    await b.machine.cont();
    await flushed;
    expect([b.machine.runState(), b.happened, b.machine.guest.disks().length]).toEqual(['running', ['RESUME'], 2]);
    await b.machine.stop();
    await b.machine.stop();
    expect([b.machine.runState(), b.happened]).toEqual(['paused', ['RESUME', 'STOP']]);
  });

  it('a flush in flight when it stops is answered when it goes on', async () => {
    const b = bench();
    await b.files(['mem1']);
    await b.device('virtio-pmem-pci,id=nv1,memdev=mem1');
    await b.machine.start();
    let answered = false;
    const flushing = b.machine.guest.fsync('nv1').then(() => (answered = true));
    // Enough for the request to be with the device; its answer needs the event loop.
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect([(await b.machine.pmem())[0]?.flushes.asked, answered]).toEqual([1, false]);
    await b.machine.stop();
    await expect.poll(async () => (await b.machine.pmem())[0]?.flushes.synced).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(answered).toBe(false);
    await b.machine.cont();
    await flushing;
  });

  it('a reset ends what waits for cont', async () => {
    const b = bench();
    await b.files(['mem1']);
    await b.device('virtio-pmem-pci,id=nv1,memdev=mem1');
    await b.machine.start();
    await b.machine.stop();
    const waiting = b.machine.guest.fsync('nv1');
    await Promise.all([expect(waiting).rejects.toThrow('the guest was reset'), b.machine.reset()]);
  });

  it('quit says SHUTDOWN once; then nothing more is taken, and the owner closes', async () => {
    const b = bench();
    await b.files(['mem1']);
    await b.device('virtio-pmem-pci,id=nv1,memdev=mem1');
    await b.machine.start();
    await b.machine.guest.write('nv1', 0, Buffer.from('last words'));
    await b.machine.quit();
    b.machine.end('host-signal');
    expect([b.machine.runState(), b.events]).toEqual(['shutdown', [{ name: 'SHUTDOWN', data: { guest: false, reason: 'host-qmp-quit' } }]]);
    await expect(b.device('virtio-pmem-pci,memdev=mem1')).rejects.toMatchObject({ code: 'machine-state' });
    await expect(b.files(['mem2'])).rejects.toMatchObject({ code: 'machine-state' });
    await expect(b.machine.reset()).rejects.toMatchObject({ code: 'machine-state' });
    await b.machine.close();
    expect(b.openFiles()).toEqual([]);
    expect(readFileSync(b.path('mem1')).subarray(0, 10).toString()).toBe('last words');
  });

  it('abandon leaves no file that was made for it', async () => {
    const b = bench();
    await b.files(['mem1']);
    await b.device('virtio-pmem-pci,id=nv1,memdev=mem1');
    expect(existsSync(b.path('mem1'))).toBe(true);
    await b.machine.abandon();
    expect([existsSync(b.path('mem1')), b.openFiles()]).toEqual([false, []]);
  });

  it('gives everything back: memory, descriptors, listeners', async () => {
    const count = () => readdirSync('/proc/self/fd').length;
    const maps = () => readFileSync('/proc/self/maps', 'utf8').split('\n').filter((line) => /guest-ram|vpmem-embedded/.test(line)).length;
    const before = [count(), maps()];
    for (let i = 0; i < 3; i++) {
      const b = new MachineBench({ machine: ['q35'], memory: '3G,maxmem=6G' });
      await b.files(['mem1']);
      await b.device('virtio-pmem-pci,id=nv1,memdev=mem1');
      await b.machine.start();
      await b.machine.guest.fsync('nv1');
      await b.close();
    }
    expect([count(), maps()]).toEqual(before);
  });
});

// The cases of every virtio function, over a device that a QEMU without a guest drives access by access: ours behind vfio-user, and
// QEMU's own, which shows where the two differ.
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { GuestMachine } from '@vpmem/guest';
import { parseOption } from '@vpmem/options';
import { requireTestbed, startQtest, type Qtest } from '@vpmem/testbed';
import { namedCases, VirtioGuest, type FunctionTraits, type FunctionUnderTest } from '@vpmem/virtio-pci/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Machine } from '../src/machine.ts';
import { QEMU_DEVIATIONS } from './qemu-deviations.ts';

const { testbed, reason } = await requireTestbed();
const MIB = 2 ** 20;
const RAM = 64 * MIB;
const [COMMAND, STATUS, BARS, MEMORY_AND_MASTER, INTERRUPT_STATUS] = [0x04, 0x06, 0x10, 6, 8];
const TYPE_IO = 1;
const TYPE_64 = 4;
/** Messages are words of RAM, where no case looks. */
const MESSAGES_AT = 0xff00;
/** Where BARs go: in the hole every PC has below 4 GiB, and above all RAM. */
const placeOf = (bar: number, is64: boolean): number => (is64 ? (bar + 1) * 2 ** 36 : 0xe000_0000 + bar * 0x10_0000);

/** One virtio-pmem-pci in a QEMU. */
class QemuFunction implements FunctionUnderTest {
  readonly memory;
  readonly #qtest: Qtest;
  readonly #ram: GuestMachine;
  readonly #device: number;
  readonly #patience: number;
  readonly #addresses: (number | undefined)[] = [];
  readonly traits: FunctionTraits;

  /** `patience`: hundredths of a second to wait for what a case awaits, which some device may never do. */
  constructor(qtest: Qtest, ramPath: string, device: number, traits: FunctionTraits, patience: number) {
    this.#patience = patience;
    this.#qtest = qtest;
    this.#device = device;
    this.traits = traits;
    this.#ram = new GuestMachine({ ram: [{ start: 0, size: RAM }], ramFd: openSync(ramPath, 'r+') });
    this.memory = this.#ram.memory;
  }

  readConfig(offset: number, width: 1 | 2 | 4): Promise<number> {
    return this.#qtest.configRead(0, this.#device, 0, offset, width);
  }
  writeConfig(offset: number, width: 1 | 2 | 4, value: number): Promise<void> {
    return this.#qtest.configWrite(0, this.#device, 0, offset, width, value >>> 0);
  }
  readBar(bar: number, offset: number, width: 1 | 2 | 4): Promise<number> {
    return ({ 1: this.#qtest.readb, 2: this.#qtest.readw, 4: this.#qtest.readl })[width]((this.#addresses[bar] ?? 0) + offset);
  }
  writeBar(bar: number, offset: number, width: 1 | 2 | 4, value: number): Promise<void> {
    return ({ 1: this.#qtest.writeb, 2: this.#qtest.writew, 4: this.#qtest.writel })[width]((this.#addresses[bar] ?? 0) + offset, value >>> 0);
  }
  messageAddress(vector: number): number {
    return MESSAGES_AT + 4 * vector;
  }
  async takeMessages(): Promise<number[]> {
    await this.settle();
    const words = Buffer.alloc(8);
    this.memory.read(MESSAGES_AT, words);
    this.memory.write(MESSAGES_AT, new Uint8Array(8));
    return [words.readUInt32LE(0), words.readUInt32LE(4)].filter((data) => data !== 0);
  }
  /** As the function says: its line ends in an interrupt controller nobody has set up. */
  async intx(): Promise<boolean> {
    return ((await this.readConfig(STATUS, 2)) & INTERRUPT_STATUS) !== 0;
  }
  /**
   * Whoever answers a read of a register has sent the interrupts of what was seen before, and QEMU's loop has heard of them when
   * it answers its monitor. A moment is left for what must not happen.
   */
  async settle(done?: () => boolean): Promise<void> {
    for (let tries = 0; done !== undefined && !done() && tries < this.#patience; tries++) await pause(10);
    await pause(5);
    await this.readBar(this.#addresses.findIndex((address) => address !== undefined), 0, 4);
    await this.#qtest.qmp('query-status');
  }
  async reset(): Promise<void> {
    await this.#qtest.qmp('system_reset');
    await this.#qtest.waitForEvent('RESET');
    for (let bar = 0; bar < 6; bar++) {
      const at = BARS + 4 * bar;
      const type = await this.readConfig(at, 4);
      await this.writeConfig(at, 4, 0xffff_ffff);
      if (((await this.readConfig(at, 4)) & ~15) === 0 || (type & TYPE_IO) !== 0) continue;
      const is64 = (type & TYPE_64) !== 0;
      const address = placeOf(bar, is64);
      this.#addresses[bar] = address;
      await this.writeConfig(at, 4, address % 2 ** 32);
      if (is64) await this.writeConfig(at + 4, 4, Math.floor(address / 2 ** 32));
      if (is64) bar++;
    }
    await this.writeConfig(COMMAND, 2, MEMORY_AND_MASTER);
  }
  close(): void {
    this.#ram.close();
  }
}

const base = { deviceId: 27, queueSizes: [128], request: new Uint8Array(4), response: new Uint8Array(4), held: false };
const PEERS: readonly { readonly name: string; readonly ours: boolean; readonly traits: FunctionTraits }[] = [
  { name: 'ours, behind QEMU\'s vfio-user-pci', ours: true, traits: { ...base, interrupts: 'MSI-X', offered: 0x10f_3000_0001n, region: 6 * MIB } },
  { name: 'QEMU\'s own', ours: false, traits: { ...base, interrupts: 'INTx', offered: 0x10d_3000_0000n } },
];

describe.skipIf(testbed === undefined).each(PEERS)(`$name${reason === undefined ? '' : ` (skipped: ${reason})`}`, ({ ours, traits }) => {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-peer-'));
  let machine: Machine | undefined;
  let qtest: Qtest;
  let target: QemuFunction;

  beforeAll(async () => {
    const [ram, file] = ['ram', 'pmem'].map((name) => join(folder, name));
    for (const [path, size] of [[ram, RAM], [file, 6 * MIB]] as const) {
      const fd = openSync(path ?? '', 'w+');
      ftruncateSync(fd, size);
      closeSync(fd);
    }
    const object = `memory-backend-file,id=mem1,share=on,mem-path=${file},size=6M`;
    // QEMU refuses drivers that do not accept ACCESS_PLATFORM where it is offered, as it may (RFB-17).
    const device = `virtio-pmem-pci,memdev=mem1,id=nv1,packed=on,in_order=on,iommu_platform=${ours ? 'on' : 'off'}`;
    let args = ['-object', object, '-device', device];
    if (ours) {
      machine = new Machine({ warning: () => undefined, failed: () => undefined }, { socketFolder: folder });
      await machine.addObject(parseOption(object, { grammar: 'qemuopts', impliedKey: 'qom-type' }));
      const { socketPath } = await machine.addDevice(parseOption(device, { grammar: 'qemuopts', impliedKey: 'driver' }));
      args = ['-device', JSON.stringify({ driver: 'vfio-user-pci', socket: { type: 'unix', path: socketPath } })];
    }
    const memory = ['-object', `memory-backend-file,id=ram,share=on,mem-path=${ram},size=${RAM}`, '-machine', 'memory-backend=ram'];
    qtest = await startQtest({ testbed: testbed!, memory: `${RAM / MIB}M,slots=2,maxmem=1G`, ram: memory, qemuArgs: args });
    let slot = 0;
    while (slot < 32 && (await qtest.configRead(0, slot, 0, 0, 4)) !== 0x105b_1af4) slot++;
    target = new QemuFunction(qtest, ram ?? '', slot, traits, ours ? 6000 : 200);
  });
  afterAll(async () => {
    target.close();
    await qtest.stop();
    await machine?.close();
    rmSync(folder, { recursive: true });
  });

  // What passes over QEMU's own device says nothing of ours, so its tests are not named for statements.
  it.each(namedCases(traits))(ours ? '%s' : 'QEMU: %s', async (name, run) => {
    const trial = async (): Promise<void> => {
      await target.reset();
      target.memory.write(0, new Uint8Array(0x1_0000));
      await run(await VirtioGuest.on(target));
    };
    const deviation = ours ? undefined : QEMU_DEVIATIONS[name];
    if (deviation === undefined) return await trial();
    // What QEMU should not do it may do late, where it has no core, and be thought to be right.
    const judge = (): Promise<string> => trial().then(() => 'does it', () => deviation);
    await expect.poll(judge, { timeout: 20_000 }).toBe(deviation);
  });
});

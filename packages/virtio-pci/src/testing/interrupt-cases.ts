import assert from 'node:assert/strict';
import { CAPABILITY_MSIX, PciHeader, STATUS_INTERRUPT } from '@vpmem/pci';
import { DEVICE_NEEDS_RESET, VIRTIO_F_RING_PACKED } from '@vpmem/virtio';
import { VIRTIO_MSI_NO_VECTOR } from '../common-config.ts';
import type { FunctionCase } from './function-case.ts';
import type { VirtioGuest } from './virtio-guest.ts';

const { status, bar: bars } = PciHeader.fields;
const REGION_BAR = 2;
const VECTOR_REGISTERS = ['config_msix_vector', 'queue_msix_vector'] as const;

/** Moves the region's BAR by its own size, which changes a configuration that says where it is. */
export async function moveRegion({ pci, traits }: VirtioGuest): Promise<void> {
  const at = bars.offset + 4 * REGION_BAR + 4;
  await pci.writeConfig(at, 4, (await pci.readConfig(at, 4)) ^ (2 ** Math.ceil(Math.log2(Math.max(traits.region ?? 0, 2 ** 32))) / 2 ** 32));
}

const pciStatus = async ({ pci }: VirtioGuest): Promise<boolean> => ((await pci.readConfig(status.offset, 2)) & STATUS_INTERRUPT) !== 0;

const CASES: readonly FunctionCase[] = [
  {
    name: 'PISR-03 PISR-04 PISR-05 PISR-D1 PINT-D1 a used buffer sets ISR bit 0 and asserts INTA until ISR is read',
    interrupts: 'INTx',
    run: async (guest) => {
      const queue = await guest.bringUp();
      assert.deepEqual([await guest.pci.intx(), await pciStatus(guest)], [false, false]);
      for (let round = 0; round < 2; round++) {
        await guest.transact(queue);
        assert.deepEqual([await guest.pci.intx(), await pciStatus(guest)], [true, true]);
        assert.deepEqual([await guest.takeIsr(), await guest.takeIsr()], [1, 0]);
        assert.deepEqual([await guest.pci.intx(), await pciStatus(guest)], [false, false]);
      }
    },
  },
  {
    name: 'PISR-02 PISR-04 PINT-D1 CFGS-D2 PCOM-06 INIT-D1 a configuration change sets ISR bit 1 and asserts INTA, under a new generation',
    interrupts: 'INTx',
    also: 'address',
    run: async (guest) => {
      await guest.bringUp();
      const before = [await guest.get('config_generation'), await guest.config(4)];
      await moveRegion(guest);
      assert.deepEqual([await guest.pci.intx(), await pciStatus(guest), await guest.takeIsr(), await guest.pci.intx()], [true, true, 2, false]);
      assert.notEqual(await guest.config(4), before[1]);
      assert.notEqual(await guest.get('config_generation'), before[0]);
    },
  },
  {
    name: 'PINT-D2 PISR-05 AMB-16 a used buffer sends the message of its queue\'s vector, and leaves ISR alone',
    interrupts: 'MSI-X',
    run: async (guest) => {
      const queue = await guest.bringUp();
      for (const vector of [0, 1]) {
        await guest.set('queue_select', 0);
        await guest.set('queue_msix_vector', vector);
        await guest.transact(queue);
        assert.deepEqual([await guest.pci.takeMessages(), await guest.takeIsr(), await guest.pci.intx()], [[0x40 + vector], 0, false]);
      }
    },
  },
  {
    name: 'PINT-D2 PISR-02 INIT-D1 a configuration change sends the message of its vector, with ISR bit 1',
    interrupts: 'MSI-X',
    also: 'address',
    run: async (guest) => {
      await guest.bringUp();
      await moveRegion(guest);
      assert.deepEqual([await guest.pci.takeMessages(), await guest.takeIsr(), await guest.takeIsr()], [[0x41], 2, 0]);
    },
  },
  {
    name: 'PINT-01 PINT-03 PMSX-07 without a vector nothing is sent, neither for a queue nor for the configuration',
    interrupts: 'MSI-X',
    run: async (guest) => {
      const queue = await guest.bringUp();
      await guest.set('queue_select', 0);
      for (const register of VECTOR_REGISTERS) await guest.set(register, VIRTIO_MSI_NO_VECTOR);
      await guest.transact(queue);
      if (guest.traits.addressInConfig !== undefined) await moveRegion(guest);
      assert.deepEqual([await guest.pci.takeMessages(), await guest.pci.intx()], [[], false]);
    },
  },
  {
    name: 'PMSX-06 PMSX-08 PMSX-10 PMSX-11 any event takes any vector there is, reads it back, and reads 0xffff for one there is not',
    interrupts: 'MSI-X',
    run: async (guest) => {
      await guest.resetDevice();
      const table = guest.capabilities.find(({ id }) => id === CAPABILITY_MSIX)?.bytes.readUInt16LE(2) ?? 0;
      const vectors = (table & 0x7ff) + 1;
      await guest.set('queue_select', 0);
      for (const register of VECTOR_REGISTERS) {
        for (let vector = 0; vector < vectors; vector++) {
          await guest.set(register, vector);
          assert.equal(await guest.get(register), vector);
        }
        for (const vector of [vectors, 0x7ff, 0xfffe, VIRTIO_MSI_NO_VECTOR]) {
          if (vector < vectors) continue;
          await guest.set(register, 0);
          await guest.set(register, vector);
          assert.equal(await guest.get(register), VIRTIO_MSI_NO_VECTOR);
        }
      }
    },
  },
  {
    name: 'PMSX-03 PMSX-04 has 2 vectors or more, and says so in the size of its table',
    interrupts: 'MSI-X',
    run: (guest) => {
      const table = guest.capabilities.find(({ id }) => id === CAPABILITY_MSIX)?.bytes.readUInt16LE(2) ?? 0;
      const vectors = (table & 0x7ff) + 1;
      assert(vectors >= 2 && vectors <= 0x800, `${vectors} vectors`);
      return Promise.resolve();
    },
  },
  {
    name: 'PMSX-09 after a reset no event has a vector',
    interrupts: 'MSI-X',
    run: async (guest) => {
      await guest.bringUp();
      await guest.resetDevice();
      assert.deepEqual([await guest.get('config_msix_vector'), await guest.queueRegister(0, 'queue_msix_vector')], [VIRTIO_MSI_NO_VECTOR, VIRTIO_MSI_NO_VECTOR]);
    },
  },
  {
    name: 'SEVT-23 DNOT-D5 PKD-12 AMB-25 notifications that announce nothing change nothing, whatever the ring',
    run: async (guest) => {
      for (const features of [0n, VIRTIO_F_RING_PACKED].filter((each) => (each & ~guest.traits.offered) === 0n)) {
        const queue = await guest.bringUp(features);
        await guest.transact(queue);
        if (guest.traits.interrupts === 'INTx') await guest.takeIsr();
        await guest.pci.takeMessages();
        for (let i = 0; i < 3; i++) await guest.notify(queue);
        await guest.pci.settle();
        assert.equal((await guest.get('device_status')) & DEVICE_NEEDS_RESET, 0);
        assert.deepEqual([await guest.pci.takeMessages(), await guest.pci.intx()], [[], false]);
        await guest.transact(queue);
      }
    },
  },
];

/** ISR status (VIRTIO 1.4 §4.1.4.5), INTx and MSI-X (VIRTIO 1.4 §4.1.5). */
export function interruptCases(): readonly FunctionCase[] {
  return CASES;
}

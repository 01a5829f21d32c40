import { channel } from 'node:diagnostics_channel';
import { SYNC_FAILED_CHANNEL } from '@vpmem/memory-backend';
import { DRIVER_ERROR_CHANNEL } from '@vpmem/virtio-pci';
import { describe, expect, it } from 'vitest';
import { EmbeddedDevices } from './embedded-devices.ts';
import type { EmbeddedPmem } from './embedded-pmem.ts';
import { EmbeddedTroubles } from './embedded-troubles.ts';
import type { MachineEvent } from './machine-event.ts';

describe('EmbeddedTroubles', () => {
  it('tells of its own devices only, and keeps the last trouble of each', () => {
    const error = new Error('EIO: fdatasync');
    const mine = { identity: { id: 'nv1', path: '/machine/peripheral/nv1', hotplugged: false }, device: {}, backend: { flushes: { failure: error } }, lastError: undefined };
    const devices = new EmbeddedDevices();
    devices.add(mine as unknown as EmbeddedPmem);
    const events: MachineEvent[] = [];
    const troubles = new EmbeddedTroubles(devices, (event) => events.push(event));
    channel(SYNC_FAILED_CHANNEL).publish({ id: 'mem1', error: new Error('of another machine with the same id') });
    channel(DRIVER_ERROR_CHANNEL).publish({ device: {}, error: { code: 'unmapped', detail: 'elsewhere' } });
    expect(events).toEqual([]);
    channel(DRIVER_ERROR_CHANNEL).publish({ device: mine.device, error: { code: 'unmapped', detail: 'the ring' } });
    channel(SYNC_FAILED_CHANNEL).publish({ id: 'mem1', error });
    const who = { device: 'nv1', path: '/machine/peripheral/nv1' };
    expect(events).toEqual([
      { name: 'PMEM_DRIVER_ERROR', data: { ...who, reason: 'unmapped: the ring' } },
      { name: 'PMEM_FLUSH_FAILED', data: { ...who, reason: 'EIO: fdatasync' } },
    ]);
    expect(mine.lastError).toMatchObject({ text: 'EIO: fdatasync' });
    troubles.close();
    channel(SYNC_FAILED_CHANNEL).publish({ id: 'mem1', error });
    expect(events).toHaveLength(2);
  });
});

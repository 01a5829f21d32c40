import { channel } from 'node:diagnostics_channel';
import type { MachineEvent } from '@vpmem/machine';
import { SYNC_FAILED_CHANNEL } from '@vpmem/memory-backend';
import { LABEL_FAILED_CHANNEL } from '@vpmem/nvdimm';
import { DRIVER_ERROR_CHANNEL } from '@vpmem/virtio-pci';
import { describe, expect, it } from 'vitest';
import { EmbeddedDevices } from './embedded-devices.ts';
import type { EmbeddedNvdimm } from './nvdimm/embedded-nvdimm.ts';
import type { EmbeddedPmem } from './pmem/embedded-pmem.ts';
import { EmbeddedTroubles } from './embedded-troubles.ts';

describe('EmbeddedTroubles', () => {
  it('tells of its own devices only, and keeps the last trouble of each', () => {
    const error = new Error('EIO: fdatasync');
    const mine = { type: 'virtio-pmem-pci', identity: { id: 'nv1', path: '/machine/peripheral/nv1', hotplugged: false }, device: {}, backend: { flushes: { failure: error } }, lastError: undefined };
    const devices = new EmbeddedDevices();
    devices.add(mine as unknown as EmbeddedPmem);
    const events: MachineEvent[] = [];
    const troubles = new EmbeddedTroubles(devices, (event) => events.push(event), () => undefined);
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

  it('warns of a label area that cannot be reached, once, and keeps it as the last trouble', () => {
    const mine = { type: 'nvdimm', identity: { id: 'nv1' }, label: 'nv1', module: {}, lastError: undefined };
    const devices = new EmbeddedDevices();
    devices.add(mine as unknown as EmbeddedNvdimm);
    const warnings: string[] = [];
    const troubles = new EmbeddedTroubles(devices, () => expect.unreachable(), (text) => warnings.push(text));
    channel(LABEL_FAILED_CHANNEL).publish({ id: 'nv1', device: {}, error: new Error('of another machine with the same id') });
    channel(LABEL_FAILED_CHANNEL).publish({ id: 'nv1', device: mine.module, error: new Error('EIO: read') });
    expect(warnings).toEqual(["device 'nv1': its label area: EIO: read; the guest was told that the access failed"]);
    expect(mine.lastError).toMatchObject({ text: 'its label area: EIO: read' });
    troubles.close();
    channel(LABEL_FAILED_CHANNEL).publish({ id: 'nv1', device: mine.module, error: new Error('EIO: read') });
    expect(warnings).toHaveLength(1);
  });
});

// Both devices are sound functions of PCI, also for drivers that are not: what every virtio function has to do.
import { mkdtempSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VirtioDevice } from '@vpmem/virtio';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { localFunction, namedCases, VirtioGuest, type FunctionTraits } from '@vpmem/virtio-pci/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { Disk } from './block.ts';
import { Entropy } from './entropy.ts';

/** VERSION_1, INDIRECT_DESC, EVENT_IDX, RING_RESET and RING_PACKED. */
const TRANSPORT = 0x105_3000_0000n;
const TYPE = { block: 0x206n, entropy: 0n };
/** A request of a type that does not exist. */
const UNKNOWN = Uint8Array.of(99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

let folder: string;
let file: FileHandle;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-example-'));
  file = await open(join(folder, 'disk.img'), 'w+');
});
afterAll(async () => {
  await file.close();
  rmSync(folder, { recursive: true });
});

describe.each([
  ['entropy', 4, [64], Uint8Array.of(0), Uint8Array.of(7, 7, 7), (): VirtioDevice => new Entropy((bytes) => bytes.fill(7))],
  ['block', 2, [64], UNKNOWN, Uint8Array.of(2), (): VirtioDevice => new Disk(file, 2 ** 20)],
] as const)('the %s device', (name, deviceId, queueSizes, request, response, make) => {
  const traits: FunctionTraits = { deviceId, offered: TRANSPORT | TYPE[name], typeFeatures: TYPE[name], interrupts: 'MSI-X', queueSizes, request, response, exact: true, unconfigured: name === 'entropy', held: false };
  it.each(namedCases(traits))('%s', async (_, run) => {
    await run(await VirtioGuest.on(localFunction(new VirtioPciFunction(make(), { packed: true }), { traits })));
  });
});
